"""Each workload by each way, interleaved in one process, and whether the ways agree."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from gfopt.benchmark.workloads import Workload, work
from gfopt.config.finding import load_config
from gfopt.paths import COMPILED, PLAIN
from gfopt.runs import Machine, make_task, train_seeds
from gfopt.target import Budget, Terms

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment
    from gfopt.optimizers.base import Optimizer
    from gfopt.outcomes import Outcome
    from gfopt.task import Task

    Way = Callable[[Task, Entry, int], Iterator[dict[str, Any]]]

REFERENCE = "reference"


@dataclass
class Measured:
    """Seconds of an epoch by way, and what a row of the table says besides."""

    workload: Workload
    seconds: dict[str, list[float]] = field(default_factory=dict)
    gap: dict[str, float] = field(default_factory=dict)  # of the weights, from the plain path's
    operations: float = 0.0  # of an epoch on the compiled path
    read: float = 0.0  # bytes of inputs, likewise

    def middle(self, way: str) -> float | None:
        """The median, None where the way wasn't there."""
        return median(self.seconds[way]) if way in self.seconds else None

    @property
    def agrees(self) -> bool:
        """Whether every way gave the plain path's weights, within rounding."""
        return all(gap <= self.workload.within for gap in self.gap.values())


def references() -> dict[str, Way]:
    """The programs as the originals were, from the tests of a checkout; none elsewhere."""
    root = str(Path(__file__).parents[2])
    with suppress(ImportError):
        sys.path.insert(0, root)
        try:
            ways: dict[str, Way] = importlib.import_module("tests.reference.ways").WAYS
            return ways
        finally:
            sys.path.remove(root)
    return {}


@dataclass(frozen=True)
class Bench:
    """One workload, its data in place."""

    workload: Workload
    experiment: Experiment
    task: Task
    entry: Entry
    rule: Optimizer
    reference: Way | None

    @property
    def ways(self) -> list[str]:
        """Fastest first."""
        return [COMPILED, PLAIN, *([REFERENCE] if self.reference else [])]

    def train(self, path: str, seeds: list[int], terms: Terms) -> list[Outcome]:
        """By gfopt."""
        return train_seeds(self.task, self.entry, self.rule, path, terms, seeds)[0]

    def weights(self, way: str, epochs: int) -> dict[str, Any]:
        """After so many epochs from seed 1."""
        if way == REFERENCE:
            assert self.reference
            return dict(next(islice(self.reference(self.task, self.entry, 1), epochs - 1, None)))
        (outcome,) = self.train(way, [1], _epochs(epochs))
        return {key: tensor.numpy() for key, tensor in outcome.weights.items()}

    def seconds(self, way: str) -> float:
        """Of an epoch, over the workload's stretch; what comes before training isn't counted."""
        stretch = self.workload.stretch
        if way != REFERENCE:
            row = self.train(way, [1], _epochs(stretch))[0].history[-1]
            return row.seconds / row.epoch
        assert self.reference
        run = self.reference(self.task, self.entry, 1)
        next(run)
        begin = time.perf_counter()
        made = sum(1 for _ in islice(run, stretch))
        return (time.perf_counter() - begin) / made


def bench(workload: Workload, machine: Machine, reference: Way | None, *, check: bool) -> Bench:
    """The workload's data and rule; `check`: as agreement is checked, not as it is timed."""
    experiment = load_config(workload.config, list(workload.checking) if check else [])
    entry = next(e for e in experiment.entries if e.name == workload.optimizer)
    task = make_task(experiment, machine)
    return Bench(workload, experiment, task, entry, entry.rule(task.train.depth), reference)


def measure(workload: Workload, machine: Machine, reference: Way | None, repeats: int) -> Measured:
    """Check the ways against each other, then time them in turn: A B C, C B A, ..."""
    found = Measured(workload)
    checked = bench(workload, machine, reference, check=True)
    plain = checked.weights(PLAIN, workload.checked)
    for way in checked.ways:
        if way != PLAIN:
            found.gap[way] = _gap(checked.weights(way, workload.checked), plain)
    timed = checked if not workload.checking else bench(workload, machine, reference, check=False)
    for i in range(repeats):
        for way in timed.ways[:: 1 if i % 2 == 0 else -1]:
            found.seconds.setdefault(way, []).append(timed.seconds(way))
    found.operations, found.read = _work(timed)
    return found


def _work(timed: Bench) -> tuple[float, float]:
    """(operations, bytes) of an epoch on the compiled path."""
    row = timed.train(COMPILED, [1], _epochs(1))[0].history[-1]
    passes = (row.forward_passes or 0.0, row.backward_passes or 0.0)
    return work(timed.task, timed.entry, passes)


def _epochs(count: int) -> Terms:
    return Terms((), "end_of_epoch", Budget(epochs=count))


def _gap(weights: dict[str, Any], plain: dict[str, Any]) -> float:
    """The largest relative distance of a tensor from the plain path's."""
    return max(
        float(np.linalg.norm(weights[key] - plain[key]) / np.linalg.norm(plain[key]))
        for key in plain
    )
