"""What a table says of several seeds: the median and how far it can be trusted.

A run that missed its target took longer than anyone waited: it counts as infinity, and stays in.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CONFIDENCE = 0.95
ENOUGH = 6  # the fewest values whose minimum and maximum enclose the median with that confidence


def median(values: Sequence[float]) -> float:
    """The median, in the values' unit; NaN counts as infinity."""
    return float(statistics.median(_ordered(values)))


def interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    """(lo, hi) around the median, in the values' unit; NaN counts as infinity.

    One value has none, fewer than six have their minimum and maximum. From six on it is the 95 %
    interval of the median from order statistics, whatever the distribution: the k-th smallest and
    k-th largest value for the largest k that P(Binomial(n, 1/2) < k) <= 2.5 % allows.
    """
    ordered = _ordered(values)
    if len(ordered) < ENOUGH:
        return (ordered[0], ordered[-1]) if len(ordered) > 1 else (None, None)
    from scipy.stats import quantile_test

    found = quantile_test(ordered).confidence_interval(CONFIDENCE)
    return float(found.low), float(found.high)


def _ordered(values: Sequence[float]) -> list[float]:
    return sorted(math.inf if math.isnan(value) else value for value in values)
