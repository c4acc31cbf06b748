"""The score of a trial: the share of its budget that an optimizer needs to its target.

    reached    cost at the evaluation that reaches it / budget                   in [0, 1]
    missed     1 + d,    d = gap of the nearest evaluation / gap of the first    in (1, 2]
    diverged   2, and so is a trial that raises

It is the mean over the tuning seeds; lower is better. d gives a search among misses a slope to
follow. Cost is full-data passes, forward + backward, so that an optimizer with several passes an
epoch pays for them. If an optimizer's passes aren't counted it is epochs, against the budget's
epochs. The budget is checked at each evaluation: a run can exceed it by what lies between two
evaluations, and a target reached there costs the whole budget.

Of several targets the last one is tuned for, with its `hold`. No torch here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from gfopt.records.record import Status

if TYPE_CHECKING:
    from gfopt.engine.outcome import Outcome
    from gfopt.engine.target import Target
    from gfopt.records.evaluation import Evaluation

WORST_SCORE = 2.0  # also of a trial that raises
_SMALLEST_DISTANCE = 1e-3  # d of a run that met its target and didn't hold it


@dataclass(frozen=True)
class Limits:
    """The budget of a trial's run, and the samples N of a full-data pass."""

    epochs: float
    passes: float
    samples: int


def score(outcomes: Sequence[Outcome], target: Target, limits: Limits) -> float:
    """The mean over the outcomes of all seeds, each of a run to this one target."""
    return fmean(_score_run(outcome, target, limits) for outcome in outcomes)


def _score_run(outcome: Outcome, target: Target, limits: Limits) -> float:
    hit = outcome.hits[-1]
    if hit:
        return _measure_share(hit.evaluation, outcome.history[-1], limits)
    if outcome.status is Status.DIVERGED:
        return WORST_SCORE
    return 1 + _measure_distance(outcome.history, target)


def _measure_share(evaluation: Evaluation, last: Evaluation, limits: Limits) -> float:
    """The share of the budget up to an evaluation; the last tells whether passes are counted."""
    passes = evaluation.passes
    if passes is None or last.passes is None:
        return min(max(evaluation.epoch, 0) / limits.epochs, 1.0)
    return min(passes / limits.samples / limits.passes, 1.0)


def _measure_distance(history: Sequence[Evaluation], target: Target) -> float:
    """d of a run that missed its target."""
    sign = -1 if target.on_accuracy else 1
    values = [evaluation.value(target.metric) for evaluation in history]
    gaps = [sign * (v - target.value) for v in values if v is not None and math.isfinite(v)]
    if not gaps or not math.isfinite(values[0] or 0.0):
        return 1.0
    if min(gaps) <= 0:
        return _SMALLEST_DISTANCE
    return min(max(min(gaps) / gaps[0], _SMALLEST_DISTANCE), 1.0)
