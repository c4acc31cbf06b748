"""Rows to compare: the runs of one rule, data set and target on both sides, paired by seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from gfopt.comparing.sides import Name, Side, name_of
from gfopt.identity import differences
from gfopt.records import Record, Status
from gfopt.rows import seeds

Quantity = Literal["epochs", "passes", "seconds"]
# parts of a run's identity that are under test, or differ from run to run
_FREE = ("optimizer", "source", "record_schema", "path", "replicas", "seed")
_MACHINE = ("cpu", "gpu", "device", "threads", "platform")  # that seconds depend on
FEWEST = 2  # pairs below which nothing is said


@dataclass(frozen=True)
class Row:
    """The runs of one name, by seed; a seed may have several where a folder holds old runs too."""

    name: Name
    base: dict[int, list[Record]] = field(default_factory=dict)
    head: dict[int, list[Record]] = field(default_factory=dict)
    # of seconds, by seed: (BASE's, HEAD's) of each repeat, measured one right after the other
    repeats: dict[int, list[tuple[float, float]]] = field(default_factory=dict)

    @property
    def pairs(self) -> list[tuple[Record, Record]]:
        """(BASE's run, HEAD's run) of each seed that both have, by seed."""
        both = sorted(self.base.keys() & self.head.keys())
        return [(self.base[seed][0], self.head[seed][0]) for seed in both]

    @property
    def noise(self) -> float:
        """How far a side lies from itself: 0.1 is 10 %, 0 without repeats.

        (largest - smallest) / median of the repeats of a seed, the median over seeds, the larger of
        both sides.
        """
        sides = [
            [_spread([turn[side] for turn in turns]) for turns in self.repeats.values()]
            for side in (0, 1)
        ]
        return max((median(spreads) for spreads in sides if spreads), default=0.0)


def match(base: Side, head: Side) -> list[Row]:
    """A row for each name that either side has, by name.

    A control that no run of either side brought to the target, as frozen hidden layers often are,
    has nothing to be judged by: it is no rule under test.
    """
    names = {name_of(record) for side in (base, head) for record in side.views}
    rows = [
        Row(name, _by_seed(base, name), _by_seed(head, name), _repeats(base, head, name))
        for name in sorted(names, key=lambda name: [part or "" for part in name])
    ]
    return [row for row in rows if not _idle_control(row)]


def _idle_control(row: Row) -> bool:
    """Whether all runs are of a control and none reached the target."""
    runs = [run for side in (row.base, row.head) for found in side.values() for run in found]
    return all(run.control_of and not run.reached for run in runs)


def _repeats(base: Side, head: Side, name: Name) -> dict[int, list[tuple[float, float]]]:
    """By seed; a repeat that a side lacks ends the list, as its failure ends the comparison."""
    both = [key for key in base.repeats if key[0] == name and key in head.repeats]
    return {key[1]: list(zip(base.repeats[key], head.repeats[key], strict=False)) for key in both}


def _spread(seconds: list[float]) -> float:
    middle = median(seconds)
    return (max(seconds) - min(seconds)) / middle if middle else 0.0


def _by_seed(side: Side, name: Name) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = {}
    for record in side.views:
        if name_of(record) == name and record.status is not Status.FAILED:
            found.setdefault(record.seed, []).append(record)
    return {seed: sorted(runs, key=lambda run: run.replicas) for seed, runs in found.items()}


def obstacles(row: Row, on: Quantity) -> list[str]:
    """Why the row can't be judged by this quantity, in words; empty where it can."""
    for look in (_absent, _ambiguous, _unpaired, _unlike, _mixed):
        if told := list(look(row)):
            return told
    return [*_few(row), *_uncounted(row, on), *_timed(row, on)]


def cost(record: Record, on: Quantity) -> float | None:
    """What the run spent until it stopped; None where passes aren't counted."""
    spent: float | None = getattr(record, on)
    return spent


def _absent(row: Row) -> Iterator[str]:
    if not row.base or not row.head:
        yield f"has runs on {'BASE' if row.base else 'HEAD'}'s side only"


