"""Which rows are compared, seed by seed, and the result: rows share initial weights and batches.

Every optimizer is compared with the baseline of its race, and with each of its own controls. Holm's
correction is over all comparisons of an experiment on one kind of cost: its results don't depend on
other experiments in the same report.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gfopt.analysis.costs import Axis, axes, collect_costs
from gfopt.analysis.statistics import Comparison, Estimate, compare, holm
from gfopt.analysis.timing import is_reliable
from gfopt.records.record import Record, Status

if TYPE_CHECKING:
    Runs = Sequence[Record]

ALPHA = 0.05  # the level of significance, after Holm's correction
COMPARED = ("epochs", "passes", "seconds")
BASELINES = ("gradient_descent", "random_search")  # optimizers, in order of preference


@dataclass(frozen=True)
class Pair:
    """One row against another, on one kind of cost."""

    axis: Axis
    first: Record  # a run of each
    second: Record
    comparison: Comparison
    p: float  # after Holm's correction
    with_baseline: bool  # whether the second is the baseline of its race
    smallest_p: float = 1.0  # that so many pairs can reach after Holm's correction

    @property
    def estimate(self) -> Estimate:
        """The first row's cost / the second's: the mean ratio if every pair has one."""
        mean = self.comparison.ratio_mean
        return self.comparison.ratio_median if mean.value is None else mean

    @property
    def ratio(self) -> float | None:
        """The estimate's value."""
        return self.estimate.value

    @property
    def can_be_significant(self) -> bool:
        """Whether so many pairs can reach a significant p at all."""
        return self.smallest_p <= ALPHA

    @property
    def lower(self) -> bool:
        """Whether the first row's cost is significantly lower."""
        return self.p <= ALPHA and self.comparison.wins > self.comparison.losses

    @property
    def higher(self) -> bool:
        """Whether the first row's cost is significantly higher."""
        return self.p <= ALPHA and self.comparison.losses > self.comparison.wins

    @property
    def with_control(self) -> bool:
        """Whether the second row is a control of the first."""
        return self.first.label in self.second.control_of

    @property
    def family(self) -> tuple[str, str]:
        """Shared by the comparisons that Holm's correction takes together."""
        return self.first.experiment, self.axis.name


def compare_rows(groups: Sequence[Runs]) -> list[Pair]:
    """The comparisons of a table; `groups` are the runs of each row, without repeats."""
    pairs = [pair for rows in _split_races(groups) for pair in _compare_race(rows)]
    families: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        families.setdefault(pair.family, []).append(pair)
    corrected = {name: _correct(family) for name, family in families.items()}
    return [next(corrected[pair.family]) for pair in pairs]


def identify_race(run: Record) -> tuple[str | None, ...]:
    """Shared by the runs that were raced against each other."""
    return run.experiment, run.dataset, run.target, run.reading


def _correct(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """The comparisons of a family after Holm's correction."""
    for pair, p in zip(pairs, holm([pair.comparison.p for pair in pairs]), strict=True):
        smallest = min(1.0, len(pairs) * pair.comparison.smallest_p)
        yield replace(pair, p=p, smallest_p=smallest)


def _split_races(groups: Sequence[Runs]) -> list[list[Runs]]:
    races: dict[tuple[str | None, ...], list[Runs]] = {}
    for runs in groups:
        races.setdefault(identify_race(runs[0]), []).append(runs)
    return list(races.values())


def _compare_race(rows: list[Runs]) -> Iterator[Pair]:
    """Each row with the baseline, then each optimizer with its controls."""
    baseline = _choose_baseline(rows)
    if not baseline[0].target:
        return
    couples = [(row, baseline) for row in rows if row is not baseline]
    couples += [
        (a, b) for a in rows for b in rows if b is not baseline and a[0].label in b[0].control_of
    ]
    for one, other in couples:
        for name in COMPARED:
            comparison = _compare_costs(one, other, axes[name])
            if comparison:
                beside = other is baseline
                yield Pair(axes[name], one[0], other[0], comparison, comparison.p, beside)


def _choose_baseline(rows: list[Runs]) -> Runs:
    """Gradient descent, else random search, else the first row, in any order of the records.

    A row that is no control comes before one that is.
    """
    raced = [row for row in rows if not row[0].control_of]
    for name in BASELINES:
        for row in (*raced, *rows):
            if row[0].optimizer == name:
                return row
    return rows[0]


def _compare_costs(one: Runs, other: Runs, axis: Axis) -> Comparison | None:
    """On the seeds that both rows have; None if there are none, or a run doesn't know its cost."""
    by_seed = [
        {run.seed: run for run in runs if run.status is not Status.FAILED} for runs in (one, other)
    ]
    seeds = [seed for seed in by_seed[0] if seed in by_seed[1]]
    if axis.name == "seconds":
        seeds = [seed for seed in seeds if not any(runs[seed].disturbed for runs in by_seed)]
        same_backend = one[0].backend == other[0].backend
        if not (same_backend and is_reliable(one) and is_reliable(other)):
            return None
    if not seeds:
        return None
    a, b = (collect_costs([runs[seed] for seed in seeds], axis) for runs in by_seed)
    return compare(a, b) if a and b else None
