"""Train the seeds of one optimizer: task, backend, training loop.

A run's id depends on the numerical modules that this file imports: see sources.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from gfopt.backends import Backend, backends
from gfopt.errors import UsageError

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment
    from gfopt.engine.clock import Clock
    from gfopt.engine.outcome import Outcome
    from gfopt.engine.task import Task
    from gfopt.engine.terms import Terms
    from gfopt.engine.trainable import Trainable
    from gfopt.optimizers.base import Optimizer
    from gfopt.records.evaluation import Evaluation
    from gfopt.runner.settings import RunSettings


def make_optimizers(entries: Iterable[Entry], depth: int) -> dict[str, Optimizer]:
    """The optimizers of these entries, by label. Raises UsageError with all errors."""
    optimizers, wrong = {}, []
    for label, entry in {entry.label: entry for entry in entries}.items():
        try:
            optimizers[label] = entry.make_optimizer(depth)
        except UsageError as error:
            wrong.append(str(error))
    if wrong:
        raise UsageError("\n".join(wrong))
    return optimizers


def make_task(experiment: Experiment, settings: RunSettings) -> Task:
    """Load the data set and build the task on the selected device."""
    from gfopt.datasets.prepare import prepare
    from gfopt.engine.task import build_task

    dataset = experiment.dataset
    precision = experiment.precision
    data = prepare(dataset, settings.data, precision=precision, offline=settings.offline)
    return build_task(
        experiment.model,
        experiment.initializer,
        experiment.loss,
        experiment.targets,
        data,
        settings.torch_device(),
        valid_is_test=dataset.holds_out_test,
        memory=settings.memory,
    )


def train_seeds(
    task: Task,
    entry: Entry,
    optimizer: Optimizer,
    backend: str,
    terms: Terms,
    seeds: list[int],
    watch: Callable[[int, Evaluation], None] = lambda seed, evaluation: None,
) -> tuple[list[Outcome], Clock]:
    """Train an optimizer of an experiment on a backend: outcomes by seed, and their common clock.

    Seeds are vectorized. With frozen hidden layers each seed has its own inputs: backends that
    don't take those train seeds one by one.
    """
    from gfopt.engine.clock import Phase, make_clock
    from gfopt.engine.frozen_hidden import add_hidden_layers
    from gfopt.engine.loop import train
    from gfopt.optimizers.schedule import can_batch_seeds

    computing = backends[backend]()
    clock = make_clock(task.train.inputs.device)
    outcomes: list[Outcome] = []
    together = computing.inputs_per_seed and can_batch_seeds(optimizer, entry.schedule)
    one_by_one = entry.frozen_hidden and not together
    for some in [[seed] for seed in seeds] if one_by_one else [seeds]:
        clock.enter(Phase.SET_UP)
        with _prepare(computing, entry, optimizer, task, some) as (prepared, trainable):
            clock.enter(Phase.OTHER)
            outcomes += train(
                prepared,
                trainable,
                terms,
                some,
                clock,
                batch_size=entry.batch_size,
                schedule=entry.schedule,
                watch=watch,
                warm_up=computing.warm_up,
            )
            clock.enter(Phase.OTHER)
    if entry.frozen_hidden:
        outcomes = [
            replace(one, weights=add_hidden_layers(one.weights, task, one.seed)) for one in outcomes
        ]
    return outcomes, clock


@contextmanager
def _prepare(
    backend: Backend, entry: Entry, optimizer: Optimizer, task: Task, seeds: list[int]
) -> Iterator[tuple[Task, Trainable]]:
    """The backend's task and optimizer; with frozen hidden layers, of the output layer alone."""
    if not entry.frozen_hidden:
        with backend.prepare(task, optimizer) as pair:
            yield pair
        return
    from gfopt.engine.frozen_hidden import Repeated, make_output_task

    times = optimizer.updates_of_layers(task.train.depth)[-1]
    with backend.prepare(make_output_task(task, seeds), optimizer) as (prepared, trainable):
        yield prepared, Repeated(trainable, times) if times > 1 else trainable
