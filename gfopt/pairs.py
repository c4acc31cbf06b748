"""Which rows are compared, seed by seed, and what comes out: rules share start and order.

Every rule with the first one of its race (gradient descent where there is some), and each rule with
its controls. Holm's correction is over all comparisons of an experiment on one kind of cost, so
that they come out the same beside other experiments.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gfopt.costs import Axis, axes, costs_of
from gfopt.records import Record, Status
from gfopt.statistics import Comparison, Estimate, compare, holm
from gfopt.timing import is_time

if TYPE_CHECKING:
    Runs = Sequence[Record]

SIGNIFICANT = 0.05
COMPARED = ("epochs", "passes", "seconds")


@dataclass(frozen=True)
class Pair:
    """One rule against another, on one kind of cost."""

    axis: Axis
    first: Record  # a run of each
    second: Record
    found: Comparison
    p: float  # after Holm
    with_first: bool  # whether the second is the first of its race
    least: float = 1.0  # the smallest p after Holm that so many pairs can reach

    @property
    def estimate(self) -> Estimate:
        """How many times the cost of the second: the mean, where all pairs have one."""
        mean = self.found.ratio_mean
        return self.found.ratio_median if mean.value is None else mean

    @property
    def ratio(self) -> float | None:
        """The estimate's value."""
        return self.estimate.value

    @property
    def lower(self) -> bool:
        """Whether the first one's cost is shown to be lower."""
        return self.p <= SIGNIFICANT and self.found.wins > self.found.losses

    @property
    def higher(self) -> bool:
        """Whether it is shown to be higher."""
        return self.p <= SIGNIFICANT and self.found.losses > self.found.wins

    @property
    def of_control(self) -> bool:
        """Whether the second is a control of the first."""
        return self.first.label in self.second.control_of


def pairs_of(groups: Sequence[Runs]) -> list[Pair]:
    """The comparisons of a table; `groups` are the runs of each row, without repeats."""
    made = [pair for rows in _races(groups) for pair in _compared(rows)]
    families: dict[tuple[str, str], list[Pair]] = {}
    for pair in made:
        families.setdefault(family(pair), []).append(pair)
    adjusted = {name: iter(_adjusted(pairs)) for name, pairs in families.items()}
    return [next(adjusted[family(pair)]) for pair in made]


def family(pair: Pair) -> tuple[str, str]:
    """What comparisons share that are corrected together."""
    return pair.first.experiment, pair.axis.name


def _adjusted(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """The comparisons of a family after Holm's correction."""
    for pair, p in zip(pairs, holm([pair.found.p for pair in pairs]), strict=True):
        yield replace(pair, p=p, least=min(1.0, len(pairs) * pair.found.smallest_p))


def race_of(run: Record) -> tuple[str | None, ...]:
    """What runs share that were raced against each other."""
    return run.experiment, run.dataset, run.target, run.reading


def _races(groups: Sequence[Runs]) -> list[list[Runs]]:
    """The rows that were raced against each other."""
    found: dict[tuple[str | None, ...], list[Runs]] = {}
    for runs in groups:
        found.setdefault(race_of(runs[0]), []).append(runs)
    return list(found.values())


def _compared(rows: list[Runs]) -> Iterator[Pair]:
    """Each row with the first one, then each rule with its controls."""
    first = _first(rows)
    if not first[0].target:
        return
    couples = [(row, first) for row in rows if row is not first]
    couples += [
        (a, b) for a in rows for b in rows if b is not first and a[0].label in b[0].control_of
    ]
    for one, other in couples:
        for name in COMPARED:
            found = _comparison(one, other, axes[name])
            if found:
                beside = other is first
                yield Pair(axes[name], one[0], other[0], found, found.p, with_first=beside)


def _first(rows: list[Runs]) -> Runs:
    """The row that others are compared with, whatever the order in which they were read.

    Gradient descent where there is some, raced rather than as a control; for rules without
    gradients random search; else the first.
    """
    raced = [row for row in rows if not row[0].control_of]
    for name in _REFERENCES:
        for row in (*raced, *rows):
            if row[0].optimizer == name:
                return row
    return rows[0]


_REFERENCES = ("gradient_descent", "random_search")


def _comparison(one: Runs, other: Runs, axis: Axis) -> Comparison | None:
    """On the seeds that both have; None where there are none, or a run can't say."""
    by_seed = [
        {run.seed: run for run in runs if run.status is not Status.FAILED} for runs in (one, other)
    ]
    seeds = [seed for seed in by_seed[0] if seed in by_seed[1]]
    if axis.name == "seconds":
        seeds = [seed for seed in seeds if not any(runs[seed].disturbed for runs in by_seed)]
        if one[0].path != other[0].path or not (is_time(one) and is_time(other)):
            return None
    if not seeds:
        return None
    a, b = (costs_of([runs[seed] for seed in seeds], axis) for runs in by_seed)
    return compare(a, b) if a and b else None
