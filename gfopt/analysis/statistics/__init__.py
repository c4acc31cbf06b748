"""Statistics over the runs of a row, with intervals. No torch here.

`take_median` and `order_interval` take plain values. `Costs` are the costs of runs to a target,
censored runs included; `compare` tests two rows of them, seed by seed. Intervals have 95 %
confidence from six runs on; below six they are minimum and maximum.
"""

from gfopt.analysis.statistics.censored import (
    Costs,
    expected_running_time,
    median,
    restricted_mean,
    success_rate,
)
from gfopt.analysis.statistics.intervals import (
    CONFIDENCE,
    MIN_RUNS_FOR_INTERVAL,
    Estimate,
    order_interval,
    take_median,
)
from gfopt.analysis.statistics.paired import Comparison, compare, holm

__all__ = [
    "CONFIDENCE",
    "MIN_RUNS_FOR_INTERVAL",
    "Comparison",
    "Costs",
    "Estimate",
    "compare",
    "expected_running_time",
    "holm",
    "median",
    "order_interval",
    "restricted_mean",
    "success_rate",
    "take_median",
]
