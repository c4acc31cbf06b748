"""The data sets, one file each: a file in this folder is the registration."""

from gfopt.datasets.base import Arrays, Data, Dataset, datasets
from gfopt.datasets.prepare import prepare
from gfopt.datasets.user_file import UserFile

__all__ = ["Arrays", "Data", "Dataset", "UserFile", "datasets", "prepare"]