def _ambiguous(row: Row) -> Iterator[str]:
    """Several runs of one seed: nobody knows which of them the side stands for."""
    for side, runs in (("BASE", row.base), ("HEAD", row.head)):
        # alone or in a batch makes no difference to counts: the first, made alone, stands for both
        differing = {
            seed: _keys(found[0], other, ("seed", "replicas"))
            for seed, found in runs.items()
            for other in found[1:]
        }
        twice = {seed: keys for seed, keys in differing.items() if keys}
        if twice:
            keys = sorted({key for found in twice.values() for key in found})
            yield (
                f"{side} has more than one run of {seeds(twice)}, which differ in "
                f"{', '.join(keys)}: give the config itself, or a folder with one of each"
            )


def _unpaired(row: Row) -> Iterator[str]:
    for side, absent in (
        ("BASE", row.head.keys() - row.base),
        ("HEAD", row.base.keys() - row.head),
    ):
        if absent:
            yield f"{side} has no run of {seeds(absent)}"


def _unlike(row: Row) -> Iterator[str]:
    """Pairs that weren't made under the same conditions: the rule isn't all that differs."""
    keys = {key for pair in row.pairs for key in _keys(*pair, _FREE)}
    starts = [[record.hashes.get("start") for record in pair] for pair in row.pairs]
    if not keys and any(base != head for base, head in starts):
        keys = {"the weights of the start"}
    if keys:
        yield f"BASE and HEAD are unlike in {', '.join(sorted(keys))}: not the rule alone differs"


def _mixed(row: Row) -> Iterator[str]:
    """A side whose seeds are not all of one rule."""
    for i, side in enumerate(("BASE", "HEAD")):
        runs = [pair[i] for pair in row.pairs]
        keys = {key for run in runs for key in _keys(runs[0], run, ("seed", "path", "replicas"))}
        if keys:
            yield f"the seeds of {side} differ among themselves in {', '.join(sorted(keys))}"


def _few(row: Row) -> Iterator[str]:
    if len(row.pairs) < FEWEST:
        yield f"there is {len(row.pairs)} pair of seeds, at least {FEWEST} are needed"


def _uncounted(row: Row, on: Quantity) -> Iterator[str]:
    """Costs that are not known, or that say nothing."""
    for i, side in enumerate(("BASE", "HEAD")):
        if any(cost(pair[i], on) is None for pair in row.pairs):
            yield f"{side}'s sample-passes are not counted: the rule makes passes of its own"
    idle = {run.seed for pair in row.pairs for run in pair if run.reached and not cost(run, on)}
    if idle:
        yield f"the target is reached with 0 {on} on {seeds(idle)}, which has no ratio"
    if on != "seconds" and row.name.target is None:
        yield f"there is no target, so {on} are those of the budget"


def _timed(row: Row, on: Quantity) -> Iterator[str]:
    """Where the machine's speed would decide: a budget of seconds, or two machines' seconds."""
    stopped = [r.seed for pair in row.pairs for r in pair if _out_of_time(r)]
    if on != "seconds" and stopped:
        yield f"the budget's seconds, not its epochs, ended {seeds(set(stopped))}"
    places = [{key: r.environment.get(key) for key in _MACHINE} for p in row.pairs for r in p]
    keys = {key for place in places for key in _MACHINE if place[key] != places[0][key]}
    if on == "seconds" and keys:
        yield f"seconds are of different machines or settings: {', '.join(sorted(keys))}"


def _out_of_time(record: Record) -> bool:
    budget: dict[str, Any] = record.identity.get("budget") or {}
    limit = budget.get("seconds")
    return record.status is Status.BUDGET and limit is not None and record.seconds >= limit


def _keys(one: Record, other: Record, but: Iterable[str]) -> list[str]:
    """The dotted keys of two identities that differ, those at or below `but` aside."""
    found = differences(one.identity, other.identity)
    return [key for key in found if key.partition(".")[0] not in but]
