"""Experiment -> runs -> records: which runs there are, which are done, and doing the rest."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfopt.errors import GfoptError, UsageError
from gfopt.identity import digest, identity
from gfopt.records import Record, read_record, whole_folder, write_history, write_record

if TYPE_CHECKING:
    import torch

    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment
    from gfopt.engine import Row
    from gfopt.optimizers.base import Optimizer
    from gfopt.task import Task


@dataclass(frozen=True)
class Run:
    """One entry and one seed of an experiment, where it is kept, and its record if it is done."""

    entry: Entry
    seed: int
    identity: dict[str, Any]
    id: str
    folder: Path
    record: Record | None


@dataclass(frozen=True)
class Failure:
    """A run that raised: no result."""

    run: Run
    message: str
    trace: str


Watch = Callable[["Run", "Row"], None]


def plan(experiment: Experiment, out: Path, device_kind: str) -> list[Run]:
    """Every run of the experiment in running order; neither torch nor data is needed.

    The order alternates from seed to seed (A B, B A, ...), so that a drift of the machine's speed
    falls on all rules alike.
    """
    runs = []
    for i, seed in enumerate(experiment.seeds):
        entries = experiment.entries if i % 2 == 0 else experiment.entries[::-1]
        for entry in entries:
            facts = identity(experiment, entry, seed, device_kind)
            folder = out / experiment.name / "runs" / digest(facts)
            record = read_record(folder)
            named = record and record.model_copy(update=_names(experiment, entry))
            runs.append(Run(entry, seed, facts, folder.name, folder, named))
    return runs


def _names(experiment: Experiment, entry: Entry) -> dict[str, str]:
    """What the config calls a run: no part of its id, so a record may carry older names."""
    return {"experiment": experiment.name, "optimizer": entry.name, "label": entry.label}


@dataclass(frozen=True)
class Machine:
    """Where runs are made, and from which data."""

    device: torch.device
    data: Path
    offline: bool = False


def execute(
    experiment: Experiment, runs: list[Run], machine: Machine, watch: Watch
) -> Iterator[Record | Failure]:
    """Make the runs, one after the other; each record is on disk before it is yielded."""
    from gfopt.datasets import prepare
    from gfopt.task import build

    rules = make_rules(experiment, runs)
    data = prepare(
        experiment.dataset, machine.data, precision=experiment.precision, offline=machine.offline
    )
    task = build(experiment, data, machine.device)
    for run in runs:
        try:
            yield _make(experiment, task, run, rules[run.entry.label], watch)
        except GfoptError:
            raise
        except (Exception, SystemExit) as error:  # a rule's own mistake: the other runs go on
            yield Failure(run, _sentence(run, error), traceback.format_exc())


def make_rules(experiment: Experiment, runs: list[Run]) -> dict[str, Optimizer]:
    """The optimizers of these runs, by label; UsageError tells all that is wrong with them."""
    rules, wrong = {}, []
    for label, entry in {run.entry.label: run.entry for run in runs}.items():
        try:
            rules[label] = entry.rule(len(experiment.model.hidden) + 1)
        except UsageError as error:
            wrong.append(str(error))
    if wrong:
        raise UsageError("\n".join(wrong))
    return rules


def ordered(experiment: Experiment, records: Iterable[Record]) -> list[Record]:
    """Records by the experiment's order of entries and seeds."""
    places = {entry.label: i for i, entry in enumerate(experiment.entries)}
    return sorted(records, key=lambda r: (places[r.label], experiment.seeds.index(r.seed)))


def _make(experiment: Experiment, task: Task, run: Run, rule: Optimizer, watch: Watch) -> Record:
    """Train, and write the run's folder."""
    from gfopt.clock import Phase, clock_for
    from gfopt.engine import train
    from gfopt.optimizers.user_rule import ModuleRule, try_out
    from gfopt.recording import record_of, save_weights

    if run.entry.file and not isinstance(rule, ModuleRule):
        try_out(rule, task, run.seed, run.entry.batch_size)
    clock = clock_for(task.train.inputs.device)
    outcome = train(
        task,
        rule,
        experiment.terms(),
        [run.seed],
        clock,
        batch_size=run.entry.batch_size,
        watch=lambda seed, row: watch(run, row),
    )[0]
    clock.enter(Phase.OTHER)
    record = record_of(experiment, task, run, outcome, clock)
    with whole_folder(run.folder) as folder:
        write_record(folder, record)
        write_history(folder, outcome.history)
        save_weights(folder, outcome)
    return record


def _sentence(run: Run, error: BaseException) -> str:
    """What a rule raised, and where in its own file."""
    file = str(run.entry.file or "")
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{run.entry.label}, seed {run.seed}: {type(error).__name__}: {error}{place}"
