"""What several runs say together, and how far it can be trusted. No torch here.

`middle` and `order_interval` are of plain values. `Costs` are what runs took to a target, misses
included; `compare` sets two rows of them side by side. Intervals are of 95 % confidence, from six
runs on; below, minimum and maximum.
"""

from gfopt.statistics.censored import Costs, expected, fraction, median, restricted_mean
from gfopt.statistics.intervals import CONFIDENCE, ENOUGH, Estimate, middle, order_interval
from gfopt.statistics.paired import Comparison, compare, holm

__all__ = [
    "CONFIDENCE",
    "ENOUGH",
    "Comparison",
    "Costs",
    "Estimate",
    "compare",
    "expected",
    "fraction",
    "holm",
    "median",
    "middle",
    "order_interval",
    "restricted_mean",
]
