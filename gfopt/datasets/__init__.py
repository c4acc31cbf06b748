"""Data sets: one file each. `prepare` splits and scales what a set's own file has read."""

from gfopt.datasets.base import Arrays, Data, Dataset, datasets
from gfopt.datasets.prepare import prepare
from gfopt.datasets.user_file import UserFile

__all__ = ["Arrays", "Data", "Dataset", "UserFile", "datasets", "prepare"]
