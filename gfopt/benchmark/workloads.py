"""What is timed: rules of packaged configs, for so many epochs at a stretch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.task import Task


@dataclass(frozen=True)
class Workload:
    """A rule on a config's data. Epochs are also a rule's generations or sweeps."""

    name: str
    config: str
    optimizer: str
    stretch: int  # epochs that are timed at once
    checked: int  # epochs after which the ways must agree
    within: float  # the largest relative distance of a tensor, rounding of the precision
    checking: tuple[str, ...] = ()  # changes of the config where agreement is checked, not timed


WORKLOADS = (
    Workload("cat, gradient descent", "cat_poswise", "gradient_descent", 500, 100, 1e-9),
    Workload("cat, position-wise", "cat_poswise", "position_wise", 500, 100, 1e-9),
    Workload("mnist, gradient descent", "mnist_poswise", "gradient_descent", 5, 5, 1e-3),
    Workload("mnist, position-wise", "mnist_poswise", "position_wise", 5, 5, 1e-3),
    Workload("cifar10, gradient descent", "cifar10_poswise", "gradient_descent", 3, 3, 1e-3),
    Workload("cifar10, position-wise", "cifar10_poswise", "position_wise", 3, 3, 1e-3),
    Workload(
        "quadratic, evolution strategy",
        "quadratic_es",
        "evolution_strategy",
        40,
        10,
        1e-9,
        checking=("precision=float64",),
    ),
    Workload(
        "diabetes, parameter search",
        "diabetes_search",
        "parameter_search",
        5,
        2,
        1e-9,
        checking=("precision=float64",),
    ),
    Workload(
        "digits, SynaPrune",
        "synaprune_digits",
        "synaprune",
        2,
        2,
        1e-9,
        checking=("precision=float64",),
    ),
)


def work(task: Task, entry: Entry, passes: tuple[float, float]) -> tuple[float, float]:
    """(operations, bytes of inputs read) of a compiled epoch, from its (forward, backward) passes.

    A multiply and an add are two. In the samples' span the path needs fewer than the rule has: then
    those of its own products are counted.
    """
    from gfopt.tally import backward_products, forward_products

    widths, samples = task.widths, task.train.samples
    forward, backward = forward_products(widths, 1), backward_products(widths, 1)
    operations = 2 * (passes[0] * forward + passes[1] * backward)
    inputs = task.train.inputs
    reads = 2 if entry.name == "position_wise" else 1
    if inputs.element_size() == 8 and widths[0] >= samples and passes[1]:
        first = widths[0] * widths[1]
        operations += 2 * samples * (samples * widths[1] - 2 * first)
        return operations, samples * samples * 8
    return operations, reads * inputs.numel() * inputs.element_size() if passes[1] else 0
