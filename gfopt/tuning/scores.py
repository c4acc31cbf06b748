"""What a trial is worth: the share of its budget that a rule needs to its target.

    reached   cost at the reading that reaches it / budget                  in [0, 1]
    missed    1 + d,    d = gap of the nearest reading / gap of the first   in (1, 2]
    diverged  2, and so is a trial that raises

averaged over the tuning seeds; lower is better. d gives a search among misses a slope to follow.
Cost is full-data passes, forward and backward ones together, so that a rule with several passes an
epoch pays for them. Where a rule's passes aren't counted it is epochs, against the budget's epochs.
A budget is looked at with each reading: a run can exceed it by what lies between two readings, and
a target reached there costs the whole of it.

Of several targets the last one is tuned for, with its `hold`. No torch here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from gfopt.records import Status, passes_of

if TYPE_CHECKING:
    from gfopt.outcomes import Outcome, Row
    from gfopt.target import Target

WORST = 2.0  # also of a trial that raises
_NEAREST = 1e-3  # d of a run that met its target and didn't hold it


@dataclass(frozen=True)
class Limits:
    """What a run of a trial may cost, and the samples N of a full-data pass."""

    epochs: float
    passes: float
    samples: int


def score(outcomes: Sequence[Outcome], target: Target, limits: Limits) -> float:
    """The mean over the seeds' outcomes, each of a run to this one target."""
    return fmean(_of_run(outcome, target, limits) for outcome in outcomes)


def _of_run(outcome: Outcome, target: Target, limits: Limits) -> float:
    hit = outcome.hits[-1]
    if hit:
        return _share(hit.row, outcome.history[-1], limits)
    return WORST if outcome.status is Status.DIVERGED else 1 + _distance(outcome.history, target)


def _share(row: Row, last: Row, limits: Limits) -> float:
    """The share of the budget up to a reading; the last one knows whether passes are counted."""
    passes = passes_of(row)
    if passes is None or passes_of(last) is None:
        return min(max(row.epoch, 0) / limits.epochs, 1.0)
    return min(passes / limits.samples / limits.passes, 1.0)


def _distance(history: Sequence[Row], target: Target) -> float:
    """d of a run that missed its target."""
    sign = -1 if target.on_accuracy else 1
    values = [row.value(target.metric) for row in history]
    gaps = [sign * (v - target.value) for v in values if v is not None and math.isfinite(v)]
    if not gaps or not math.isfinite(values[0] or 0.0):
        return 1.0
    if min(gaps) <= 0:
        return _NEAREST
    return min(max(min(gaps) / gaps[0], _NEAREST), 1.0)
