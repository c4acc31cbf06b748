"""Runs -> records: train each run that is due and write its folder."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gfopt.compiled import compiled
from gfopt.errors import GfoptError, UsageError
from gfopt.frozen import Repeated, output_task, whole
from gfopt.graphs import graphed
from gfopt.paths import COMPILED, GRAPH, PLAIN
from gfopt.problem import MEMORY
from gfopt.records import Record, whole_folder, write_history, write_record

if TYPE_CHECKING:
    import torch

    from gfopt.clock import Clock
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment
    from gfopt.optimizers.base import Optimizer
    from gfopt.outcomes import Outcome, Row
    from gfopt.plans import Run
    from gfopt.target import Terms
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
    memory: int = MEMORY  # bytes that a population's activations, or a batch of seeds, may take


def execute(
    experiment: Experiment, runs: list[Run], machine: Machine, watch: Watch
) -> Iterator[Record | Failure]:
    """Make the runs, one after the other; each record is on disk before it is yielded.

    Those that aren't made alone go together with the others of their rule, as many at once as
    memory allows.
    """
    rules = make_rules(experiment, runs)
    task = make_task(experiment, machine)
    failed: set[tuple[str, int]] = set()
    for together in batches(runs, task):
        if {(run.entry.label, run.seed) for run in together} & failed:
            continue  # the same run once more: it would fail once more
        try:
            yield from _make(experiment, task, together, rules[together[0].entry.label], watch)
        except GfoptError:
            raise
        except (Exception, SystemExit) as error:  # a rule's own mistake: the other runs go on
            failed |= {(run.entry.label, run.seed) for run in together}
            for run in together:
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


def make_task(experiment: Experiment, machine: Machine) -> Task:
    """The experiment's data and network, on the machine's device."""
    from gfopt.datasets import prepare
    from gfopt.task import build

    data = prepare(
        experiment.dataset, machine.data, precision=experiment.precision, offline=machine.offline
    )
    return build(experiment, data, machine.device, machine.memory)


def train_seeds(
    task: Task,
    entry: Entry,
    rule: Optimizer,
    path: str,
    terms: Terms,
    seeds: list[int],
    watch: Callable[[int, Row], None] = lambda seed, row: None,
) -> tuple[list[Outcome], Clock]:
    """Train a rule of an experiment on a code path; outcomes by seed, and the clock of them all.

    In one batch; with frozen hidden layers each seed has inputs of its own, which the plain path's
    batches alone take.
    """
    from gfopt.clock import Phase, clock_for
    from gfopt.engine import train
    from gfopt.optimizers.schedule import batched

    clock = clock_for(task.train.inputs.device)
    outcomes: list[Outcome] = []
    apart = entry.frozen_hidden and not (path == PLAIN and batched(rule, entry.schedule))
    for some in [[seed] for seed in seeds] if apart else [seeds]:
        clock.enter(Phase.SET_UP)
        with _on(path, entry, rule, task, some) as (way, runner):
            clock.enter(Phase.OTHER)
            outcomes += train(
                way,
                runner,
                terms,
                some,
                clock,
                batch_size=entry.batch_size,
                schedule=entry.schedule,
                watch=watch,
                warming=Phase.COMPILE if path == COMPILED else Phase.SET_UP,
            )
            clock.enter(Phase.OTHER)
    if entry.frozen_hidden:
        outcomes = [replace(o, weights=whole(o.weights, task, o.seed)) for o in outcomes]
    return outcomes, clock


@contextmanager
def _on(
    path: str, entry: Entry, rule: Optimizer, task: Task, seeds: list[int]
) -> Iterator[tuple[Task, Optimizer]]:
    """The task and the rule as the entry and the path have them."""
    if not entry.frozen_hidden:
        with _paved(path, entry, rule, task) as made:
            yield made
        return
    times = rule.updates_of_layers(task.train.depth)[-1]
    with _paved(path, entry, rule, output_task(task, seeds)) as (way, runner):
        yield way, Repeated(rule=runner, times=times) if times > 1 else runner


@contextmanager
def _paved(
    path: str, entry: Entry, rule: Optimizer, task: Task
) -> Iterator[tuple[Task, Optimizer]]:
    """The task and the rule as the path has them."""
    if path == PLAIN:
        yield task, rule
        return
    if path == GRAPH:
        yield graphed(task, rule)
        return
    from gfopt.kernels.threads import sharing

    with sharing():
        yield compiled[entry.name]().made(rule, task)


def batches(runs: list[Run], task: Task) -> Iterator[list[Run]]:
    """The runs in order: those made alone by themselves, the others by rule, cut by memory."""
    size = max(1, task.train.memory // task.bytes_of_a_replica())
    waiting: dict[tuple[str, tuple[int, int] | None], list[Run]] = {}
    for run in runs:
        alone = (run.seed, run.repeat) if run.alone else None
        waiting.setdefault((run.entry.label, alone), []).append(run)
    for together in waiting.values():
        yield from (together[i : i + size] for i in range(0, len(together), size))


def _make(
    experiment: Experiment, task: Task, runs: list[Run], rule: Optimizer, watch: Watch
) -> Iterator[Record]:
    """Train, and write the folder of each run."""
    from gfopt.optimizers.module_rule import ModuleRule
    from gfopt.recording import record_of, save_weights
    from gfopt.surroundings import Surroundings
    from gfopt.tryout import try_out

    entry, by_seed = runs[0].entry, {run.seed: run for run in runs}
    if entry.file and not isinstance(rule, ModuleRule):
        try_out(rule, task, runs[0].seed, entry.batch_size)
    around = Surroundings(task.train.inputs.device)
    outcomes, clock = train_seeds(
        task,
        entry,
        rule,
        runs[0].path,
        experiment.terms(),
        list(by_seed),
        watch=lambda seed, row: watch(by_seed[seed], row),
    )
    for run, outcome in zip(runs, outcomes, strict=True):
        told = [f"{entry.label}, seed {run.seed}: {note}" for note in outcome.notes]
        record = record_of(
            experiment, task, run, outcome, clock, around, rule.remarks() + told, replicas=len(runs)
        )
        with whole_folder(run.folder) as folder:
            write_record(folder, record)
            write_history(folder, outcome.history)
            save_weights(folder, outcome)
        yield record


def _sentence(run: Run, error: BaseException) -> str:
    """What a rule raised, and where in its own file."""
    file = str(run.entry.file or "")
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{run.entry.label}, seed {run.seed}: {type(error).__name__}: {error}{place}"
