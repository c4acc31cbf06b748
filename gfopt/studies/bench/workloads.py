"""What is timed: optimizers of packaged configs, each for some epochs at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.engine.task import Task

FLOAT64 = ("precision=float64",)


@dataclass(frozen=True)
class Workload:
    """An optimizer on a config's data. An epoch may be a generation or a sweep."""

    name: str
    config: str
    optimizer: str
    epochs_timed: int  # in one repeat
    epochs_checked: int  # after which all programs must agree
    tolerance: float  # largest relative difference of a tensor: rounding of the precision
    changes_for_check: tuple[str, ...] = ()  # of the config, while agreement is checked


WORKLOADS = (
    Workload("cat, gradient descent", "cat_poswise", "gradient_descent", 500, 100, 1e-9),
    Workload("cat, position-wise", "cat_poswise", "position_wise", 500, 100, 1e-9),
    Workload("mnist, gradient descent", "mnist_poswise", "gradient_descent", 5, 5, 1e-3),
    Workload("mnist, position-wise", "mnist_poswise", "position_wise", 5, 5, 1e-3),
    Workload("cifar10, gradient descent", "cifar10_poswise", "gradient_descent", 3, 3, 1e-3),
    Workload("cifar10, position-wise", "cifar10_poswise", "position_wise", 3, 3, 1e-3),
    Workload(
        "quadratic, evolution strategy", "quadratic_es", "evolution_strategy", 40, 10, 1e-9, FLOAT64
    ),
    Workload(
        "diabetes, parameter search", "diabetes_search", "parameter_search", 5, 2, 1e-9, FLOAT64
    ),
    Workload("digits, SynaPrune", "synaprune_digits", "synaprune", 2, 2, 1e-9, FLOAT64),
)


def count_work(task: Task, entry: Entry, passes: tuple[float, float]) -> tuple[float, float]:
    """Return (operations, bytes of inputs read) of an epoch in compiled loops.

    `passes` are the epoch's forward and backward passes. A multiply and an add are two operations.
    If the loops work in the span of the samples, their own, fewer products are counted.
    """
    from gfopt.engine.tally import count_backward_products, count_forward_products

    widths, samples = task.widths, task.train.samples
    forward, backward = count_forward_products(widths, 1), count_backward_products(widths, 1)
    operations = 2 * (passes[0] * forward + passes[1] * backward)
    inputs = task.train.inputs
    reads = 2 if entry.name == "position_wise" else 1
    if inputs.element_size() == 8 and widths[0] >= samples and passes[1]:
        first = widths[0] * widths[1]
        operations += 2 * samples * (samples * widths[1] - 2 * first)
        return operations, samples * samples * 8
    return operations, reads * inputs.numel() * inputs.element_size() if passes[1] else 0
