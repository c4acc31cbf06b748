"""Experiment -> runs: which there are, in which order, and which are done. No torch, no data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfopt.identity import digest, identity
from gfopt.paths import Asked, Timing, alone, choose
from gfopt.records import Record, read_finished

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment


@dataclass(frozen=True)
class Run:
    """One entry and one seed of an experiment, where it is kept, and its record if it is done."""

    entry: Entry
    seed: int
    path: str
    alone: bool  # or in one batch with other seeds
    identity: dict[str, Any]
    id: str
    folder: Path
    record: Record | None


def plan(
    experiment: Experiment,
    out: Path,
    device_kind: str,
    path: Asked = "auto",
    timing: Timing = "auto",
) -> list[Run]:
    """Every run of the experiment in running order; neither torch nor data is needed.

    The order alternates from seed to seed (A B, B A, ...), so that a drift of the machine's speed
    falls on all rules alike. A run made alone serves where one of a batch would do.
    """
    chosen, folder = choose(experiment, device_kind, path).path, out / experiment.name / "runs"
    runs = []
    for i, seed in enumerate(experiment.seeds):
        entries = experiment.entries if i % 2 == 0 else experiment.entries[::-1]
        for entry in entries:
            run = _run(experiment, entry, seed, device_kind, chosen, folder, apart=True)
            if not run.record and not alone(experiment, entry, timing):
                run = _run(experiment, entry, seed, device_kind, chosen, folder, apart=False)
            runs.append(run)
    return runs


def _run(
    experiment: Experiment,
    entry: Entry,
    seed: int,
    device_kind: str,
    path: str,
    folder: Path,
    *,
    apart: bool,
) -> Run:
    facts = identity(experiment, entry, seed, device_kind, path, alone=apart)
    own = folder / digest(facts)
    record = read_finished(own)
    named = record and record.model_copy(update=_names(experiment, entry))
    return Run(entry, seed, path, apart, facts, own.name, own, named)


def _names(experiment: Experiment, entry: Entry) -> dict[str, str]:
    """What the config calls a run: no part of its id, so a record may carry older names."""
    return {"experiment": experiment.name, "optimizer": entry.name, "label": entry.label}


def ordered(experiment: Experiment, records: Iterable[Record]) -> list[Record]:
    """Records by the experiment's order of entries and seeds."""
    places = {entry.label: i for i, entry in enumerate(experiment.entries)}
    return sorted(records, key=lambda r: (places[r.label], experiment.seeds.index(r.seed)))
