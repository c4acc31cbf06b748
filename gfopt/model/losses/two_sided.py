"""The two-sided cross-entropy of arXiv 2204.05312, the base of bce and softmax_bce.

With `signal: published` training uses a - y, as the original programs do; with `true` it uses the
derivative of the value, which has an epsilon that a - y ignores.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from gfopt.model.losses.base import Loss, Output

if TYPE_CHECKING:
    from torch import Tensor
EPSILON = 1e-5  # inside the logarithms of the published losses (arXiv 2204.05312, its program)


def two_sided(a: Tensor, y: Tensor) -> Tensor:
    """-(1/N) sum [y ln(a + e) + (1 - y) ln(1 - a + e)], summed over outputs."""
    terms = y * (a + EPSILON).log() + (1 - y) * (1 - a + EPSILON).log()
    return -terms.sum(-2).mean(-1)


def two_sided_slope(a: Tensor, y: Tensor) -> Tensor:
    """The derivative of two_sided with respect to a."""
    return ((1 - y) / (1 - a + EPSILON) - y / (a + EPSILON)) / y.shape[-1]


class TwoSidedCrossEntropy(Loss):
    """Two-sided cross-entropy with an epsilon inside the logarithms."""

    targets: ClassVar[Literal["classes", "values"]] = "classes"
    signal: Annotated[
        Literal["published", "true"],
        Field(
            description="published: train by a - y, as in the program; true: by the derivative",
        ),
    ] = "published"

    def declared_residual(self) -> Output | None:
        return super().declared_residual() if self.signal == "published" else None

    def of_outputs(self, a: Tensor, y: Tensor) -> Tensor:
        return two_sided(a, y)

    def delta(self, a: Tensor, y: Tensor) -> Tensor:
        if self.signal == "published":
            return (a - y) / y.shape[-1]
        return self._true_delta(a, y)

    @abstractmethod
    def _true_delta(self, a: Tensor, y: Tensor) -> Tensor:
        """delta_L as the exact derivative of the value, epsilon included."""
