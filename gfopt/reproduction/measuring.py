"""What is measured beside the runs: outputs from weights, layers in an epoch, interleaved times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gfopt.paths import PLAIN
from gfopt.problem import DenseProblem, Pass, State
from gfopt.reproduction.verdicts import Missing
from gfopt.rng import Draw
from gfopt.runs import Machine, make_task, train_seeds
from gfopt.target import Budget, Terms

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment

    Array = np.ndarray[Any, np.dtype[Any]]

STRETCH = 20  # epochs that are timed at once


def epoch_seconds(
    experiment: Experiment, machine: Machine, repeats: int
) -> dict[str, list[tuple[float, float]]]:
    """(wall, CPU) seconds of training an epoch, by label and repeat: A B, B A, A B, ...

    Each repeat trains the first seed for a stretch of epochs from its start, on the plain path,
    which does the published programs' work. Raises Missing where a rule ends before its first one.
    """
    task, depth = make_task(experiment, machine), len(experiment.model.hidden) + 1
    seeds = list(experiment.seeds[:1])
    rules = {entry.label: (entry, entry.rule(depth)) for entry in experiment.entries}
    found: dict[str, list[tuple[float, float]]] = {label: [] for label in rules}
    terms = Terms((), "end_of_epoch", Budget(epochs=STRETCH))
    for i in range(repeats):
        for label in list(rules)[:: 1 if i % 2 == 0 else -1]:
            entry, rule = rules[label]
            outcomes, _ = train_seeds(task, entry, rule, PLAIN, terms, seeds)
            last = outcomes[0].history[-1]
            if not last.epoch:
                raise Missing(f"{label} makes no epoch that could be timed")
            found[label].append((last.seconds / last.epoch, last.cpu_seconds / last.epoch))
    return found


def outputs(experiment: Experiment, machine: Machine, folder: Path) -> tuple[Array, Array, Array]:
    """The training inputs (d, N), their targets and the outputs (K, N) of a run's weights."""
    from safetensors.torch import load_file

    problem = make_task(experiment, machine).train
    params = {
        k: w[None].to(machine.device) for k, w in load_file(folder / "weights.safetensors").items()
    }
    with torch.no_grad():
        made = problem.forward(params).a[-1][0]
    return tuple(t.cpu().numpy() for t in (problem.inputs, problem.targets, made))  # type: ignore[return-value]


def largest_error(experiment: Experiment, machine: Machine, folder: Path) -> float:
    """The largest distance of an output from its target, over the training samples."""
    _, y, a = outputs(experiment, machine, folder)
    return float(abs(a - y).max())


class _Stages:
    """A watcher that notes which layers each back-propagation is for."""

    def __init__(self, depth: int) -> None:
        self.depth, self.seen = depth, list[list[int]]()

    def forward(self, rows: int, samples: int, first: int, made: Pass) -> None:
        """Nothing."""

    def backward(self, rows: int, samples: int, last: int) -> None:
        """Layers L..last."""
        self.seen.append(list(range(last, self.depth + 1)))

    def charge(self, passes: float) -> None:
        """Nothing."""

    def uncounted(self) -> None:
        """Nothing."""


def layers_in_an_epoch(experiment: Experiment, label: str) -> list[list[int]]:
    """The layers that each update within an epoch moves, on a small problem of that depth.

    Raises Missing where the rule makes no backward pass, so that they can't be told.
    """
    entry = next(entry for entry in experiment.entries if entry.label == label)
    problem, params = _small(experiment)
    watch, rule = _Stages(problem.depth), entry.rule(problem.depth)
    draw = Draw((1,), torch.device("cpu"), torch.float64)
    with torch.no_grad():
        state, seen = rule.init(problem, params, draw), problem.watched(watch)
        rule.step(seen, state, seen.forward(state) if rule.wants_pass else None)
    if not watch.seen:
        raise Missing(f"{label} makes no backward pass: the layers of its updates can't be told")
    return watch.seen


def _small(experiment: Experiment) -> tuple[DenseProblem, State]:
    """A problem with the experiment's hidden layers and loss, on eight made-up samples."""
    from gfopt.activations import activations

    numbers, outputs = np.random.RandomState(0), experiment.loss.outputs or 2
    widths = (3, *experiment.model.hidden, outputs)
    x = torch.as_tensor(numbers.standard_normal((3, 8)))
    y = torch.eye(2, dtype=torch.float64)[:, torch.arange(8) % 2][-outputs:]
    hidden = tuple(activations[name] for name in experiment.model.activations())
    bias = experiment.model.output_bias

    def fresh(seed: int, count: int) -> State:
        start = experiment.initializer.start(seed, widths, output_bias=bias, leading=(count,))
        return {key: torch.as_tensor(array) for key, array in start.items()}

    return DenseProblem(hidden, experiment.loss, x, y, fresh=fresh), fresh(1, 1)
