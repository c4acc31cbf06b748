"""Rows to compare: one optimizer, data set and target on both sides, paired by seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from gfopt.analysis.groups import find_differences, list_seeds
from gfopt.records.record import Record, Status
from gfopt.studies.compare.sides import RowName, Side, name_row

Quantity = Literal["epochs", "passes", "seconds"]
# parts of a run's identity that are under test, or that differ from run to run
_BACKEND = ("backend", "path")  # a record of schema 2 has `path`
_FREE = ("optimizer", "source", "record_schema", *_BACKEND, "replicas", "seed")
_MACHINE = ("cpu", "gpu", "device", "threads", "platform")  # that seconds depend on
MIN_PAIRS = 2  # below which a row is inconclusive


@dataclass(frozen=True)
class MatchedRow:
    """The runs of one row, by seed; several runs of a seed if a folder holds old runs too."""

    name: RowName
    base: dict[int, list[Record]] = field(default_factory=dict)
    head: dict[int, list[Record]] = field(default_factory=dict)
    # by seed: (BASE's seconds, HEAD's seconds) of each repeat, timed one right after the other
    repeats: dict[int, list[tuple[float, float]]] = field(default_factory=dict)

    @property
    def pairs(self) -> list[tuple[Record, Record]]:
        """(BASE's run, HEAD's run) of each seed that both sides have, by seed."""
        both = sorted(self.base.keys() & self.head.keys())
        return [(self.base[seed][0], self.head[seed][0]) for seed in both]

    @property
    def noise(self) -> float:
        """The timing noise: 0.1 is 10 %; 0 without repeats.

        (largest - smallest) / median of the repeats of a seed, the median over seeds, the larger of
        both sides.
        """
        sides = [
            [_measure_spread([turn[side] for turn in turns]) for turns in self.repeats.values()]
            for side in (0, 1)
        ]
        return max((median(spreads) for spreads in sides if spreads), default=0.0)


def match(base: Side, head: Side) -> list[MatchedRow]:
    """A row for each name that either side has, by name.

    Controls that reach the target in no run of either side, as frozen hidden layers often do, are
    left out: they are not under test, and there is nothing to compare.
    """
    names = {name_row(record) for side in (base, head) for record in side.views}
    rows = [
        MatchedRow(
            name, _group_by_seed(base, name), _group_by_seed(head, name), _pair(base, head, name)
        )
        for name in sorted(names, key=lambda name: [part or "" for part in name])
    ]
    return [row for row in rows if not _is_idle_control(row)]


def find_obstacles(row: MatchedRow, on: Quantity) -> list[str]:
    """Why the row can't be judged by this quantity, in words; empty if it can."""
    checks = (_check_sides, _check_ambiguity, _check_pairs, _check_conditions, _check_one_optimizer)
    for check in checks:
        if obstacles := list(check(row)):
            return obstacles
    return [*_check_number(row), *_check_counts(row, on), *_check_speed(row, on)]


def get_cost(record: Record, on: Quantity) -> float | None:
    """What the run spent until it stopped; None if its passes aren't counted."""
    cost: float | None = getattr(record, on)
    return cost


def _is_idle_control(row: MatchedRow) -> bool:
    """Whether all runs are of a control and none reached the target."""
    runs = [run for side in (row.base, row.head) for found in side.values() for run in found]
    return all(run.control_of and not run.reached for run in runs)


def _pair(base: Side, head: Side, name: RowName) -> dict[int, list[tuple[float, float]]]:
    """The repeats of both sides by seed, up to the shorter list: a failed repeat ends a list."""
    both = [key for key in base.repeats if key[0] == name and key in head.repeats]
    return {key[1]: list(zip(base.repeats[key], head.repeats[key], strict=False)) for key in both}


def _measure_spread(seconds: list[float]) -> float:
    middle = median(seconds)
    return (max(seconds) - min(seconds)) / middle if middle else 0.0


def _group_by_seed(side: Side, name: RowName) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = {}
    for record in side.views:
        if name_row(record) == name and record.status is not Status.FAILED:
            found.setdefault(record.seed, []).append(record)
    return {seed: sorted(runs, key=lambda run: run.replicas) for seed, runs in found.items()}


def _check_sides(row: MatchedRow) -> Iterator[str]:
    if not row.base or not row.head:
        yield f"only {'BASE' if row.base else 'HEAD'} has runs"


