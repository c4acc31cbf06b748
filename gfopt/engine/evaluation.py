"""Evaluate seeds: the targets' metrics at each evaluation, all metrics at targets and at the end.

The loop calls these off the training clock. z is z_L (R, n_L, N) of the training samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gfopt.engine.outcome import Metrics
from gfopt.engine.task import count_correct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from gfopt.engine.target import Metric
    from gfopt.engine.task import Task
    from gfopt.engine.trainable import Trainable
    from gfopt.model.dense import DenseProblem
    from gfopt.model.state import State


def evaluate_metrics(
    wanted: Iterable[Metric], task: Task, optimizer: Trainable, state: State, z: Tensor
) -> dict[str, list[float]]:
    """The value of each metric for each seed; held-out outputs are computed once."""
    found: dict[str, list[float]] = {}
    outputs = {"train": (task.train, z)}
    for metric in wanted:
        part, _, kind = metric.partition("_")
        if part not in outputs:
            assert task.valid
            outputs[part] = task.valid, optimizer.outputs(task.valid, state)
        found[metric] = _compute_metric(kind, *outputs[part])
    return found


def _compute_metric(kind: str, problem: DenseProblem, z: Tensor) -> list[float]:
    """Loss or accuracy of each seed."""
    if kind == "loss":
        values: list[float] = problem.loss.value(z, problem.targets).double().tolist()
        return values
    return [count / problem.samples for count in count_correct(z, problem.targets).tolist()]


def find_constant_outputs(z: Tensor) -> list[bool]:
    """For each seed, whether all samples have the same outputs, to the last bit."""
    same: list[bool] = (z == z[..., :1]).all(-1).all(-1).tolist()
    return same


def evaluate_all_metrics(
    task: Task, optimizer: Trainable, state: State, z: Tensor, *, at_end: bool = True
) -> Metrics:
    """Loss and accuracy of one seed (R = 1); test samples are evaluated at the end only."""
    accuracy = _compute_accuracy(task, task.train, z)
    valid = task.valid if at_end or not task.valid_is_test else None
    loss, right = _evaluate_held_out(task, valid, optimizer, state)
    return Metrics(
        accuracy,
        loss,
        right,
        *_evaluate_held_out(task, task.test if at_end else None, optimizer, state),
    )


def _evaluate_held_out(
    task: Task, part: DenseProblem | None, optimizer: Trainable, state: State
) -> tuple[float | None, float | None]:
    """Loss and accuracy on samples that aren't trained on; None without them."""
    if not part:
        return None, None
    z = optimizer.outputs(part, state)
    return float(part.loss.value(z, part.targets)), _compute_accuracy(task, part, z)


def _compute_accuracy(task: Task, part: DenseProblem, z: Tensor) -> float | None:
    return float(count_correct(z, part.targets)) / part.samples if task.classes else None
