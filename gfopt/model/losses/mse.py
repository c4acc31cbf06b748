"""Linear output, (1/N) sum (a - y)^2, summed over outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gfopt.model.losses.base import Loss, Output, losses

if TYPE_CHECKING:
    from torch import Tensor


@losses.register("mse")
class MeanSquaredError(Loss):
    """Mean squared error."""

    residual_output: ClassVar[Output | None] = "identity"

    def of_outputs(self, a: Tensor, y: Tensor) -> Tensor:
        return (a - y).square().sum(-2).mean(-1)

    def delta(self, a: Tensor, y: Tensor) -> Tensor:
        return 2 * (a - y) / y.shape[-1]
