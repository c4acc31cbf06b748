"""Measure a workload: check that all programs agree, then time them interleaved in one process.

The programs are every backend that takes the workload's optimizer, and the reference program.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from gfopt.backends import backends
from gfopt.config.packaged_configs import load_config
from gfopt.engine.budget import Budget
from gfopt.engine.terms import Terms
from gfopt.errors import UsageError
from gfopt.runner.backend_choice import choose_backend
from gfopt.runner.train import make_task, train_seeds
from gfopt.studies.bench.references.adapters import REFERENCES
from gfopt.studies.bench.workloads import Workload, count_work

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.engine.outcome import Outcome
    from gfopt.engine.task import Task
    from gfopt.optimizers.base import Optimizer
    from gfopt.runner.settings import RunSettings

PLAIN = "plain"  # the backend whose weights all others must have
NUMBA = "numba"  # the backend whose operations are counted
REFERENCE = "reference"


@dataclass
class Measurement:
    """Seconds of an epoch by program, and how far each program's weights are from plain's."""

    workload: Workload
    seconds: dict[str, list[float]] = field(default_factory=dict)
    difference: dict[str, float] = field(default_factory=dict)
    operations: float = 0.0  # of an epoch of the numba backend; 0: not timed
    bytes_read: float = 0.0  # of inputs, likewise
    refusals: dict[str, str] = field(default_factory=dict)  # of backends that are not timed

    def median(self, program: str) -> float | None:
        """The median of a program's seconds; None if it was not timed."""
        return median(self.seconds[program]) if program in self.seconds else None

    @property
    def agrees(self) -> bool:
        """Whether every program has the plain backend's weights, within rounding."""
        return all(gap <= self.workload.tolerance for gap in self.difference.values())


def measure(workload: Workload, settings: RunSettings, repeats: int) -> Measurement:
    """Check the programs against the plain backend, then time them in turn: A B C, C B A, ...

    Raises DataError if the workload's data set is missing.
    """
    found = Measurement(workload)
    checked = load_workload(workload, settings, list(workload.changes_for_check))
    expected = checked.compute_weights(PLAIN, workload.epochs_checked)
    for program in checked.programs:
        if program != PLAIN:
            weights = checked.compute_weights(program, workload.epochs_checked)
            found.difference[program] = _find_difference(weights, expected)
    timed = load_workload(workload, settings) if workload.changes_for_check else checked
    found.refusals = timed.refusals
    for i in range(repeats):
        for program in timed.programs if i % 2 == 0 else reversed(timed.programs):
            found.seconds.setdefault(program, []).append(timed.measure_epoch(program))
    if NUMBA in timed.programs:
        last = timed.train(NUMBA, 1).history[-1]
        passes = (last.forward_passes or 0.0, last.backward_passes or 0.0)
        found.operations, found.bytes_read = count_work(timed.task, timed.entry, passes)
    return found


def load_workload(
    workload: Workload, settings: RunSettings, changes: list[str] | None = None
) -> LoadedWorkload:
    """Load the workload's data and optimizer; `changes` are --set texts for its config.

    Raises DataError if the data set is missing.
    """
    experiment = load_config(workload.config, changes or [])
    entry = next(e for e in experiment.entries if e.name == workload.optimizer)
    names, refusals = [], {}
    for name in backends:
        try:
            choose_backend(replace(experiment, entries=(entry,)), "cpu", name)
            names.append(name)
        except UsageError as error:
            refusals[name] = str(error)
    task = make_task(experiment, settings)
    programs = [*names, *([REFERENCE] if entry.name in REFERENCES else [])]
    optimizer = entry.make_optimizer(task.train.depth)
    return LoadedWorkload(workload, task, entry, optimizer, programs, refusals)


@dataclass(frozen=True)
class LoadedWorkload:
    """A workload with its data, and the programs that can run it."""

    workload: Workload
    task: Task
    entry: Entry
    optimizer: Optimizer
    programs: list[str]
    refusals: dict[str, str]

    def train(self, backend: str, epochs: int) -> Outcome:
        """Train seed 1 on a backend."""
        terms = Terms((), "end_of_epoch", Budget(epochs=epochs))
        outcomes, _ = train_seeds(self.task, self.entry, self.optimizer, backend, terms, [1])
        return outcomes[0]

    def compute_weights(self, program: str, epochs: int) -> dict[str, Any]:
        """The weights as NumPy arrays after some epochs from seed 1."""
        if program == REFERENCE:
            run = REFERENCES[self.entry.name](self.task, self.entry, 1)
            return dict(next(islice(run, epochs - 1, None)))
        weights = self.train(program, epochs).weights
        return {key: tensor.numpy() for key, tensor in weights.items()}

    def measure_epoch(self, program: str) -> float:
        """Seconds of an epoch; set-up, compilation and evaluation are excluded."""
        epochs = self.workload.epochs_timed
        if program != REFERENCE:
            last = self.train(program, epochs).history[-1]
            return last.seconds / last.epoch
        run = REFERENCES[self.entry.name](self.task, self.entry, 1)
        next(run)
        begin = time.perf_counter()
        count = sum(1 for _ in islice(run, epochs))
        return (time.perf_counter() - begin) / count


def _find_difference(weights: dict[str, Any], expected: dict[str, Any]) -> float:
    """The largest distance of a tensor from the expected one, relative to that one's norm."""
    return max(
        float(np.linalg.norm(weights[key] - value) / np.linalg.norm(value))
        for key, value in expected.items()
    )
