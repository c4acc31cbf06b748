"""Small test problems, built as an experiment's are: 12 samples, a network of three layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from gfopt.config.loading import build
from gfopt.datasets.base import Data
from gfopt.engine.task import Task, build_task
from gfopt.numerics.streams import normal

if TYPE_CHECKING:
    from gfopt.config.schema import Precision
    from gfopt.model.dense import DenseProblem
    from gfopt.numerics.array import Array

SAMPLES, BATCH, DEPTH = 12, 5, 3
_SEED = 7  # of the samples

Kind = Literal["classes", "two classes", "values"]
_NETWORKS: dict[Kind, tuple[str, str, int]] = {  # loss, activation of the hidden layers, outputs
    "classes": ("cross_entropy", "relu", 3),
    "two classes": ("bce", "relu", 1),
    "values": ("mse", "tanh", 2),
}


@dataclass(frozen=True, eq=False)
class CheckProblem:
    """A test problem by name. With a batch, the optimizer sees that many of the samples."""

    name: str
    task: Task
    batch: int | None = None

    def make_problem(self, seeds: int) -> DenseProblem:
        """Return what `step` is given for this number of seeds: full data or a mini-batch (R, ...).

        Its tensors are copies: changing them changes no other problem.
        """
        train = self.task.train
        if self.batch:
            return train.on(torch.arange(self.batch).repeat(seeds, 1))
        return replace(train, inputs=train.inputs.clone(), targets=train.targets.clone())

    @property
    def dtype(self) -> torch.dtype:
        """The precision of data and parameters."""
        return self.task.train.inputs.dtype


def make_problems(takes: str) -> tuple[CheckProblem, ...]:
    """Return each kind of problem: on full data in both precisions, on mini-batches in float32.

    `takes` is the optimizer's class variable; "full" leaves out mini-batches. Networks 5-4-3-3
    (relu, softmax, cross_entropy), 5-4-3-1 (relu, sigmoid, bce) and 5-4-3-2 (tanh, linear, mse),
    initialized by `fan_in_normal`.
    """
    full = [
        CheckProblem(f"{kind} in {precision}", make_check_task(kind, precision))
        for precision in ("float32", "float64")
        for kind in _NETWORKS
    ]
    batches = [
        CheckProblem(f"mini-batches of {kind}", make_check_task(kind, "float32"), BATCH)
        for kind in _NETWORKS
    ]
    return (*full, *batches) if takes == "batch" else tuple(full)


@cache
def make_check_task(
    kind: Kind,
    precision: Precision = "float64",
    shape: tuple[int, ...] = (5,),
    outputs: int | None = None,
) -> Task:
    """Return the task of a kind on the CPU, for samples of this shape and this many outputs."""
    loss, activation, usual = _NETWORKS[kind]
    values = {
        "name": "check",
        "dataset": {"file": "check.npz"},  # never read: the arrays are made here
        "model": {"hidden": [4, 3], "activation": activation, "init": "fan_in_normal"},
        "loss": loss,
        "optimizers": ["gradient_descent"],
        "precision": precision,
    }
    experiment, complaints = build(values, Path())
    assert experiment, complaints
    x, y = _make_samples(kind, shape, outputs or usual)
    data = Data(x.astype(precision), y, None, None, shape)
    return build_task(
        experiment.model, experiment.initializer, experiment.loss, (), data, torch.device("cpu")
    )


def _make_samples(kind: Kind, shape: tuple[int, ...], outputs: int) -> tuple[Array, Array]:
    """x (N, d), of variance about 1, and y: class numbers (N,) or values (N, K)."""
    x = normal(_SEED, 0, 0, SAMPLES * int(np.prod(shape))).reshape(SAMPLES, -1)
    if kind == "values":
        return x, normal(_SEED, 1, 0, SAMPLES * outputs).reshape(SAMPLES, outputs)
    labels = np.arange(SAMPLES) % max(2, outputs)
    if outputs > SAMPLES:  # so that there are as many classes as the module has outputs
        labels[-1] = outputs - 1
    return x, labels
