"""The optimizers, one file each: a file in this folder is the registration."""

from gfopt.optimizers.base import Optimizer, optimizers

__all__ = ["Optimizer", "optimizers"]
