"""The losses, one file each: a file in this folder is the registration."""

from gfopt.model.losses.base import Loss, losses

__all__ = ["Loss", "losses"]
