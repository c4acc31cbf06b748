"""Linear output, sum (a - y)^2 / sum y^2: 1 for an output of 0.

Source: "How to train neural networks without gradient descent" (its reward is 1/NMSE).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gfopt.model.losses.base import Loss, Output, losses

if TYPE_CHECKING:
    from torch import Tensor


@losses.register("nmse")
class NormalisedMeanSquaredError(Loss):
    """Normalised mean squared error."""

    residual_output: ClassVar[Output | None] = "identity"

    def of_outputs(self, a: Tensor, y: Tensor) -> Tensor:
        return (a - y).square().sum((-2, -1)) / y.square().sum((-2, -1))

    def delta(self, a: Tensor, y: Tensor) -> Tensor:
        return 2 * (a - y) / y.square().sum((-2, -1), keepdim=True)
