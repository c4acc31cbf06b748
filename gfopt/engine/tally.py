"""Count forward and backward passes exactly, partial ones by their share.

The unit is one sample through the whole network. A partial pass counts by its share of the
multiply-adds: forward, of sum n_l n_{l-1}; backward, of the products dW and dA, which are
2 sum n_l n_{l-1} - n_1 n_0 in full.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gfopt.model.dense import Pass


@dataclass
class Tally:
    """The passes of one seed so far; `seeds`: how many are vectorized now."""

    widths: tuple[int, ...]  # n_0, ..., n_L
    full_samples: int  # N of the training set
    seeds: int = 1
    counted: bool = True
    last_full: Pass | None = None  # the last pass over the full data, partial ones included
    whole: tuple[int, ...] = ()  # widths of the network whose last layers these are, passed once
    _forward: float = field(default=0, init=False)  # multiply-adds times samples
    _backward: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.whole:
            below = count_forward_products(self.whole, 1) - count_forward_products(self.widths, 1)
            self._forward = below * self.full_samples

    def forward(self, rows: int, samples: int, first: int, made: Pass) -> None:
        """Count a pass of layers first..L; rows beyond the seeds are population members."""
        self._forward += self._count_samples(rows, samples) * count_forward_products(
            self.widths, first
        )
        if samples == self.full_samples and rows == self.seeds:
            self.last_full = made

    def backward(self, rows: int, samples: int, last: int) -> None:
        """Count a back-propagation through layers L..last."""
        self._backward += self._count_samples(rows, samples) * count_backward_products(
            self.widths, last
        )

    def charge(self, passes: float) -> None:
        """Count forward passes of a seed that an optimizer made by its own means."""
        self._forward += passes * count_forward_products(self.widths, 1)

    def uncounted(self) -> None:
        """Stop counting: the optimizer makes passes that nobody sees."""
        self.counted = False

    @property
    def forward_passes(self) -> float | None:
        """Forward passes, of single samples; None if they aren't counted."""
        return self._forward / count_forward_products(self._unit, 1) if self.counted else None

    @property
    def backward_passes(self) -> float | None:
        """Backward passes, of single samples; None if they aren't counted."""
        return self._backward / count_backward_products(self._unit, 1) if self.counted else None

    @property
    def _unit(self) -> tuple[int, ...]:
        """The widths of the network whose passes are counted."""
        return self.whole or self.widths

    def _count_samples(self, rows: int, samples: int) -> int:
        """Passed samples of one seed, of a pass of rows."""
        return rows // self.seeds * samples


@cache
def count_forward_products(widths: tuple[int, ...], first: int) -> int:
    """Multiply-adds of a sample's forward pass through layers first..L."""
    return sum(n * m for m, n in pairwise(widths[first - 1 :]))


@cache
def count_backward_products(widths: tuple[int, ...], last: int) -> int:
    """Multiply-adds of a sample's backward pass: dW of layers last..L, dA of layers above last."""
    return count_forward_products(widths, last) + count_forward_products(widths, last + 1)
