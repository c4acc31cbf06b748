"""Small made problems, built as an experiment's are: 12 samples, a network of three layers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from gfopt.config.experiment import build as experiment_of
from gfopt.datasets.base import Data
from gfopt.rng import normal
from gfopt.task import Task, build

if TYPE_CHECKING:
    from gfopt.config.schema import Precision
    from gfopt.datasets.base import Array
    from gfopt.problem import DenseProblem

SAMPLES, BATCH, DEPTH = 12, 5, 3
_SEED = 7  # of the samples

Kind = Literal["classes", "two classes", "values"]
_NETWORKS: dict[Kind, tuple[str, str, int]] = {  # loss, activation of the hidden layers, outputs
    "classes": ("cross_entropy", "relu", 3),
    "two classes": ("bce", "relu", 1),
    "values": ("mse", "tanh", 2),
}


@dataclass(frozen=True, eq=False)
class Made:
    """A made problem by name; with a batch, a rule sees so many of its samples."""

    name: str
    task: Task
    batch: int | None = None

    def problem(self, replicas: int) -> DenseProblem:
        """What a step of so many replicas is given: full data, or a mini-batch (R, ...).

        The tensors are its own: whoever changes them changes no other's.
        """
        train = self.task.train
        if self.batch:
            return train.on(torch.arange(self.batch).repeat(replicas, 1))
        return replace(train, inputs=train.inputs.clone(), targets=train.targets.clone())

    @property
    def dtype(self) -> torch.dtype:
        """The precision of data and parameters."""
        return self.task.train.inputs.dtype


def made_problems(takes: str) -> tuple[Made, ...]:
    """Every kind in both precisions on full data; in float32 on mini-batches, where it takes any.

    Networks 5-4-3-3 (relu, softmax, cross_entropy), 5-4-3-1 (relu, sigmoid, bce) and 5-4-3-2 (tanh,
    linear, mse), from the start `fan_in_normal`.
    """
    full = [
        Made(f"{kind} in {precision}", made_task(kind, precision))
        for precision in ("float32", "float64")
        for kind in _NETWORKS
    ]
    parts = [
        Made(f"mini-batches of {kind}", made_task(kind, "float32"), BATCH) for kind in _NETWORKS
    ]
    return (*full, *parts) if takes == "batch" else tuple(full)


@cache
def made_task(
    kind: Kind,
    precision: Precision = "float64",
    shape: tuple[int, ...] = (5,),
    outputs: int | None = None,
) -> Task:
    """The task of a kind, on samples of a shape, with so many outputs; on the CPU."""
    loss, activation, usual = _NETWORKS[kind]
    values = {
        "name": "made",
        "dataset": {"file": "made.npz"},  # never read: the arrays are made here
        "model": {"hidden": [4, 3], "activation": activation, "init": "fan_in_normal"},
        "loss": loss,
        "optimizers": ["gradient_descent"],
        "precision": precision,
    }
    experiment, complaints = experiment_of(values, Path())
    assert experiment, complaints
    x, y = _samples(kind, shape, outputs or usual)
    data = Data(x.astype(precision), y, None, None, shape)
    return build(experiment, data, torch.device("cpu"))


def _samples(kind: Kind, shape: tuple[int, ...], outputs: int) -> tuple[Array, Array]:
    """x (N, d), of variance about 1, and y: class numbers (N,) or values (N, K)."""
    x = normal(_SEED, 0, 0, SAMPLES * int(np.prod(shape))).reshape(SAMPLES, -1)
    if kind == "values":
        return x, normal(_SEED, 1, 0, SAMPLES * outputs).reshape(SAMPLES, outputs)
    labels = np.arange(SAMPLES) % max(2, outputs)
    if outputs > SAMPLES:  # so that there are as many classes as the module has outputs
        labels[-1] = outputs - 1
    return x, labels
