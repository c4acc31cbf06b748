"""Estimate what runs cost: sizes of the problem, and one epoch of each optimizer, thrown away."""

from __future__ import annotations

import resource
import sys
from typing import TYPE_CHECKING

from gfopt.engine.budget import Budget
from gfopt.engine.terms import Terms
from gfopt.runner.train import make_optimizers, make_task, train_seeds

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.engine.task import Task
    from gfopt.runner.plan import Run
    from gfopt.runner.settings import RunSettings


def describe_sizes(experiment: Experiment, settings: RunSettings) -> tuple[Task, list[str]]:
    """The task, and its shapes, parameters and chance levels in words."""
    task = make_task(experiment, settings)
    parameters = sum(p.numel() for p in task.initial_weights([experiment.seeds[0]]).values())
    held_out = f", {task.valid.samples} held out" if task.valid else ""
    chance, baseline = task.chance["train"].loss, task.class_prior["train"].loss
    shape = f"{tuple(task.train.inputs.shape)} {experiment.precision}"
    return task, [
        f"data: x {shape}, {task.train.samples} samples{held_out}",
        f"network: {'-'.join(map(str, task.widths))}, {parameters} parameters",
        f"train loss: chance level {chance:.6g}, constant-predictor baseline {baseline:.6g}",
    ]


def probe_epochs(experiment: Experiment, task: Task, due: list[Run]) -> list[str]:
    """Seconds of an epoch of each optimizer that is due, and the most that the budget allows."""
    optimizers = make_optimizers((run.entry for run in due), experiment.depth)
    firsts = {run.entry.label: run for run in reversed(due)}
    lines = []
    for label, run in sorted(firsts.items()):
        terms = Terms((), "end_of_epoch", Budget(epochs=1, seconds=experiment.budget.seconds))
        try:
            _, clock = train_seeds(
                task, run.entry, optimizers[label], run.backend, terms, [run.seed]
            )
        except (Exception, SystemExit) as error:  # of a user's optimizer: the other probes go on
            lines.append(f"{label}: fails, {type(error).__name__}: {error}")
            continue
        count = sum(other.entry.label == label for other in due)
        most = min(experiment.budget.epochs * clock.train, experiment.budget.seconds) * count
        runs = "1 run" if count == 1 else f"{count} runs"
        lines.append(f"{label}: {clock.train:.3g} s per epoch; {runs}: at most {most:.3g} s")
    return [*lines, f"memory: {_measure_peak_megabytes():.0f} MB at the peak so far"]


def _measure_peak_megabytes() -> float:
    """The process's largest resident size; ru_maxrss is in kB, on macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
