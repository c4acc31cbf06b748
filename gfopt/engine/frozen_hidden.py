"""Train the output layer alone; hidden layers keep their initial weights.

A comparison with this shows what training the hidden layers adds. With H = a_{L-1} (n_{L-1}, N) the
last hidden layer at a seed's initial weights, the optimizer trains

    z_L = W_L H + b_L,    a network of one layer whose inputs are H,

and nothing else. An optimizer that gives the output layer several updates an epoch in the whole
network gives it as many here. H is computed once, by one forward pass through the hidden layers;
passes and epochs are counted as those of the whole network.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from gfopt.engine.trainable import Trainable, Wrapper
from gfopt.model.state import parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gfopt.engine.task import Task
    from gfopt.model.dense import DenseProblem, Pass
    from gfopt.model.state import State

T = TypeVar("T")


def make_output_task(task: Task, seeds: Sequence[int]) -> Task:
    """The task of the output layer alone, on the hidden layers of the seeds' initial weights.

    Its inputs are H (n_{L-1}, N) of one seed, or (R, n_{L-1}, N).
    """
    initial, depth = task.initial_weights(seeds), task.train.depth
    fresh = task.train.fresh
    assert fresh

    def features(problem: DenseProblem) -> DenseProblem:
        last_hidden = problem.forward(initial).a[depth - 1]
        inputs = last_hidden if len(seeds) > 1 else last_hidden[0]
        top = lambda seed, count: _select_output_layer(fresh(seed, count), depth)  # noqa: E731
        return replace(problem, hidden=(), inputs=inputs, fresh=top, sample_shape=())

    return replace(
        task,
        train=features(task.train),
        valid=task.valid and features(task.valid),
        test=task.test and features(task.test),
        draw_weights=lambda seed: _select_output_layer(task.draw_weights(seed), depth),
        widths=task.widths[-2:],
        whole=task.widths,
    )


def add_hidden_layers(weights: State, task: Task, seed: int) -> State:
    """The parameters of the whole network, from those of its output layer."""
    initial, depth = task.initial_weights([seed]), task.train.depth
    hidden = {key: p[0] for key, p in initial.items() if int(key[1:]) < depth}
    return hidden | {f"{key[0]}{depth}": p for key, p in parameters(weights).items()}


def _select_output_layer(params: dict[str, T], depth: int) -> dict[str, T]:
    """The output layer's parameters, named as those of a network of one layer."""
    return {f"{key[0]}1": p for key, p in params.items() if int(key[1:]) == depth}


class Repeated(Wrapper):
    """An optimizer whose update is several updates of the inner one, each with its own pass."""

    def __init__(self, inner: Trainable, times: int) -> None:
        super().__init__(inner)
        self.times = times

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """All updates; the first one uses the pass that was given."""
        state = self.inner.step(problem, state, at)
        for _ in range(self.times - 1):
            at = problem.forward(state) if self.wants_pass else None
            state = self.inner.step(problem, state, at)
        return state
