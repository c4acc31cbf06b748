"""Softmax output, the two-sided cross-entropy of bce summed over the K outputs.

Source: the program of arXiv 2204.05312 (mnist, cifar10), which trains with a - y.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gfopt.model.losses.base import Output, losses
from gfopt.model.losses.two_sided import TwoSidedCrossEntropy, two_sided_slope

if TYPE_CHECKING:
    from torch import Tensor


@losses.register("softmax_bce")
class SoftmaxBinaryCrossEntropy(TwoSidedCrossEntropy):
    """Two-sided cross-entropy of a softmax output."""

    residual_output: ClassVar[Output | None] = "softmax"

    def activate(self, z: Tensor) -> Tensor:
        return z.softmax(-2)  # shifted by the maximum

    def _true_delta(self, a: Tensor, y: Tensor) -> Tensor:
        slope = two_sided_slope(a, y)
        return a * (slope - (a * slope).sum(-2, keepdim=True))