def _check_ambiguity(row: MatchedRow) -> Iterator[str]:
    """Several different runs of one seed: it is unknown which of them is the side's."""
    for side, runs in (("BASE", row.base), ("HEAD", row.head)):
        # alone or vectorized makes no difference to counts: the first, run alone, stands for both
        differing = {
            seed: _find_keys(found[0], other, ("seed", "replicas"))
            for seed, found in runs.items()
            for other in found[1:]
        }
        twice = {seed: keys for seed, keys in differing.items() if keys}
        if twice:
            keys = sorted({key for found in twice.values() for key in found})
            yield (
                f"{side} has several runs of {list_seeds(twice)}, which differ in "
                f"{', '.join(keys)}: give the config itself, or a folder with one run per seed"
            )


def _check_pairs(row: MatchedRow) -> Iterator[str]:
    for side, absent in (
        ("BASE", row.head.keys() - row.base),
        ("HEAD", row.base.keys() - row.head),
    ):
        if absent:
            yield f"{side} has no run of {list_seeds(absent)}"


def _check_conditions(row: MatchedRow) -> Iterator[str]:
    """Pairs that differ in more than the optimizer."""
    keys = {key for pair in row.pairs for key in _find_keys(*pair, _FREE)}
    starts = [[record.hashes.get("start") for record in pair] for pair in row.pairs]
    if not keys and any(base != head for base, head in starts):
        keys = {"the initial weights"}
    if keys:
        yield f"BASE and HEAD differ in {', '.join(sorted(keys))}: only the optimizer may differ"


def _check_one_optimizer(row: MatchedRow) -> Iterator[str]:
    """A side whose seeds are not all runs of one optimizer."""
    varying = ("seed", "record_schema", *_BACKEND, "replicas")
    for i, side in enumerate(("BASE", "HEAD")):
        runs = [pair[i] for pair in row.pairs]
        keys = {key for run in runs for key in _find_keys(runs[0], run, varying)}
        if keys:
            yield f"the seeds of {side} differ in {', '.join(sorted(keys))}: run all of them again"


def _check_number(row: MatchedRow) -> Iterator[str]:
    if len(row.pairs) < MIN_PAIRS:
        yield f"only {len(row.pairs)} pair of seeds: use at least {MIN_PAIRS} seeds"


def _check_counts(row: MatchedRow, on: Quantity) -> Iterator[str]:
    """Costs that are unknown, or that say nothing."""
    for i, side in enumerate(("BASE", "HEAD")):
        if any(get_cost(pair[i], on) is None for pair in row.pairs):
            yield (
                f"{side}'s forward + backward passes are not counted: "
                "the optimizer runs passes of its own"
            )
    idle = {run.seed for p in row.pairs for run in p if run.reached and not get_cost(run, on)}
    if idle:
        yield f"the target is reached after 0 {on} on {list_seeds(idle)}: there is no ratio"
    if on != "seconds" and row.name.target is None:
        yield f"without a target, {on} only show the budget"


def _check_speed(row: MatchedRow, on: Quantity) -> Iterator[str]:
    """Counts that a budget of seconds ended, or seconds of two machines."""
    ended = {run.seed: limit for p in row.pairs for run in p if (limit := _find_time_limit(run))}
    if on != "seconds" and ended:
        yield (
            f"the budget of {' and '.join(sorted(set(ended.values())))} ended {list_seeds(ended)}: "
            f"{on} then depend on the machine's speed"
        )
    places = [{key: r.environment.get(key) for key in _MACHINE} for p in row.pairs for r in p]
    keys = {key for place in places for key in _MACHINE if place[key] != places[0][key]}
    if on == "seconds" and keys:
        yield f"seconds are from different machines or settings: {', '.join(sorted(keys))}"


def _find_time_limit(record: Record) -> str | None:
    """The budget's seconds, as "30 seconds", if they ended the run."""
    if record.status is not Status.BUDGET:
        return None
    if record.limit is not None:
        return record.limit if record.limit.endswith(" seconds") else None
    budget: dict[str, Any] = record.identity.get("budget") or {}  # schema 2 has no `limit`
    seconds = budget.get("seconds")
    used_up = seconds is not None and record.seconds >= seconds
    return f"{seconds:g} seconds" if used_up else None


def _find_keys(one: Record, other: Record, but: Iterable[str]) -> list[str]:
    """The dotted keys in which two identities differ, those at or below `but` aside."""
    found = find_differences([one.identity, other.identity])
    return [key for key in found if key.partition(".")[0] not in but]
