"""What is read of replicas: metrics at each reading, accuracies at targets and ends.

Off the training clock: the loop sees to that. z is z_L (R, n_L, N) of the training samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gfopt.outcomes import Levels
from gfopt.task import right_answers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from gfopt.optimizers.base import Optimizer
    from gfopt.problem import DenseProblem, State
    from gfopt.target import Metric
    from gfopt.task import Task


def metrics(
    wanted: Iterable[Metric], task: Task, optimizer: Optimizer, state: State, z: Tensor
) -> dict[str, list[float]]:
    """The value of each metric for each replica; held-out outputs are made once."""
    found: dict[str, list[float]] = {}
    outputs = {"train": (task.train, z)}
    for metric in wanted:
        part, _, kind = metric.partition("_")
        if part not in outputs:
            assert task.valid
            outputs[part] = task.valid, optimizer.outputs(task.valid, state)
        found[metric] = _values(kind, *outputs[part])
    return found


def _values(kind: str, problem: DenseProblem, z: Tensor) -> list[float]:
    """Loss or accuracy of each replica."""
    if kind == "loss":
        values: list[float] = problem.loss.value(z, problem.targets).double().tolist()
        return values
    return [count / problem.samples for count in right_answers(z, problem.targets).tolist()]


def constant(z: Tensor) -> list[bool]:
    """Of which replicas all samples have the same outputs, to the last bit."""
    same: list[bool] = (z == z[..., :1]).all(-1).all(-1).tolist()
    return same


def levels(
    task: Task, optimizer: Optimizer, state: State, z: Tensor, *, at_end: bool = True
) -> Levels:
    """What one replica (R = 1) is worth now; test samples are looked at in the end alone."""
    accuracy = _accuracy(task, task.train, z)
    valid = task.valid if at_end or not task.valid_is_test else None
    loss, right = _judged(task, valid, optimizer, state)
    return Levels(
        accuracy, loss, right, *_judged(task, task.test if at_end else None, optimizer, state)
    )


def _judged(
    task: Task, part: DenseProblem | None, optimizer: Optimizer, state: State
) -> tuple[float | None, float | None]:
    """Loss and accuracy on samples that aren't trained on, where there are some."""
    if not part:
        return None, None
    z = optimizer.outputs(part, state)
    return float(part.loss.value(z, part.targets)), _accuracy(task, part, z)


def _accuracy(task: Task, part: DenseProblem, z: Tensor) -> float | None:
    return float(right_answers(z, part.targets)) / part.samples if task.classes else None
