"""Calls of an optimizer as the engine makes them. What it raises becomes a sentence."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch

from gfopt.numerics.draw import Draw

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.model.dense import DenseProblem, Pass
    from gfopt.model.state import State
    from gfopt.optimizers.base import Optimizer
    from gfopt.studies.check.problems import CheckProblem

T = TypeVar("T")


class CallError(Exception):
    """What an optimizer raised, as a sentence with file and line, and its traceback."""

    def __init__(self, sentence: str, cause: BaseException) -> None:
        super().__init__(sentence)
        self.cause = cause
        self.trace = "".join(traceback.format_exception(cause))


@dataclass(frozen=True, eq=False)
class OptimizerCalls:
    """An optimizer with its hyperparameters, and the file that defines it.

    Every method raises CallError if the optimizer raises.
    """

    optimizer: Optimizer
    file: Path

    def init(
        self, problem: CheckProblem, seeds: tuple[int, ...], params: State | None = None
    ) -> State:
        """Return the first state, from each seed's initial weights or from `params`."""
        train = problem.make_problem(len(seeds))
        draw = Draw(seeds, train.inputs.device, problem.dtype)
        params = params or problem.task.initial_weights(seeds)
        return self.call("init", lambda: self.optimizer.init(train, params, draw))

    def make_pass(self, problem: DenseProblem, state: State) -> Pass | None:
        """Return the pass that the engine would give to `step`; None if it isn't wanted."""
        if not self.optimizer.wants_pass:
            return None
        with torch.no_grad():
            return problem.forward(state)

    def step(self, problem: DenseProblem, state: State) -> State:
        """Return the state after one update."""
        return self.step_at(problem, state, self.make_pass(problem, state))

    def step_at(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """Return the state after one update that is given this pass."""
        return self.call("step", lambda: self.optimizer.step(problem, state, at))

    def run(
        self,
        problem: CheckProblem,
        seeds: tuple[int, ...],
        steps: int,
        params: State | None = None,
    ) -> State:
        """Return the state after `init` and this number of updates."""
        state, train = self.init(problem, seeds, params), problem.make_problem(len(seeds))
        for _ in range(steps):
            state = self.step(train, state)
        return state

    def compute_outputs(self, problem: DenseProblem, state: State) -> Tensor:
        """Return the last pre-activations z_L (R, n_L, N) as the optimizer gives them."""
        return self.call("outputs", lambda: self.optimizer.outputs(problem, state))

    def call(self, what: str, function: Callable[[], T]) -> T:
        """Call a function of the optimizer without autograd, as in a run.

        Raises CallError with the line of the optimizer's file.
        """
        try:
            with torch.no_grad():
                return function()
        except (Exception, SystemExit) as error:
            frames = traceback.extract_tb(error.__traceback__)
            lines = [frame.lineno for frame in frames if frame.filename == str(self.file)]
            place = f" ({self.file.name}:{lines[-1]})" if lines else ""
            message = str(error).partition("\n")[0]
            sentence = f"{what} raised {type(error).__name__}: {message}{place}"
            raise CallError(sentence, error) from error
