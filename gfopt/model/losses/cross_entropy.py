"""Softmax output, -(1/N) sum ln a_class, as torch.nn.functional.cross_entropy."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from gfopt.model.losses.base import Loss, Output, losses

if TYPE_CHECKING:
    from torch import Tensor


@losses.register("cross_entropy")
class CrossEntropy(Loss):
    """Cross-entropy of a softmax output."""

    targets: ClassVar[Literal["classes", "values"]] = "classes"
    residual_output: ClassVar[Output | None] = "softmax"

    def activate(self, z: Tensor) -> Tensor:
        return z.softmax(-2)

    def value(self, z: Tensor, y: Tensor) -> Tensor:
        """From z by log-softmax: the logarithm of a softmax would lose the small outputs."""
        return -(y * z.log_softmax(-2)).sum(-2).mean(-1)

    def of_outputs(self, a: Tensor, y: Tensor) -> Tensor:
        return -(y * a.clamp(min=1e-300 if a.element_size() == 8 else 1e-38).log()).sum(-2).mean(-1)

    def delta(self, a: Tensor, y: Tensor) -> Tensor:
        return (a - y) / y.shape[-1]
