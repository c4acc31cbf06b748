"""Training rules, one file each: dropping a file in is the whole registration."""

from gfopt.optimizers.base import Optimizer, optimizers

__all__ = ["Optimizer", "optimizers"]
