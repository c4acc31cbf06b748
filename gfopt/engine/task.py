"""The task of an experiment, on a device: problems, initial weights, chance levels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gfopt.errors import UsageError
from gfopt.model.activations import activations
from gfopt.model.dense import MEMORY, DenseProblem
from gfopt.model.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gfopt.datasets.base import Data
    from gfopt.engine.target import Target
    from gfopt.model.dense import DenseNetwork
    from gfopt.model.initializers import Initializer
    from gfopt.model.losses import Loss
    from gfopt.numerics.array import Array


@dataclass(frozen=True)
class Level:
    """Loss and accuracy (None for values) of a predictor that ignores the inputs."""

    loss: float
    accuracy: float | None


@dataclass(frozen=True, eq=False)
class Task:
    """What all optimizers of an experiment share."""

    train: DenseProblem
    valid: DenseProblem | None
    widths: tuple[int, ...]  # n_0, ..., n_L
    draw_weights: Callable[[int], dict[str, Array]]  # a seed's initial weights, in float64
    classes: bool  # whether there is an accuracy
    chance: dict[str, Level]  # by part, "train" and "valid": the same output for all classes
    class_prior: dict[str, Level]  # the constant-predictor baseline: the best constant output
    test: DenseProblem | None = None  # the published test samples, beside held-out ones
    valid_is_test: bool = False  # the held-out samples are the published test samples
    whole: tuple[int, ...] = ()  # widths of the network of which this is the output layer

    def initial_weights(self, seeds: Sequence[int]) -> State:
        """The initial weights of each seed, drawn in float64 and cast, (R, ...)."""
        drawn = [self.draw_weights(seed) for seed in seeds]
        stacked = {key: np.stack([weights[key] for weights in drawn]) for key in drawn[0]}
        return _place(stacked, self.train.inputs)

    def of(self, rows: Tensor | slice) -> Task:
        """The task of some of the seeds."""
        valid, test = self.valid and self.valid.of(rows), self.test and self.test.of(rows)
        return replace(self, train=self.train.of(rows), valid=valid, test=test)

    def estimate_seed_bytes(self) -> int:
        """Approximate memory of one more vectorized seed: passes, parameters, gradients.

        An evaluation and an update each hold z_l and a_l of all layers.
        """
        parameters = sum(n * (m + 1) for m, n in pairwise(self.widths))
        numbers = 4 * sum(self.widths[1:]) * self.train.samples + 4 * parameters
        return numbers * self.train.inputs.element_size()


def build_task(
    network: DenseNetwork,
    initializer: Initializer,
    loss: Loss,
    targets: Sequence[Target],
    data: Data,
    device: torch.device,
    *,
    valid_is_test: bool = False,
    memory: int = MEMORY,
) -> Task:
    """Put data and network on the device, in the precision of the data.

    `memory`: bytes that the activations of a population may take. Raises UsageError if loss or
    targets don't suit the data.
    """
    classes = _count_classes(data)
    for target in targets:
        _check_target(target, data, classes)
    x = _as_columns(data.x, device)
    y = _encode_targets(data.y, loss, classes, data.x.dtype, device)
    hidden = tuple(activations[name] for name in network.activations())
    widths = (x.shape[0], *network.hidden, y.shape[0])
    bias = network.output_bias

    def fresh(seed: int, count: int) -> State:
        drawn = initializer.initial_weights(seed, widths, output_bias=bias, leading=(count,))
        return _place(drawn, x)

    train = DenseProblem(hidden, loss, x, y, data.sample_shape, memory=memory, fresh=fresh)
    parts = {"train": train}
    others = {"valid": (data.x_valid, data.y_valid), "test": (data.x_test, data.y_test)}
    for part, (rows, known) in others.items():
        if rows is not None and known is not None:
            columns = _encode_targets(known, loss, classes, data.x.dtype, device)
            inputs = _as_columns(rows, device)
            parts[part] = DenseProblem(hidden, loss, inputs, columns, data.sample_shape)
    return Task(
        train=train,
        valid=parts.get("valid"),
        widths=widths,
        draw_weights=lambda seed: initializer.initial_weights(seed, widths, output_bias=bias),
        classes=classes is not None,
        chance={part: _find_chance_level(p, classes) for part, p in parts.items()},
        class_prior={part: _find_baseline_level(p, classes) for part, p in parts.items()},
        test=parts.get("test"),
        valid_is_test=valid_is_test,
    )


def _place(arrays: dict[str, Array], like: Tensor) -> State:
    """The arrays as tensors on the device and in the precision of another."""
    return {k: torch.as_tensor(a).to(like.device, like.dtype) for k, a in arrays.items()}


def count_correct(z: Tensor, y: Tensor) -> Tensor:
    """How many samples have the right class, (R,), from the last pre-activations z (R, K, N).

    With a single output unit the class is 1 where z > 0, that is where sigmoid(z) > 1/2.
    """
    if y.shape[0] == 1:
        return ((z > 0) == (y > 0.5)).sum((-2, -1))
    return (z.argmax(-2) == y.argmax(0)).sum(-1)


def _as_columns(rows: Array, device: torch.device) -> Tensor:
    """(d, N) as a view of (N, d): that makes layer 1's products and gathers of samples faster."""
    return torch.as_tensor(rows, device=device).mT


def _count_classes(data: Data) -> int | None:
    """How many classes there are, held-out samples included; None for values."""
    if data.y.ndim == 2:
        return None
    return 1 + max(int(y.max()) for y in (data.y, data.y_valid, data.y_test) if y is not None)


def _check_target(target: Target, data: Data, classes: int | None) -> None:
    """Raise UsageError for a target that the data set of a user's file can't have."""
    if target.on_validation and data.x_valid is None:
        raise UsageError(
            f"target.{target.metric}: the data set has no held-out samples: set dataset.validation "
            "to how many training samples to hold out, or put x_valid and y_valid into the file"
        )
    if target.on_accuracy and classes is None:
        raise UsageError(f"target.{target.metric}: the data set has values, not classes")


def _encode_targets(
    y: Array, loss: Loss, classes: int | None, dtype: np.dtype, device: torch.device
) -> Tensor:
    """The targets as columns (K, N): values as they are, classes as indicators or one 0/1 row."""
    if loss.targets == "classes" and classes is None:
        raise UsageError("loss: this one needs classes, the data set has values; try mse")
    if loss.outputs == 1 and classes is not None and classes != 2:
        raise UsageError(f"loss: this one needs two classes, the data set has {classes}")
    rows = y if classes is None else y[:, None] if loss.outputs == 1 else np.eye(classes)[y]
    return torch.as_tensor(rows.astype(dtype), device=device).mT


def _find_chance_level(problem: DenseProblem, classes: int | None) -> Level:
    """Loss and accuracy of the same output for all classes."""
    accuracy = None if classes is None else 1 / classes
    return Level(problem.loss.chance(problem.targets.double()), accuracy)


def _find_baseline_level(problem: DenseProblem, classes: int | None) -> Level:
    """Loss and accuracy of the constant-predictor baseline."""
    accuracy = None
    if classes is not None:
        shares = problem.targets.mean(-1)  # of each class among the samples
        shares = shares if len(shares) > 1 else torch.stack([1 - shares[0], shares[0]])
        accuracy = float(shares.double().max())
    return Level(problem.loss.class_prior(problem.targets.double()), accuracy)
