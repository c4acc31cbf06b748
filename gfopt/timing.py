"""Whether seconds can be believed: other work beside, outliers, a slow first run, the noise floor.

Outliers by the modified z-score, 0.6745 |x - median| / MAD > 3.5, of the seconds an epoch (Iglewicz
& Hoaglin, "How to detect and handle outliers", 1993, which names these constants).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from gfopt.statistics import Costs, compare

if TYPE_CHECKING:
    from gfopt.records import Record

SHARE = 0.1  # of a row's runs that may have had other work beside them
ENOUGH = 4  # runs from which on an outlier can be told
_SCORE = 3.5
_LEAST = 0.02  # a relative distance from the median below which nothing is an outlier


class Floor(NamedTuple):
    """How far seconds of the same rule, run twice, lie apart; ratios as max(a/b, b/a)."""

    label: str
    pairs: int
    mean: float  # what the geometric mean over the pairs may be off by: the end of its interval
    single: float  # the 95 % quantile of single pairs; the largest below 20


def is_time(runs: Sequence[Record]) -> bool:
    """Whether a row's seconds are those of its rule alone on the machine."""
    disturbed = sum(run.disturbed for run in runs)
    return all(run.timed for run in runs) and disturbed <= SHARE * len(runs)


def outliers(runs: Sequence[Record]) -> list[int]:
    """The seeds of a row whose epochs took a time apart from the others'."""
    paces = {run.seed: run.seconds / run.epochs for run in runs if run.epochs and run.timed}
    if len(paces) < ENOUGH:
        return []
    middle = statistics.median(paces.values())
    spread = statistics.median(abs(pace - middle) for pace in paces.values())
    far = max(_SCORE * spread / 0.6745, _LEAST * middle)
    return [seed for seed, pace in paces.items() if abs(pace - middle) > far]


def slow_first(runs: Sequence[Record]) -> bool:
    """Whether a row's first run is an outlier on the slow side."""
    first = runs[0]
    if first.seed not in outliers(runs):
        return False
    others = [run.seconds / run.epochs for run in runs[1:] if run.epochs]
    return first.seconds / first.epochs > statistics.median(others)


def noise_floor(runs: Sequence[Record], repeats: Sequence[Record]) -> Floor | None:
    """From the runs of a rule and the same runs once more; None without such pairs."""
    again = {run.seed: run for run in repeats if _sound(run)}
    both = [run for run in runs if run.seed in again and _sound(run)]
    if not both:
        return None
    sides = [run.seconds for run in both], [again[run.seed].seconds for run in both]
    apart = sorted(max(a / b, b / a) for a, b in zip(*sides, strict=True))
    mean = compare(*(_spent(seconds) for seconds in sides)).ratio_mean
    off = apart[-1] if mean.lo is None or mean.hi is None else max(mean.hi, 1 / mean.lo)
    return Floor(runs[0].label, len(both), off, apart[math.ceil(0.95 * len(apart)) - 1])


def _spent(seconds: list[float]) -> Costs:
    none = (False,) * len(seconds)
    return Costs(tuple(seconds), (True,) * len(seconds), none)


def _sound(run: Record) -> bool:
    return run.timed and not run.disturbed and run.seconds > 0
