"""The reference programs as ways to run a workload of gfopt bench: epoch after epoch, parameters.

Each takes a task, the entry raced and a seed, and starts from the parameters that gfopt starts
from, in the precision of the original.
"""

from __future__ import annotations

import numpy as np

from gfopt.rng import normal
from tests.reference import descent, evolution_strategy, parameter_search, synaprune


def arrays(task, seed):
    """X, Y as the problem has them, and the start in float64."""
    X, Y = task.train.inputs.numpy(), task.train.targets.numpy()
    start = {key: tensor[0].double().numpy() for key, tensor in task.start([seed]).items()}
    return X, Y, start


def descending(program):
    """A program of tests.reference.descent."""

    def run(task, entry, seed):
        X, Y, start = arrays(task, seed)
        output = "sigmoid" if len(Y) == 1 else "softmax"
        for epoch in program(X, Y, start, entry.options["lr"], output):
            yield epoch.params

    return run


def evolving(task, entry, seed):
    """Generations, all in float64."""
    s, x, start = arrays(task, seed)
    s, x = s.astype(np.float64), x.astype(np.float64)
    w = np.concatenate([start[key].ravel() for key in ("W1", "W2", "W3", "b1", "b2")])
    places = vector_places()

    def noise(generation):
        drawn = normal(seed, generation, 0, 14000).reshape(100, 140)
        return drawn[:, places]

    for generation in evolution_strategy.evolution_strategy(s, x, w, noise):
        names = ("W1", "W2", "W3", "b1", "b2")
        yield dict(zip(names, evolution_strategy.parts(generation.w), strict=True))


def vector_places():
    """Where the post's W1, W2, W3, b1, b2 stand among gfopt's W1, b1, W2, b2, W3."""
    W1, b1, W2, b2, W3 = np.split(np.arange(140), np.cumsum([10, 10, 100, 10]))
    return np.concatenate([W1, W2, W3, b1, b2])


def searching(task, entry, seed):
    """Sweeps, in the precision of the data."""
    X, y, start = arrays(task, seed)
    start = {key: p.astype(X.dtype) for key, p in start.items()}
    options = {key: entry.options[key] for key in ("low", "high", "count")}
    for sweep in parameter_search.parameter_search(X, y, start, **options):
        yield sweep.params


def pruning(task, entry, seed):
    """Samples once through, in the precision of the data."""
    X, Y, start = arrays(task, seed)
    start = {key: p.astype(X.dtype) for key, p in start.items()}
    options = {key: entry.options[key] for key in ("lr", "output_error")}
    yield from synaprune.rule(X, Y, start, **options)


WAYS = {
    "gradient_descent": descending(descent.gradient_descent),
    "position_wise": descending(descent.position_wise),
    "evolution_strategy": evolving,
    "parameter_search": searching,
    "synaprune": pruning,
}
