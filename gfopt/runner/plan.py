"""Experiment -> runs, in running order; cached ones have their record. No torch, no data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfopt.records.record import Record, TuningCost
from gfopt.records.store import read_finished
from gfopt.runner.backend_choice import choose_backend, is_timed
from gfopt.runner.identity import digest, identify

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment
    from gfopt.runner.settings import RunSettings


@dataclass(frozen=True)
class Run:
    """One optimizer and one seed of an experiment, its folder, and its record if it is cached."""

    entry: Entry
    experiment: str
    place: int  # of the entry in the config
    seed: int
    backend: str
    timed: bool  # alone, not vectorized with other seeds, so that its seconds count
    repeat: int  # 2: the same run once more, for the timing noise
    identity: dict[str, Any]
    id: str
    folder: Path
    record: Record | None

    def list_names(self) -> dict[str, Any]:
        """The config's names for the run, no part of its id: a cached record may have others."""
        entry = self.entry
        return {
            "experiment": self.experiment,
            "optimizer": entry.name,
            "label": entry.label,
            "place": self.place,
            "control_of": list(entry.control_of),
            "tuned": entry.tuned and TuningCost.model_validate(entry.tuned.model_dump()),
        }


def plan_runs(
    experiment: Experiment, settings: RunSettings, *, repeat_first: bool = True
) -> list[Run]:
    """Every run of the experiment in running order; neither torch nor data is needed.

    The order alternates from seed to seed (A B, B A, ...), so that a drift of the machine's speed
    affects all optimizers alike. If all are timed to a target, the first optimizer runs twice
    (A B A', A' B A; `repeat_first`), to measure the timing noise. A cached timed run also serves
    where a vectorized one is due.
    """
    planner = _Planner(experiment, settings)
    runs = []
    for i, seed in enumerate(experiment.seeds):
        turn = [planner.plan(entry, seed) for entry in experiment.entries]
        turn += planner.plan_repeat(turn) if repeat_first else []
        runs += turn if i % 2 == 0 else turn[::-1]
    return runs


class _Planner:
    """What all runs of a plan share."""

    def __init__(self, experiment: Experiment, settings: RunSettings) -> None:
        self._experiment = experiment
        self._kind = kind = settings.device_kind
        self._timing = settings.timing
        self._folder = settings.out / experiment.name / "runs"
        self._identities: dict[tuple[str, bool, int], dict[str, Any]] = {}  # but for the seed
        self._shared = choose_backend(experiment, kind, settings.backend).backend
        self._own = {  # the backend of vectorized seeds, by label
            entry.label: choose_backend(experiment, kind, settings.backend, entry).backend
            for entry in experiment.entries
        }

    def plan(self, entry: Entry, seed: int) -> Run:
        """The run of a seed: timed, or vectorized if that will do and no timed one is cached."""
        run = self._plan(entry, seed, timed=True)
        if is_timed(self._experiment, entry, self._timing):
            return run
        cached = run.record and self._own[entry.label] == self._shared
        return run if cached else self._plan(entry, seed, timed=False)

    def plan_repeat(self, turn: list[Run]) -> list[Run]:
        """The first optimizer once more, if seconds of several optimizers are compared."""
        first = turn[0]
        if len(turn) == 1 or not self._experiment.targets or not all(run.timed for run in turn):
            return []
        return [self._plan(first.entry, first.seed, timed=True, repeat=2)]

    def _plan(self, entry: Entry, seed: int, *, timed: bool, repeat: int = 1) -> Run:
        experiment = self._experiment
        backend = self._shared if timed else self._own[entry.label]
        key = entry.label, timed, repeat
        if key not in self._identities:  # sources are read once for all seeds
            self._identities[key] = identify(
                experiment, entry, seed, self._kind, backend, timed=timed, repeat=repeat
            )
        identity = self._identities[key] | {"seed": seed}
        folder = self._folder / digest(identity)
        run = Run(
            entry=entry,
            experiment=experiment.name,
            place=[e.label for e in experiment.entries].index(entry.label),
            seed=seed,
            backend=backend,
            timed=timed,
            repeat=repeat,
            identity=identity,
            id=folder.name,
            folder=folder,
            record=None,
        )
        record = read_finished(folder)
        return replace(run, record=record and record.model_copy(update=run.list_names()))


def order_records(experiment: Experiment, records: Iterable[Record]) -> list[Record]:
    """Records in the experiment's order of entries and seeds."""
    places = {entry.label: i for i, entry in enumerate(experiment.entries)}
    seeds = {seed: i for i, seed in enumerate(experiment.seeds)}
    return sorted(records, key=lambda r: (places[r.label], r.repeat, seeds[r.seed]))
