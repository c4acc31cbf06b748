"""Experiment -> runs: which there are, in which order, and which are done. No torch, no data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfopt.identity import digest, identity
from gfopt.paths import Asked, Timing, alone, choose
from gfopt.records import Record, Tuning, read_finished

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment


@dataclass(frozen=True)
class Run:
    """One entry and one seed of an experiment, where it is kept, and its record if it is done."""

    entry: Entry
    experiment: str
    place: int  # of the entry in the config
    seed: int
    path: str
    alone: bool  # or in one batch with other seeds
    repeat: int  # 2: once more, to see how far seconds of equal runs lie apart
    identity: dict[str, Any]
    id: str
    folder: Path
    record: Record | None

    def names(self) -> dict[str, Any]:
        """What the config calls the run: no part of its id, a kept record may have other names."""
        entry = self.entry
        return {
            "experiment": self.experiment,
            "optimizer": entry.name,
            "label": entry.label,
            "place": self.place,
            "control_of": list(entry.control_of),
            "tuned": entry.tuned and Tuning.model_validate(entry.tuned.model_dump()),
        }


def plan(
    experiment: Experiment,
    out: Path,
    device_kind: str,
    path: Asked = "auto",
    timing: Timing = "auto",
    *,
    again: bool = True,
) -> list[Run]:
    """Every run of the experiment in running order; neither torch nor data is needed.

    The order alternates from seed to seed (A B, B A, ...), so that a drift of the machine's speed
    falls on all rules alike; where all are timed to a target, the first rule runs twice (A B A',
    A' B A; `again`), so that it is known how far seconds of equal runs lie apart. A run made alone
    serves where one of a batch would do.
    """
    paths = {e.label: choose(experiment, device_kind, path, (e,)).path for e in experiment.entries}
    common, folder = choose(experiment, device_kind, path).path, out / experiment.name / "runs"
    made = _Maker(experiment, device_kind, folder, common, paths, timing)
    runs = []
    for i, seed in enumerate(experiment.seeds):
        turn = [made.run(entry, seed) for entry in experiment.entries]
        turn += made.again(turn) if again else []
        runs += turn if i % 2 == 0 else turn[::-1]
    return runs


@dataclass(frozen=True)
class _Maker:
    """What all runs of a plan have in common."""

    experiment: Experiment
    device_kind: str
    folder: Path
    path: str  # of runs that are timed
    paths: dict[str, str]  # of those in batches, by label
    timing: Timing

    def run(self, entry: Entry, seed: int) -> Run:
        """The run of a seed: alone, or in a batch where that is what is asked for and due."""
        run = self._planned(entry, seed, apart=True)
        if alone(self.experiment, entry, self.timing):
            return run
        kept = run.record and self.paths[entry.label] == self.path
        return run if kept else self._planned(entry, seed, apart=False)

    def again(self, turn: list[Run]) -> list[Run]:
        """The first rule once more, where seconds of several are compared."""
        first = turn[0]
        if len(turn) == 1 or not self.experiment.targets or not all(run.alone for run in turn):
            return []
        return [self._planned(first.entry, first.seed, apart=True, repeat=2)]

    def _planned(self, entry: Entry, seed: int, *, apart: bool, repeat: int = 1) -> Run:
        experiment = self.experiment
        path = self.path if apart else self.paths[entry.label]
        facts = identity(
            experiment, entry, seed, self.device_kind, path, alone=apart, repeat=repeat
        )
        own = self.folder / digest(facts)
        record = read_finished(own)
        place = [e.label for e in experiment.entries].index(entry.label)
        name = experiment.name
        run = Run(entry, name, place, seed, path, apart, repeat, facts, own.name, own, record)
        return replace(run, record=record and record.model_copy(update=run.names()))


def ordered(experiment: Experiment, records: Iterable[Record]) -> list[Record]:
    """Records by the experiment's order of entries and seeds."""
    places = {entry.label: i for i, entry in enumerate(experiment.entries)}
    seeds = {seed: i for i, seed in enumerate(experiment.seeds)}
    return sorted(records, key=lambda r: (places[r.label], r.repeat, seeds[r.seed]))
