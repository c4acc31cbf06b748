"""The costs of an optimizer's runs to the target, censored runs included.

A run that ended at its budget is right-censored: reaching the target would have cost more. One that
diverged or stopped by itself would never have reached it: it is censored at infinity. Both count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gfopt.analysis.statistics.intervals import (
    CONFIDENCE,
    MIN_RUNS_FOR_INTERVAL,
    TAIL,
    Estimate,
    studentized_interval,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gfopt.analysis.statistics.intervals import Floats

_TOLERANCE = 1e-9  # of a product of n fractions that should be 1/2


@dataclass(frozen=True)
class Costs:
    """The cost of each run of a row until it reached its target, or until it ended without.

    In epochs, passes, seconds, ... Raises ValueError if these can't be the costs of runs.
    """

    spent: tuple[float, ...]  # finite, >= 0
    reached: tuple[bool, ...]
    hopeless: tuple[bool, ...]  # missed the target, and no budget would have been enough

    def __post_init__(self) -> None:
        if not len(self.spent) == len(self.reached) == len(self.hopeless):
            raise ValueError("spent, reached and hopeless need one value for each run")
        if not self.spent:
            raise ValueError("there are no runs: costs need at least one run")
        if not all(math.isfinite(cost) and cost >= 0 for cost in self.spent):
            raise ValueError(f"the costs of runs must be finite and >= 0 (got {self.spent})")
        if any(map(all, zip(self.reached, self.hopeless, strict=True))):
            raise ValueError("a run that reached its target can't be hopeless")

    def __len__(self) -> int:
        return len(self.spent)


def follow_up(costs: Costs) -> list[float]:
    """The cost up to which each run was followed: infinite for hopeless runs."""
    pairs = zip(costs.spent, costs.hopeless, strict=True)
    return [math.inf if hopeless else spent for spent, hopeless in pairs]


def success_rate(costs: Costs) -> Estimate:
    """The success rate with Wilson's interval, for any number of runs."""
    from scipy.stats import binomtest

    count, n = sum(costs.reached), len(costs)
    found = binomtest(count, n).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(count / n, float(found.low), float(found.high))


def median(costs: Costs) -> Estimate:
    """The Kaplan-Meier median: where the share without the target falls below 1/2.

    If that share is exactly 1/2 over a range, the middle of the range, as in R's survfit: without
    misses it is the usual median. It is infinite if the share stays at or above 1/2. One run has no
    interval, fewer than six have minimum and maximum, with infinity for a miss.
    """
    table = _make_life_table(costs)
    value = _find_median(table)
    if len(costs) < MIN_RUNS_FOR_INTERVAL:
        pairs = zip(costs.spent, costs.reached, strict=True)
        known = [spent if reached else math.inf for spent, reached in pairs]
        return (
            Estimate(value, min(known), max(known))
            if len(known) > 1
            else Estimate(value, None, None)
        )
    return Estimate(value, *_find_median_interval(table))


def restricted_mean(costs: Costs, horizon: float) -> float:
    """The area under the Kaplan-Meier curve up to the horizon, in the costs' unit.

    It is the mean of min(cost, horizon). If the last run ended without the target before the
    horizon, the curve goes on unchanged: the mean is then as large as it can be. Raises ValueError
    unless 0 <= horizon < infinity.
    """
    if not 0 <= horizon < math.inf:
        raise ValueError(f"the horizon must be finite and >= 0 (got {horizon})")
    table = _make_life_table(costs)
    edges = np.minimum(np.concatenate([[0.0], table.end, [math.inf]]), horizon)
    return float(np.diff(edges) @ np.concatenate([[1.0], table.survival]))


