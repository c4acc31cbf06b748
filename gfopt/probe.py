"""What runs would cost: sizes of the problem, and an epoch of each optimizer, thrown away."""

from __future__ import annotations

import resource
import sys
from typing import TYPE_CHECKING

from gfopt.runs import make_rules, make_task, train_seeds
from gfopt.target import Budget, Terms

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.plans import Run
    from gfopt.runs import Machine
    from gfopt.task import Task


def sizes(experiment: Experiment, machine: Machine) -> tuple[Task, list[str]]:
    """The task, and its shapes, parameters and levels in words."""
    precision, task = experiment.precision, make_task(experiment, machine)
    parameters = sum(p.numel() for p in task.start([experiment.seeds[0]]).values())
    held_out = f", {task.valid.samples} held out" if task.valid else ""
    level = task.class_prior["train"].loss
    shape = f"{tuple(task.train.inputs.shape)} {precision}"
    return task, [
        f"data: x {shape}, {task.train.samples} samples{held_out}",
        f"network: {'-'.join(map(str, task.widths))}, {parameters} parameters",
        f"train loss: chance level {task.chance['train'].loss:.6g}, class-prior level {level:.6g}",
    ]


def probe(experiment: Experiment, task: Task, due: list[Run]) -> list[str]:
    """An epoch of each optimizer that is due: seconds, and what the budget allows at most."""
    rules = make_rules(experiment, due)
    firsts = {run.entry.label: run for run in reversed(due)}
    lines = []
    for label, run in sorted(firsts.items()):
        terms = Terms((), "end_of_epoch", Budget(epochs=1, seconds=experiment.budget.seconds))
        try:
            _, clock = train_seeds(task, run.entry, rules[label], run.path, terms, [run.seed])
        except (Exception, SystemExit) as error:  # a user's rule: the other probes go on
            lines.append(f"{label}: fails, {type(error).__name__}: {error}")
            continue
        count = sum(other.entry.label == label for other in due)
        most = min(experiment.budget.epochs * clock.train, experiment.budget.seconds) * count
        lines.append(
            f"{label}: {clock.train:.3g} s an epoch; the {count} to run take at most {most:.3g} s"
        )
    return [*lines, f"memory: {_peak_megabytes():.0f} MB at the peak so far"]


def _peak_megabytes() -> float:
    """The process's largest resident size; ru_maxrss is in kB, on macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)
