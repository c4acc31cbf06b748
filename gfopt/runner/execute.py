"""Runs -> records: train each run that is due and write its folder."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gfopt.backends import backends
from gfopt.errors import GfoptError
from gfopt.records.atomic import replace_folder
from gfopt.records.store import write_history, write_record
from gfopt.runner.train import make_optimizers, make_task, train_seeds

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.engine.task import Task
    from gfopt.optimizers.base import Optimizer
    from gfopt.records.evaluation import Evaluation
    from gfopt.records.record import Record
    from gfopt.runner.plan import Run
    from gfopt.runner.settings import RunSettings


@dataclass(frozen=True)
class Failure:
    """A run that raised an exception and has no result."""

    run: Run
    message: str
    trace: str


def execute(
    experiment: Experiment,
    runs: list[Run],
    settings: RunSettings,
    watch: Callable[[Run, Evaluation], None],
) -> Iterator[Record | Failure]:
    """Train the runs one after the other; each record is on disk before it is yielded.

    Runs that aren't timed are vectorized with the others of their optimizer, as many at once as
    memory allows.
    """
    settings.set_up_process()
    optimizers = make_optimizers((run.entry for run in runs), experiment.depth)
    task = make_task(experiment, settings)
    failed: set[tuple[str, int]] = set()
    for together in split_batches(runs, task):
        if {(run.entry.label, run.seed) for run in together} & failed:
            continue  # a repeat of a run that failed
        try:
            yield from _train_batch(
                experiment, task, together, optimizers[together[0].entry.label], watch
            )
        except GfoptError:
            raise
        except (Exception, SystemExit) as error:  # an error of the optimizer: other runs go on
            failed |= {(run.entry.label, run.seed) for run in together}
            for run in together:
                yield Failure(run, _describe_error(run, error), traceback.format_exc())


def split_batches(runs: list[Run], task: Task) -> Iterator[list[Run]]:
    """Split the runs in order: timed ones alone, others by optimizer and by what memory allows."""
    size = max(1, task.train.memory // task.estimate_seed_bytes())
    waiting: dict[tuple[str, tuple[int, int] | None], list[Run]] = {}
    for run in runs:
        own = (run.seed, run.repeat) if run.timed else None
        waiting.setdefault((run.entry.label, own), []).append(run)
    for together in waiting.values():
        yield from (together[i : i + size] for i in range(0, len(together), size))


def _train_batch(
    experiment: Experiment,
    task: Task,
    runs: list[Run],
    optimizer: Optimizer,
    watch: Callable[[Run, Evaluation], None],
) -> Iterator[Record]:
    """Train runs of one optimizer together, and write the folder of each."""
    from gfopt.optimizers.module_optimizer import ModuleOptimizer
    from gfopt.runner.machine_load import Surroundings
    from gfopt.runner.preflight import check_first_step
    from gfopt.runner.recording import make_record, save_weights

    entry, by_seed = runs[0].entry, {run.seed: run for run in runs}
    if entry.file and not isinstance(optimizer, ModuleOptimizer):
        check_first_step(optimizer, task, runs[0].seed, entry.batch_size)
    remark = backends[runs[0].backend].remark
    around = Surroundings(task.train.inputs.device)
    outcomes, clock = train_seeds(
        task,
        entry,
        optimizer,
        runs[0].backend,
        experiment.terms(),
        list(by_seed),
        watch=lambda seed, evaluation: watch(by_seed[seed], evaluation),
    )
    for run, outcome in zip(runs, outcomes, strict=True):
        notes = [*([remark] if remark else []), *optimizer.remarks()]
        notes += [f"{entry.label}, seed {run.seed}: {note}" for note in outcome.notes]
        record = make_record(
            experiment, task, run, outcome, clock, around, notes, replicas=len(runs)
        )
        with replace_folder(run.folder) as folder:
            write_record(folder, record)
            write_history(folder, outcome.history)
            save_weights(folder, outcome)
        yield record


def _describe_error(run: Run, error: BaseException) -> str:
    """The error of an optimizer, and its place in the user's file."""
    file = str(run.entry.file or "")
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{run.entry.label}, seed {run.seed}: {type(error).__name__}: {error}{place}"