def expected_running_time(costs: Costs) -> Estimate:
    """The expected running time (ERT) of restarts until a run reaches the target.

    The costs of all runs over the number of successes; infinite without a success. The interval is
    studentized on the scale of logarithms; there is none below six runs or without a success.
    Unseen misses make it too narrow: if all n runs reached the target though a share q of runs
    would miss it, the upper limit is too low. That has probability (1 - q)^n (26 % for q = 20 %,
    n = 6), and coverage falls short by as much.

    Source: Hansen, Auger, Ros, Mersmann, Tusar & Brockhoff, "COCO: a platform for comparing
    continuous optimizers in a black-box setting", https://doi.org/10.1080/10556788.2020.1808977
    """
    total, count = math.fsum(costs.spent), sum(costs.reached)
    value = total / count if count else math.inf
    if len(costs) < MIN_RUNS_FOR_INTERVAL or not count:
        return Estimate(value, None, None)
    if not total:
        return Estimate(value, value, value)
    sample = np.array([costs.spent, costs.reached], dtype=float)
    lo, hi = studentized_interval(sample, _log_running_time)
    return Estimate(value, math.exp(lo), math.exp(hi))


def _log_running_time(sample: Floats) -> tuple[Floats, Floats]:
    """log(mean cost / success rate) of (..., 2, n), with each run's influence."""
    means = sample.mean(-1)
    relative = sample / means[..., None]
    return np.log(means[..., 0] / means[..., 1]), relative[..., 0, :] - relative[..., 1, :]


class _LifeTable(NamedTuple):
    """The runs in the order in which they ended, those at their target before those without."""

    end: Floats  # (n,); infinite for hopeless runs
    reached: NDArray[np.bool_]  # (n,)
    at_risk: Floats  # (n,) n..1, the runs that hadn't ended before
    survival: Floats  # (n,) Kaplan-Meier's share without the target, after each run


def _make_life_table(costs: Costs) -> _LifeTable:
    """Replaces scipy.stats.ecdf, which takes no infinity and hides the numbers at risk."""
    end, reached = np.array(follow_up(costs)), np.array(costs.reached, dtype=bool)
    order = np.lexsort((~reached, end))
    at_risk = np.arange(len(costs), 0, -1.0)
    survival = np.where(reached[order], 1 - 1 / at_risk, 1.0).cumprod()
    return _LifeTable(end[order], reached[order], at_risk, survival)


def _find_median(table: _LifeTable) -> float:
    times, survival = table.end[table.reached], table.survival[table.reached]
    below = np.append(times[survival < 0.5 - _TOLERANCE], math.inf)[0]
    half = np.append(times[survival < 0.5 + _TOLERANCE], math.inf)[0]
    return float((half + below) / 2)


def _find_median_interval(table: _LifeTable) -> tuple[float, float]:
    """(lo, hi) of the median by the beta product confidence procedure, by moments.

    Before each run that reaches the target with Y at risk the share without it falls by a factor
    distributed as Beta(Y, 1); the next run to do so, unseen yet, brings the lower limit. lo is the
    first cost at which that share may be 1/2 or less, hi the first at which it must be. Without
    censoring up to there these are the order statistics of `order_interval`; under random
    censoring coverage stays at 95 % and above, where limits from Greenwood's formula are open at
    n = 6 (log-log) or cover 78 to 92 % up to n = 20 (linear).

    Source: Fay, Brittain & Proschan, "Pointwise confidence intervals for a survival distribution
    with small samples or heavy censoring", https://doi.org/10.1093/biostatistics/kxt016
    """
    y, later = table.at_risk, table.at_risk - 1
    first = np.where(table.reached, y / (y + 1), 1.0).cumprod()  # moments
    second = np.where(table.reached, y / (y + 2), 1.0).cumprod()
    must = _compute_below_half(first, second) >= 1 - TAIL
    may = _compute_below_half(first * later / (later + 1), second * later / (later + 2)) >= TAIL
    return _find_first(table.end, may), _find_first(table.end, must)


def _compute_below_half(first: Floats, second: Floats) -> Floats:
    """P(X <= 1/2) of the beta distribution with these two moments; or of X = 0 or 1."""
    from scipy.special import betainc

    spread = second - first**2
    with np.errstate(divide="ignore", invalid="ignore"):
        size = (first - second) / spread
        found = betainc(first * size, (1 - first) * size, 0.5)
    certain = np.isin(first, (0.0, 1.0))
    probability: Floats = np.where(certain, first == 0, found)
    return probability


def _find_first(times: Floats, where: NDArray[np.bool_]) -> float:
    return float(np.append(times[where], math.inf)[0])
