"""A rule on a network whose hidden layers keep their start: what training them adds.

With H = a_{L-1} (n_{L-1}, N) the last hidden layer at a seed's start, the rule trains

    z_L = W_L H + b_L,    a network of one layer whose inputs are H,

and nothing else. A rule that gives the output layer several updates an epoch in the whole network
gives it as many here. H is made once, one forward pass through the hidden layers; passes and
epochs are counted as those of the whole network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from pydantic import ConfigDict

from gfopt.optimizers.base import Optimizer
from gfopt.problem import parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from gfopt.initializers import Initializer
    from gfopt.problem import DenseProblem, Pass, State
    from gfopt.rng import Draw
    from gfopt.task import Task


def output_task(task: Task, seeds: Sequence[int]) -> Task:
    """The task of the output layer alone, on the hidden layers of the seeds' starts.

    Its inputs are H (n_{L-1}, N) of one seed, or (R, n_{L-1}, N).
    """
    start, depth = task.start(seeds), task.train.depth
    fresh = task.train.fresh
    assert fresh

    def features(problem: DenseProblem) -> DenseProblem:
        made = problem.forward(start).a[depth - 1]
        hidden = made if len(seeds) > 1 else made[0]
        top = lambda seed, count: _top(fresh(seed, count), depth)  # noqa: E731
        return replace(problem, hidden=(), inputs=hidden, fresh=top, sample_shape=())

    return replace(
        task,
        train=features(task.train),
        valid=task.valid and features(task.valid),
        test=task.test and features(task.test),
        initializer=cast("Initializer", _Given(task, depth)),
        widths=task.widths[-2:],
        whole=task.widths,
    )


def whole(weights: State, task: Task, seed: int) -> State:
    """The parameters of the whole network, from those of its output layer."""
    start, depth = task.start([seed]), task.train.depth
    hidden = {key: p[0] for key, p in start.items() if int(key[1:]) < depth}
    return hidden | {f"{key[0]}{depth}": p for key, p in parameters(weights).items()}


def _top(params: State, depth: int) -> State:
    """The output layer's parameters, as those of a network of one layer."""
    return {f"{key[0]}1": p for key, p in params.items() if int(key[1:]) == depth}


@dataclass(frozen=True)
class _Given:
    """In an initializer's place: the output layer of the whole network's start."""

    task: Task
    depth: int

    def start(self, seed: int, widths: Sequence[int], *, output_bias: bool) -> dict[str, Any]:
        """W1 and b1, (n_L, n_{L-1}) and (n_L, 1)."""
        found = self.task.start([seed])
        return {key: p[0].cpu().numpy() for key, p in _top(found, self.depth).items()}


class Repeated(Optimizer):
    """A rule that makes so many of its steps in one; each begins with a pass of its own."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    rule: Any
    times: int

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The rule's."""
        return self._rule.init(problem, params, draw)

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """All of them; the first one has the pass that was given."""
        state = self._rule.step(problem, state, at)
        for _ in range(self.times - 1):
            at = problem.forward(state) if self._rule.wants_pass else None
            state = self._rule.step(problem, state, at)
        return state

    def outputs(self, problem: DenseProblem, state: State) -> Tensor:
        """The rule's."""
        return self._rule.outputs(problem, state)

    def weights(self, state: State) -> State:
        """The rule's."""
        return self._rule.weights(state)

    @property
    def _rule(self) -> Optimizer:
        rule: Optimizer = self.rule
        return rule
