"""Two rows seed by seed: wins, the ratio of their costs, and tests of the difference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gfopt.analysis.statistics.censored import Costs, follow_up
from gfopt.analysis.statistics.intervals import (
    MIN_RUNS_FOR_INTERVAL,
    Estimate,
    mean,
    order_interval,
    studentized_interval,
    take_median,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ROUNDING = 1e-12  # relative: closer ratios are equal but for rounding


@dataclass(frozen=True)
class Comparison:
    """Row a against row b over the seeds of both; ratios are a's cost / b's."""

    pairs: int
    wins: int  # seeds on which a certainly cost less
    losses: int
    ties: int  # equal costs, or undecided: both missed, or one ended before the other's success
    ratio_mean: Estimate  # geometric; None if a pair has a miss
    ratio_median: Estimate
    test: str  # "signed-rank" or "sign"
    p: float  # two-sided; 1 if no pair is decided
    smallest_p: float  # possible with so many pairs
    logrank_p: float | None  # None if every run reached its target


class _Pair(NamedTuple):
    """One seed: the ratio of its costs, or its bounds if a run missed."""

    low: float
    high: float
    won: bool
    lost: bool

    @property
    def counted(self) -> tuple[float, float]:
        """The bounds in the median: 0 if b certainly cost more, infinity if a did."""
        if self.low == self.high:
            return self.low, self.high
        return (0.0, 0.0) if self.won else (math.inf, math.inf) if self.lost else (0.0, math.inf)


def compare(a: Costs, b: Costs) -> Comparison:
    """Compare two rows with the same seeds in the same order. Raises ValueError if lengths differ.

    p comes from the exact signed-rank test of the logarithms of the ratios if all runs reached the
    target, no ratio is 1 and no two are equally far from 1; else from the exact sign test without
    ties. logrank_p compares the rows as wholes, not seed by seed.
    """
    if len(a) != len(b):
        raise ValueError(f"rows of {len(a)} and {len(b)} runs can't be paired seed by seed")
    pairs = list(_pair_runs(a, b))
    wins, losses = sum(pair.won for pair in pairs), sum(pair.lost for pair in pairs)
    complete = all(a.reached) and all(b.reached)
    ratios = [pair.low for pair in pairs] if complete else []
    test, p = _run_test(ratios, wins, losses)
    return Comparison(
        pairs=len(pairs),
        wins=wins,
        losses=losses,
        ties=len(pairs) - wins - losses,
        ratio_mean=_estimate_mean_ratio(ratios),
        ratio_median=_estimate_median_ratio(pairs),
        test=test,
        p=p,
        smallest_p=min(1.0, 2.0 ** (1 - len(pairs))),
        logrank_p=None if complete else _run_logrank(a, b),
    )


def holm(ps: Sequence[float]) -> list[float]:
    """p values adjusted for their number, in the same order: Holm's step-down procedure.

    The k-th smallest of m is multiplied by m - k + 1; it is no smaller than those before it, and at
    most 1. Raises ValueError unless every p is a probability.

    Source: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
    of Statistics 6, 65-70 (1979).
    """
    if not all(0 <= p <= 1 for p in ps):
        raise ValueError(f"p values must lie between 0 and 1 (got {list(ps)})")
    adjusted, largest = [0.0] * len(ps), 0.0
    for k, i in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        largest = max(largest, min(1.0, (len(ps) - k) * ps[i]))
        adjusted[i] = largest
    return adjusted


def _pair_runs(a: Costs, b: Costs) -> Iterator[_Pair]:
    """The pairs; the cost of a miss is above the cost up to which its run was followed."""
    runs = zip(follow_up(a), a.reached, follow_up(b), b.reached, strict=True)
    for cost, reached, other, other_reached in runs:
        if not reached and not other_reached:
            yield _Pair(0.0, math.inf, won=False, lost=False)
            continue
        ratio = _divide(cost, other)
        low, high = ratio if other_reached else 0.0, ratio if reached else math.inf
        won = cost < other if other_reached else cost <= other
        lost = other < cost if reached else other <= cost
        yield _Pair(low, high, won=reached and won, lost=other_reached and lost)


def _divide(cost: float, other: float) -> float:
    """cost / other; 1 where neither cost anything."""
    if cost == other:
        return 1.0
    return cost / other if other else math.inf


def _estimate_mean_ratio(ratios: Sequence[float]) -> Estimate:
    """The geometric mean, its interval on the scale of logarithms.

    None unless all ratios are finite and > 0. One ratio has no interval, fewer than six have
    minimum and maximum.
    """
    if not ratios or not all(0 < ratio < math.inf for ratio in ratios):
        return Estimate(None, None, None)
    logs = np.log(np.array([ratios]))
    value = math.exp(logs.mean())
    if len(ratios) == 1:
        return Estimate(value, None, None)
    if len(ratios) < MIN_RUNS_FOR_INTERVAL:
        return Estimate(value, min(ratios), max(ratios))
    lo, hi = studentized_interval(logs, mean)
    return Estimate(value, math.exp(lo), math.exp(hi))


def _estimate_median_ratio(pairs: Sequence[_Pair]) -> Estimate:
    """The median of the ratios; its interval comes from their lowest and highest possible values.

    Undecided pairs may lie at either end. If that moves the median by more than 5 %, it is unknown;
    else it is the middle of both ends, on the scale of logarithms.
    """
    lowest, highest = (take_median([pair.counted[i] for pair in pairs]) for i in (0, 1))
    lo, _ = order_interval([pair.low for pair in pairs])
    _, hi = order_interval([pair.high for pair in pairs])
    near = lowest == highest or 0 < highest <= 1.05 * lowest < math.inf
    between = lowest if lowest == highest else math.sqrt(lowest * highest) if near else None
    return Estimate(between, lo, hi)


def _run_test(ratios: Sequence[float], wins: int, losses: int) -> tuple[str, float]:
    """Name and two-sided p; the ratios are those of complete rows, else empty."""
    from scipy.stats import binomtest, wilcoxon

    logs = np.log(np.array(ratios)) if ratios and min(ratios) > 0 else np.array([0.0])
    sizes = np.sort(np.abs(logs))
    if (
        np.isfinite(sizes).all()
        and sizes[0] > _ROUNDING
        and (np.diff(sizes) > _ROUNDING * sizes[1:]).all()
    ):
        return "signed-rank", float(wilcoxon(logs, method="exact").pvalue)
    decided = wins + losses
    return "sign", float(binomtest(wins, decided).pvalue) if decided else 1.0


def _run_logrank(a: Costs, b: Costs) -> float:
    """Two-sided p of the log-rank test; 1 if it is undefined, as without any success."""
    from scipy.stats import CensoredData, logrank

    beyond = max(*a.spent, *b.spent) + 1  # stands for infinity, which scipy doesn't take
    rows = [
        CensoredData.right_censored(np.minimum(follow_up(row), beyond), ~np.array(row.reached))
        for row in (a, b)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        p = float(logrank(*rows).pvalue)
    return 1.0 if math.isnan(p) else p
