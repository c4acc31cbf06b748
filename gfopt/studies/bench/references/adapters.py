"""Reference programs on the workloads of gfopt bench: each yields the parameters of every epoch.

A reference takes a task, an experiment's entry and a seed. It begins with gfopt's initial weights
and computes in the precision of the original.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gfopt.numerics.streams import normal
from gfopt.studies.bench.references import (
    descent,
    evolution_strategy,
    parameter_search,
    synaprune,
)

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.engine.task import Task
    from gfopt.numerics.array import Array

    Reference = Callable[[Task, Entry, int], Iterator[dict[str, Array]]]
    Descent = Callable[[Array, Array, dict[str, Array], float, str], Iterator[descent.Epoch]]


def read_arrays(task: Task, seed: int) -> tuple[Array, Array, dict[str, Array]]:
    """Return X and Y as the task has them, and the initial weights in float64."""
    X, Y = task.train.inputs.numpy(), task.train.targets.numpy()
    weights = task.initial_weights([seed])
    return X, Y, {key: tensor[0].double().numpy() for key, tensor in weights.items()}


def adapt_descent(program: Descent) -> Reference:
    """Return a program of descent.py as a reference; its output layer follows from Y."""

    def run(task: Task, entry: Entry, seed: int) -> Iterator[dict[str, Array]]:
        X, Y, initial = read_arrays(task, seed)
        output = "sigmoid" if len(Y) == 1 else "softmax"
        for epoch in program(X, Y, initial, entry.options["lr"], output):
            yield epoch.params

    return run


def run_evolution_strategy(
    task: Task,
    entry: Entry,  # noqa: ARG001 - the post's numbers are fixed
    seed: int,
) -> Iterator[dict[str, Array]]:
    """Yield the parameters of each generation, all in float64."""
    s, x, initial = read_arrays(task, seed)
    s, x = s.astype(np.float64), x.astype(np.float64)
    names = ("W1", "W2", "W3", "b1", "b2")
    w = np.concatenate([initial[key].ravel() for key in names])
    # where the post's W1, W2, W3, b1, b2 stand among gfopt's W1, b1, W2, b2, W3
    W1, b1, W2, b2, W3 = np.split(np.arange(140), np.cumsum([10, 10, 100, 10]))
    places = np.concatenate([W1, W2, W3, b1, b2])

    def draw(generation: int) -> Array:
        return normal(seed, generation, 0, 14000).reshape(100, 140)[:, places]

    for generation in evolution_strategy.evolution_strategy(s, x, w, draw):
        yield dict(zip(names, evolution_strategy.split(generation.w), strict=True))


def run_parameter_search(task: Task, entry: Entry, seed: int) -> Iterator[dict[str, Array]]:
    """Yield the parameters of each sweep, in the precision of the data."""
    X, y, initial = read_arrays(task, seed)
    initial = {key: p.astype(X.dtype) for key, p in initial.items()}
    options: dict[str, Any] = {key: entry.options[key] for key in ("low", "high", "count")}
    for sweep in parameter_search.parameter_search(X, y, initial, **options):
        yield sweep.params


def run_synaprune(task: Task, entry: Entry, seed: int) -> Iterator[dict[str, Array]]:
    """Yield the parameters of each epoch, in the precision of the data."""
    X, Y, initial = read_arrays(task, seed)
    initial = {key: p.astype(X.dtype) for key, p in initial.items()}
    options: dict[str, Any] = {key: entry.options[key] for key in ("lr", "output_error")}
    yield from synaprune.synaprune(X, Y, initial, **options)


REFERENCES: dict[str, Reference] = {  # by the optimizer's name in the registry
    "gradient_descent": adapt_descent(descent.gradient_descent),
    "position_wise": adapt_descent(descent.position_wise),
    "evolution_strategy": run_evolution_strategy,
    "parameter_search": run_parameter_search,
    "synaprune": run_synaprune,
}
