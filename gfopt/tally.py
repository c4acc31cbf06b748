"""Counting passes: what a rule costs in sample-passes, exactly, whatever part of the net it runs.

A sample-pass is one sample through the whole network. A partial pass counts by its share of the
multiply-adds: forward, of sum n_l n_{l-1}; backward, of the products dW and dA,
2 sum n_l n_{l-1} - n_1 n_0 in full.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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
    _forward: float = field(default=0, init=False)  # multiply-adds times samples
    _backward: int = field(default=0, init=False)

    def forward(self, rows: int, samples: int, first: int, made: Pass) -> None:
        """Count a pass of layers first..L; rows beyond the replicas are population members."""
        self._forward += self._scaled(rows, samples) * sum(self._products()[first - 1 :])
        if samples == self.full_samples and rows == self.replicas:
            self.last_full = made

    def backward(self, rows: int, samples: int, last: int) -> None:
        """Count a back-propagation through layers L..last."""
        self._backward += self._scaled(rows, samples) * self._backward_products(last)

    def charge(self, passes: float) -> None:
        """Count forward sample-passes of a replica that a rule made by means of its own."""
        self._forward += passes * sum(self._products())

    def uncounted(self) -> None:
        """The rule makes passes of its own."""
        self.counted = False

    @property
    def forward_passes(self) -> float | None:
        """Forward sample-passes, None if the rule makes passes of its own."""
        return self._forward / sum(self._products()) if self.counted else None

    @property
    def backward_passes(self) -> float | None:
        """Backward sample-passes, None if the rule makes passes of its own."""
        return self._backward / self._backward_products(1) if self.counted else None

    def _scaled(self, rows: int, samples: int) -> int:
        return rows // self.replicas * samples

    def _products(self) -> list[int]:
        """n_l n_{l-1} for l = 1..L."""
        return [n * m for m, n in pairwise(self.widths)]

    def _backward_products(self, last: int) -> int:
        """dW of layers last..L and dA of layers above last."""
        products = self._products()
        return sum(products[last - 1 :]) + sum(products[last:])
