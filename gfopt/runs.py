"""Runs -> records: train each run that is due and write its folder."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gfopt.errors import GfoptError, UsageError
from gfopt.problem import MEMORY
from gfopt.records import Record, whole_folder, write_history, write_record

if TYPE_CHECKING:
    import torch

    from gfopt.config.experiment import Experiment
    from gfopt.optimizers.base import Optimizer
    from gfopt.outcomes import Row
    from gfopt.plans import Run
    from gfopt.task import Task


@dataclass(frozen=True)
class Failure:
    """A run that raised: no result."""

    run: Run
    message: str
    trace: str


Watch = Callable[["Run", "Row"], None]


@dataclass(frozen=True)
class Machine:
    """Where runs are made, and from which data."""

    device: torch.device
    data: Path
    offline: bool = False
    memory: int = MEMORY  # bytes that a population's activations may take


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
    task = build(experiment, data, machine.device, machine.memory)
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


def _make(experiment: Experiment, task: Task, run: Run, rule: Optimizer, watch: Watch) -> Record:
    """Train, and write the run's folder."""
    from gfopt.clock import Phase, clock_for
    from gfopt.engine import train
    from gfopt.optimizers.module_rule import ModuleRule
    from gfopt.recording import record_of, save_weights
    from gfopt.tryout import try_out

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
        schedule=run.entry.schedule,
        watch=lambda seed, row: watch(run, row),
    )[0]
    clock.enter(Phase.OTHER)
    told = [f"{run.entry.label}, seed {run.seed}: {note}" for note in outcome.notes]
    record = record_of(experiment, task, run, outcome, clock, rule.remarks() + told)
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
