"""Sigmoid output, -(1/N) sum [y ln(a + 1e-5) + (1 - y) ln(1 - a + 1e-5)], two classes.

Source: arXiv 2204.05312 and its program (cat).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gfopt.model.losses.base import Output, losses
from gfopt.model.losses.two_sided import TwoSidedCrossEntropy, two_sided_slope

if TYPE_CHECKING:
    from torch import Tensor


@losses.register("bce")
class BinaryCrossEntropy(TwoSidedCrossEntropy):
    """Two-sided cross-entropy of a sigmoid output."""

    outputs: ClassVar[int | None] = 1
    residual_output: ClassVar[Output | None] = "sigmoid"

    def activate(self, z: Tensor) -> Tensor:
        return z.sigmoid()

    def _true_delta(self, a: Tensor, y: Tensor) -> Tensor:
        return two_sided_slope(a, y) * (a * (1 - a))
