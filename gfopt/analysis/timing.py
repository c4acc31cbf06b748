"""Whether timings are reliable: other processes, outliers, a slow first run, the timing noise.

Outliers by the modified z-score, 0.6745 |x - median| / MAD > 3.5, of the seconds an epoch (Iglewicz
& Hoaglin, "How to detect and handle outliers", 1993, which names these constants).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from gfopt.analysis.statistics import Costs, compare

if TYPE_CHECKING:
    from gfopt.records.record import Record

MAX_DISTURBED_SHARE = 0.1  # of a row's runs, with reliable timings
MIN_RUNS_FOR_OUTLIERS = 4
_SCORE = 3.5
_MIN_DEVIATION = 0.02  # relative to the median; nothing nearer is an outlier


class NoiseFloor(NamedTuple):
    """How far the seconds of equal runs lie apart; ratios are max(a/b, b/a)."""

    label: str
    pairs: int
    mean: float  # the far end of the interval of the geometric mean over the pairs
    single: float  # the 95 % quantile of single pairs; the largest below 20


def is_reliable(runs: Sequence[Record]) -> bool:
    """Whether a row's seconds are of its runs alone, with hardly any other process running."""
    disturbed = sum(run.disturbed for run in runs)
    return all(run.timed for run in runs) and disturbed <= MAX_DISTURBED_SHARE * len(runs)


def find_outliers(runs: Sequence[Record]) -> list[int]:
    """The seeds of a row whose seconds an epoch lie far from the row's median."""
    paces = {run.seed: run.seconds / run.epochs for run in runs if run.epochs and run.timed}
    if len(paces) < MIN_RUNS_FOR_OUTLIERS:
        return []
    median = statistics.median(paces.values())
    spread = statistics.median(abs(pace - median) for pace in paces.values())
    far = max(_SCORE * spread / 0.6745, _MIN_DEVIATION * median)
    return [seed for seed, pace in paces.items() if abs(pace - median) > far]


def is_first_slow(runs: Sequence[Record]) -> bool:
    """Whether a row's first run is an outlier on the slow side."""
    first = runs[0]
    if first.seed not in find_outliers(runs):
        return False
    others = [run.seconds / run.epochs for run in runs[1:] if run.epochs]
    return first.seconds / first.epochs > statistics.median(others)


def measure_noise(runs: Sequence[Record], repeats: Sequence[Record]) -> NoiseFloor | None:
    """The timing noise from runs and their repeats, paired by seed; None without such pairs."""
    repeated = {run.seed: run for run in repeats if _is_clean(run)}
    both = [run for run in runs if run.seed in repeated and _is_clean(run)]
    if not both:
        return None
    sides = [run.seconds for run in both], [repeated[run.seed].seconds for run in both]
    apart = sorted(max(a / b, b / a) for a, b in zip(*sides, strict=True))
    all_reached, none = (True,) * len(both), (False,) * len(both)
    costs = (Costs(tuple(seconds), all_reached, none) for seconds in sides)
    mean = compare(*costs).ratio_mean
    off = apart[-1] if mean.lo is None or mean.hi is None else max(mean.hi, 1 / mean.lo)
    return NoiseFloor(runs[0].label, len(both), off, apart[math.ceil(0.95 * len(apart)) - 1])


def _is_clean(run: Record) -> bool:
    return run.timed and not run.disturbed and run.seconds > 0
