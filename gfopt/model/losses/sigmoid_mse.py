"""Sigmoid output, (1/N) sum (a - y)^2, summed over outputs: classes, or values from 0 to 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gfopt.model.losses.base import losses
from gfopt.model.losses.mse import MeanSquaredError

if TYPE_CHECKING:
    from torch import Tensor


@losses.register("sigmoid_mse")
class SigmoidMeanSquaredError(MeanSquaredError):
    """Mean squared error of a sigmoid output."""

    def activate(self, z: Tensor) -> Tensor:
        return z.sigmoid()

    def delta(self, a: Tensor, y: Tensor) -> Tensor:
        return super().delta(a, y) * (a * (1 - a))
