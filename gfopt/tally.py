"""Counting passes: what a rule costs in sample-passes, exactly, whatever part of the net it runs.

A sample-pass is one sample through the whole network. A partial pass counts by its share of the
multiply-adds: forward, of sum n_l n_{l-1}; backward, of the products dW and dA,
2 sum n_l n_{l-1} - n_1 n_0 in full.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gfopt.problem import Pass


@dataclass
class Tally:
    """The passes that one replica has had so far; `replicas` are how many share the batch now."""

    widths: tuple[int, ...]  # n_0, ..., n_L
    full_samples: int  # N of the training set
    replicas: int = 1
    counted: bool = True
    last_full: Pass | None = None  # the last pass over the full data, partial ones included
    whole: tuple[int, ...] = ()  # of the network whose last layers these are, passed once so far
    _forward: float = field(default=0, init=False)  # multiply-adds times samples
    _backward: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.whole:
            below = forward_products(self.whole, 1) - forward_products(self.widths, 1)
            self._forward = below * self.full_samples

    def forward(self, rows: int, samples: int, first: int, made: Pass) -> None:
        """Count a pass of layers first..L; rows beyond the replicas are population members."""
        self._forward += self._scaled(rows, samples) * forward_products(self.widths, first)
        if samples == self.full_samples and rows == self.replicas:
            self.last_full = made

    def backward(self, rows: int, samples: int, last: int) -> None:
        """Count a back-propagation through layers L..last."""
        self._backward += self._scaled(rows, samples) * backward_products(self.widths, last)

    def charge(self, passes: float) -> None:
        """Count forward sample-passes of a replica that a rule made by means of its own."""
        self._forward += passes * forward_products(self.widths, 1)

    def uncounted(self) -> None:
        """The rule makes passes of its own."""
        self.counted = False

    @property
    def forward_passes(self) -> float | None:
        """Forward sample-passes, None if the rule makes passes of its own."""
        return self._forward / forward_products(self._unit, 1) if self.counted else None

    @property
    def backward_passes(self) -> float | None:
        """Backward sample-passes, None if the rule makes passes of its own."""
        return self._backward / backward_products(self._unit, 1) if self.counted else None

    @property
    def _unit(self) -> tuple[int, ...]:
        """The widths of the network whose passes are counted."""
        return self.whole or self.widths

    def _scaled(self, rows: int, samples: int) -> int:
        return rows // self.replicas * samples


@cache
def forward_products(widths: tuple[int, ...], first: int) -> int:
    """Multiply-adds of a sample's pass through layers first..L."""
    return sum(n * m for m, n in pairwise(widths[first - 1 :]))


@cache
def backward_products(widths: tuple[int, ...], last: int) -> int:
    """dW of layers last..L and dA of layers above last."""
    return forward_products(widths, last) + forward_products(widths, last + 1)
