"""Quantities that no record holds: outputs of a run's weights, layers of an update, epoch times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from gfopt.engine.budget import Budget
from gfopt.engine.terms import Terms
from gfopt.model.dense import DenseProblem, Pass
from gfopt.model.state import State
from gfopt.numerics.draw import Draw
from gfopt.runner.backend_choice import PLAIN
from gfopt.runner.settings import RunSettings
from gfopt.runner.train import make_task, train_seeds
from gfopt.studies.reproduce.evidence import MissingEvidence

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.numerics.array import Array

STRETCH = 20  # epochs timed at once


def time_epochs(
    experiment: Experiment, settings: RunSettings, repeats: int
) -> dict[str, list[tuple[float, float]]]:
    """(wall, CPU) seconds of an epoch of training, by label and repeat: A B, B A, A B, ...

    Each repeat trains the first seed for a stretch of epochs from its initial weights. The plain
    backend does the same work as the published programs. Raises MissingEvidence if an optimizer
    ends before its first epoch.
    """
    task = make_task(experiment, settings)
    seeds = list(experiment.seeds[:1])
    optimizers = {
        entry.label: (entry, entry.make_optimizer(experiment.depth)) for entry in experiment.entries
    }
    times: dict[str, list[tuple[float, float]]] = {label: [] for label in optimizers}
    terms = Terms((), "end_of_epoch", Budget(epochs=STRETCH))
    for i in range(repeats):
        for label in list(optimizers)[:: 1 if i % 2 == 0 else -1]:
            entry, optimizer = optimizers[label]
            outcomes, _ = train_seeds(task, entry, optimizer, PLAIN, terms, seeds)
            last = outcomes[0].history[-1]
            if not last.epoch:
                raise MissingEvidence(f"{label} ends before its first epoch, so it has no times")
            times[label].append((last.seconds / last.epoch, last.cpu_seconds / last.epoch))
    return times


def compute_outputs(
    experiment: Experiment, settings: RunSettings, folder: Path
) -> tuple[Array, Array, Array]:
    """The training inputs (d, N), their targets and the outputs (K, N) of a run's weights."""
    from safetensors.torch import load_file

    problem = make_task(experiment, settings).train
    params = {
        k: w[None].to(settings.torch_device())
        for k, w in load_file(folder / "weights.safetensors").items()
    }
    with torch.no_grad():
        outputs = problem.forward(params).a[-1][0]
    return tuple(t.cpu().numpy() for t in (problem.inputs, problem.targets, outputs))  # type: ignore[return-value]


def find_largest_error(experiment: Experiment, settings: RunSettings, folder: Path) -> float:
    """The largest absolute difference of an output and its target over the training samples."""
    _, targets, outputs = compute_outputs(experiment, settings, folder)
    return float(abs(outputs - targets).max())


class _LayerTrace:
    """A watcher that notes the layers of each backward pass."""

    def __init__(self, depth: int) -> None:
        self.depth, self.updates = depth, list[list[int]]()

    def forward(self, rows: int, samples: int, first: int, made: Pass) -> None:
        """Ignore the event."""

    def backward(self, rows: int, samples: int, last: int) -> None:
        """Note layers last, ..., L."""
        self.updates.append(list(range(last, self.depth + 1)))

    def charge(self, passes: float) -> None:
        """Ignore the event."""

    def uncounted(self) -> None:
        """Ignore the event."""


def trace_layers(experiment: Experiment, label: str) -> list[list[int]]:
    """The layers, from 1, that each update within an epoch changes, on a small problem.

    The problem has the experiment's depth and loss. Raises MissingEvidence if the optimizer makes
    no backward pass, which is what is traced.
    """
    entry = next(entry for entry in experiment.entries if entry.label == label)
    problem, params = _make_small_problem(experiment)
    trace, optimizer = _LayerTrace(problem.depth), entry.make_optimizer(problem.depth)
    draw = Draw((1,), torch.device("cpu"), torch.float64)
    with torch.no_grad():
        state, traced = optimizer.init(problem, params, draw), problem.with_watcher(trace)
        optimizer.step(traced, state, traced.forward(state) if optimizer.wants_pass else None)
    if not trace.updates:
        raise MissingEvidence(f"{label} makes no backward pass, so its layers can't be traced")
    return trace.updates


def _make_small_problem(experiment: Experiment) -> tuple[DenseProblem, State]:
    """A problem of eight random samples with the experiment's hidden layers and loss."""
    from gfopt.model.activations import activations

    random, outputs = np.random.RandomState(0), experiment.loss.outputs or 2
    widths = (3, *experiment.model.hidden, outputs)
    x = torch.as_tensor(random.standard_normal((3, 8)))
    y = torch.eye(2, dtype=torch.float64)[:, torch.arange(8) % 2][-outputs:]
    hidden = tuple(activations[name] for name in experiment.model.activations())
    bias = experiment.model.output_bias

    def fresh(seed: int, count: int) -> State:
        weights = experiment.initializer.initial_weights(
            seed, widths, output_bias=bias, leading=(count,)
        )
        return {key: torch.as_tensor(array) for key, array in weights.items()}

    return DenseProblem(hidden, experiment.loss, x, y, fresh=fresh), fresh(1, 1)
