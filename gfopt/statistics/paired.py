"""Two rows seed by seed: who won, by what ratio, and how easily chance does as much."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gfopt.statistics.censored import Costs, followed
from gfopt.statistics.intervals import (
    ENOUGH,
    Estimate,
    mean,
    middle,
    order_interval,
    studentized_interval,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SAME = 1e-12  # relative: ratios closer than this are rounding apart


@dataclass(frozen=True)
class Comparison:
    """Row a against row b over the seeds that both ran; ratios are a's cost by b's."""

    pairs: int
    wins: int  # seeds of which a surely cost less
    losses: int
    ties: int  # the same cost, or undecided: both missed, or one before the other got there
    ratio_mean: Estimate  # geometric; None as soon as a pair has a miss
    ratio_median: Estimate
    test: str  # "signed-rank" or "sign"
    p: float  # two-sided; 1 if nothing can be compared
    smallest_p: float  # that this many pairs can reach
    logrank_p: float | None  # None where every run reached its target


class _Pair(NamedTuple):
    """One seed: the ratio of its costs, and between what it must lie if a run missed."""

    low: float
    high: float
    won: bool
    lost: bool

    @property
    def told(self) -> tuple[float, float]:
        """The ratio as the median counts it: 0 if b surely cost more, infinite if a did."""
        if self.low == self.high:
            return self.low, self.high
        return (0.0, 0.0) if self.won else (math.inf, math.inf) if self.lost else (0.0, math.inf)


def compare(a: Costs, b: Costs) -> Comparison:
    """Paired in order: the same seeds in the same order. Raises ValueError if lengths differ.

    p is that of the exact signed-rank test of the logarithms of the ratios where all runs reached
    and no two ratios are equally far from 1, none at 1; else of the exact sign test without ties.
    logrank_p compares the rows whole, not seed by seed.
    """
    if len(a) != len(b):
        raise ValueError(f"Rows of {len(a)} and {len(b)} runs can't be paired seed by seed.")
    pairs = list(_pairs(a, b))
    wins, losses = sum(pair.won for pair in pairs), sum(pair.lost for pair in pairs)
    complete = all(a.reached) and all(b.reached)
    ratios = [pair.low for pair in pairs] if complete else []
    test, p = _test(ratios, wins, losses)
    return Comparison(
        pairs=len(pairs),
        wins=wins,
        losses=losses,
        ties=len(pairs) - wins - losses,
        ratio_mean=_geometric_mean(ratios),
        ratio_median=_median_ratio(pairs),
        test=test,
        p=p,
        smallest_p=min(1.0, 2.0 ** (1 - len(pairs))),
        logrank_p=None if complete else _logrank(a, b),
    )


def holm(ps: Sequence[float]) -> list[float]:
    """p values adjusted for their number, in the same order: Holm's step-down procedure.

    The k-th smallest of m is multiplied by m - k + 1, is no smaller than those before it, and at
    most 1. Raises ValueError for what is no probability.

    Source: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
    of Statistics 6, 65-70 (1979).
    """
    if not all(0 <= p <= 1 for p in ps):
        raise ValueError(f"p values must lie between 0 and 1 (got {list(ps)}).")
    adjusted, largest = [0.0] * len(ps), 0.0
    for k, i in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        largest = max(largest, min(1.0, (len(ps) - k) * ps[i]))
        adjusted[i] = largest
    return adjusted


def _pairs(a: Costs, b: Costs) -> Iterator[_Pair]:
    """A miss costs more than it was followed, nobody knows how much more."""
    runs = zip(followed(a), a.reached, followed(b), b.reached, strict=True)
    for cost, reached, other, other_reached in runs:
        if not reached and not other_reached:
            yield _Pair(0.0, math.inf, won=False, lost=False)
            continue
        ratio = _ratio(cost, other)
        low, high = ratio if other_reached else 0.0, ratio if reached else math.inf
        won = cost < other if other_reached else cost <= other
        lost = other < cost if reached else other <= cost
        yield _Pair(low, high, won=reached and won, lost=other_reached and lost)


def _ratio(cost: float, other: float) -> float:
    """cost / other; 1 where neither cost anything."""
    if cost == other:
        return 1.0
    return cost / other if other else math.inf


def _geometric_mean(ratios: Sequence[float]) -> Estimate:
    """With its interval on the scale of logarithms; None unless all ratios are finite and > 0.

    One ratio has no interval, fewer than six have minimum and maximum.
    """
    if not ratios or not all(0 < ratio < math.inf for ratio in ratios):
        return Estimate(None, None, None)
    logs = np.log(np.array([ratios]))
    value = math.exp(logs.mean())
    if len(ratios) == 1:
        return Estimate(value, None, None)
    if len(ratios) < ENOUGH:
        return Estimate(value, min(ratios), max(ratios))
    lo, hi = studentized_interval(logs, mean)
    return Estimate(value, math.exp(lo), math.exp(hi))


def _median_ratio(pairs: Sequence[_Pair]) -> Estimate:
    """The median of what is told; its interval from the lowest and the highest ratios there may be.

    Undecided pairs may lie at either end: where that moves the median by more than 5 %, it can't be
    said; else it is the middle of both, on the scale of logarithms.
    """
    lowest, highest = (middle([pair.told[i] for pair in pairs]) for i in (0, 1))
    lo, _ = order_interval([pair.low for pair in pairs])
    _, hi = order_interval([pair.high for pair in pairs])
    near = lowest == highest or 0 < highest <= 1.05 * lowest < math.inf
    between = lowest if lowest == highest else math.sqrt(lowest * highest) if near else None
    return Estimate(between, lo, hi)


def _test(ratios: Sequence[float], wins: int, losses: int) -> tuple[str, float]:
    """Name and two-sided p; the ratios are those of complete rows, else empty."""
    from scipy.stats import binomtest, wilcoxon

    logs = np.log(np.array(ratios)) if ratios and min(ratios) > 0 else np.array([0.0])
    sizes = np.sort(np.abs(logs))
    if np.isfinite(sizes).all() and sizes[0] > _SAME and (np.diff(sizes) > _SAME * sizes[1:]).all():
        return "signed-rank", float(wilcoxon(logs, method="exact").pvalue)
    decided = wins + losses
    return "sign", float(binomtest(wins, decided).pvalue) if decided else 1.0


def _logrank(a: Costs, b: Costs) -> float:
    """Two-sided p of the log-rank test; 1 where it has nothing to go by, as without any success."""
    from scipy.stats import CensoredData, logrank

    beyond = max(*a.spent, *b.spent) + 1  # for ever, in numbers that scipy takes
    rows = [
        CensoredData.right_censored(np.minimum(followed(row), beyond), ~np.array(row.reached))
        for row in (a, b)
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        p = float(logrank(*rows).pvalue)
    return 1.0 if math.isnan(p) else p
