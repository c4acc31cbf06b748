"""The task of an experiment, built on a device: problem, held-out problem, starts and levels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gfopt.activations import activations
from gfopt.errors import UsageError
from gfopt.problem import MEMORY, DenseProblem, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gfopt.config.experiment import Experiment
    from gfopt.datasets.base import Array, Data
    from gfopt.initializers import Initializer
    from gfopt.losses import Loss
    from gfopt.target import Target


@dataclass(frozen=True)
class Level:
    """What knowing nothing gives: loss and accuracy (None for values)."""

    loss: float
    accuracy: float | None


@dataclass(frozen=True, eq=False)
class Task:
    """What every rule of an experiment is given alike."""

    train: DenseProblem
    valid: DenseProblem | None
    widths: tuple[int, ...]  # n_0, ..., n_L
    initializer: Initializer
    output_bias: bool
    classes: bool  # whether right answers can be counted
    chance: dict[str, Level]  # by part, "train" and "valid": the output that knows nothing
    class_prior: dict[str, Level]  # the best constant output
    test: DenseProblem | None = None  # the published test samples, beside held-out ones
    valid_is_test: bool = False  # the held-out samples are the published test samples
    whole: tuple[int, ...] = ()  # widths of the network of which this is the output layer

    def start(self, seeds: Sequence[int]) -> State:
        """The first parameters of each seed, drawn in float64 and cast, (R, ...)."""
        starts = [
            self.initializer.start(seed, self.widths, output_bias=self.output_bias)
            for seed in seeds
        ]
        stacked = {key: np.stack([s[key] for s in starts]) for key in starts[0]}
        return _placed(stacked, self.train.inputs)

    def of(self, rows: Tensor | slice) -> Task:
        """The task of some of the replicas."""
        valid, test = self.valid and self.valid.of(rows), self.test and self.test.of(rows)
        return replace(self, train=self.train.of(rows), valid=valid, test=test)

    def bytes_of_a_replica(self) -> int:
        """About what one more seed in a batch takes: passes, parameters, derivatives, old and new.

        A reading and an update each hold z_l and a_l of all layers.
        """
        parameters = sum(n * (m + 1) for m, n in pairwise(self.widths))
        numbers = 4 * sum(self.widths[1:]) * self.train.samples + 4 * parameters
        return numbers * self.train.inputs.element_size()


def build(experiment: Experiment, data: Data, device: torch.device, memory: int = MEMORY) -> Task:
    """Put data and network on the device, in the experiment's precision.

    `memory`: bytes that the activations of a population may take.
    """
    classes = _classes(data)
    for target in experiment.targets:
        _check_target(target, data, classes)
    x, y = (
        _columns(data.x, device),
        _targets(data.y, experiment.loss, classes, data.x.dtype, device),
    )
    hidden = tuple(activations[name] for name in experiment.model.activations())
    widths = (x.shape[0], *experiment.model.hidden, y.shape[0])

    def fresh(seed: int, count: int) -> State:
        bias = experiment.model.output_bias
        return _placed(
            experiment.initializer.start(seed, widths, output_bias=bias, leading=(count,)), x
        )

    train = DenseProblem(
        hidden, experiment.loss, x, y, data.sample_shape, memory=memory, fresh=fresh
    )
    parts = {"train": train}
    others = {"valid": (data.x_valid, data.y_valid), "test": (data.x_test, data.y_test)}
    for part, (rows, known) in others.items():
        if rows is not None and known is not None:
            columns = _targets(known, experiment.loss, classes, data.x.dtype, device)
            parts[part] = DenseProblem(
                hidden, experiment.loss, _columns(rows, device), columns, data.sample_shape
            )
    return Task(
        train=train,
        valid=parts.get("valid"),
        widths=widths,
        initializer=experiment.initializer,
        output_bias=experiment.model.output_bias,
        classes=classes is not None,
        chance={part: _chance(problem, classes) for part, problem in parts.items()},
        class_prior={part: _class_prior(problem, classes) for part, problem in parts.items()},
        test=parts.get("test"),
        valid_is_test=experiment.dataset.holds_out_test,
    )


def _placed(arrays: dict[str, Array], like: Tensor) -> State:
    """The arrays as tensors on the device and in the precision of another."""
    return {k: torch.as_tensor(a).to(like.device, like.dtype) for k, a in arrays.items()}


def right_answers(z: Tensor, y: Tensor) -> Tensor:
    """How many samples have the right class, (R,), from the last pre-activations z (R, K, N).

    With a single output unit the class is 1 where z > 0, that is where sigmoid(z) > 1/2.
    """
    if y.shape[0] == 1:
        return ((z > 0) == (y > 0.5)).sum((-2, -1))
    return (z.argmax(-2) == y.argmax(0)).sum(-1)


def _columns(rows: Array, device: torch.device) -> Tensor:
    """(d, N) as a view of (N, d): layer 1's products and gathers of samples are faster so."""
    return torch.as_tensor(rows, device=device).mT


def _classes(data: Data) -> int | None:
    """How many classes there are, held-out samples included; None for values."""
    if data.y.ndim == 2:
        return None
    return 1 + max(int(y.max()) for y in (data.y, data.y_valid, data.y_test) if y is not None)


def _check_target(target: Target, data: Data, classes: int | None) -> None:
    """What a user's own file can't be asked for; the known sets are checked with the config."""
    if target.on_validation and data.x_valid is None:
        raise UsageError(
            f"target.{target.metric}: the data set has no held-out samples: set dataset.validation "
            "to how many training samples to hold out, or put x_valid and y_valid into the file"
        )
    if target.on_accuracy and classes is None:
        raise UsageError(f"target.{target.metric}: the data set has values, not classes")


def _targets(
    y: Array, loss: Loss, classes: int | None, dtype: np.dtype, device: torch.device
) -> Tensor:
    """The targets as columns (K, N): values as they are, classes as indicators or one 0/1 row."""
    if loss.targets == "classes" and classes is None:
        raise UsageError("loss: this one needs classes, the data set has values; try mse")
    if loss.outputs == 1 and classes is not None and classes != 2:
        raise UsageError(f"loss: this one needs two classes, the data set has {classes}")
    rows = y if classes is None else y[:, None] if loss.outputs == 1 else np.eye(classes)[y]
    return torch.as_tensor(rows.astype(dtype), device=device).mT


def _frequencies(problem: DenseProblem) -> Tensor:
    """The share of each class among the samples."""
    rows = problem.targets.mean(-1)
    return rows if len(rows) > 1 else torch.stack([1 - rows[0], rows[0]])


def _chance(problem: DenseProblem, classes: int | None) -> Level:
    accuracy = None if classes is None else 1 / classes
    return Level(problem.loss.chance(problem.targets.double()), accuracy)


def _class_prior(problem: DenseProblem, classes: int | None) -> Level:
    accuracy = None if classes is None else float(_frequencies(problem).double().max())
    return Level(problem.loss.class_prior(problem.targets.double()), accuracy)
