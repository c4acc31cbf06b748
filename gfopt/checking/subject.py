"""The rule on trial: its init and step called as the engine calls them, its errors as sentences."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch

from gfopt.checking.made import Made, made_problems
from gfopt.errors import UsageError
from gfopt.optimizers.module_rule import ModuleRule
from gfopt.rng import Draw

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.optimizers.base import Optimizer
    from gfopt.problem import DenseProblem, Pass, State

T = TypeVar("T")

SEEDS = (3, 1, 2)


class Mishap(Exception):  # noqa: N818 - a finding, not an error of gfopt's
    """What a rule raised, as a sentence with file and line, and the traceback."""

    def __init__(self, sentence: str, cause: BaseException) -> None:
        super().__init__(sentence)
        self.cause = cause
        self.trace = "".join(traceback.format_exception(cause))


@dataclass(frozen=True, eq=False)
class Subject:
    """A rule with its options, and where it stands."""

    rule: Optimizer
    name: str
    file: Path

    @property
    def module(self) -> bool:
        """Whether it is make_model and train_step: its memory is Python objects."""
        return isinstance(self.rule, ModuleRule)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those that a check runs: several at once where the rule can."""
        return SEEDS if self.rule.batches_seeds else SEEDS[:1]

    @cached_property
    def problems(self) -> tuple[Made, ...]:
        """The made problems that the rule doesn't refuse; raises Mishap where it refuses all."""
        if isinstance(self.rule, ModuleRule):
            from gfopt.checking.modules import fitting

            return (fitting(self),)
        taken = [made for made, refusal in self._tried.items() if refusal is None]
        if not taken:
            raise next(refusal for refusal in self._tried.values() if refusal)
        return tuple(taken)

    def problems_in(self, dtype: torch.dtype) -> tuple[Made, ...]:
        """Those of one precision; all of them for a module, which has one."""
        return tuple(made for made in self.problems if self.module or made.dtype == dtype)

    @cached_property
    def refused(self) -> dict[str, str]:
        """What `init` says of the made problems that it refuses, where it takes others."""
        if self.module or all(self._tried.values()):
            return {}
        return {made.name: str(why) for made, why in self._tried.items() if why}

    @cached_property
    def _tried(self) -> dict[Made, Mishap | None]:
        """Every made problem; with what `init` refuses it, where it does: by a ValueError."""
        found: dict[Made, Mishap | None] = {}
        for made in made_problems(self.rule.takes):
            found[made] = None
            try:
                self.init(made, self.seeds)
            except Mishap as mishap:
                if isinstance(mishap.cause, ValueError | UsageError):
                    found[made] = mishap
        return found

    def init(self, made: Made, seeds: tuple[int, ...], params: State | None = None) -> State:
        """The first state of these seeds, from their starts or from the parameters given."""
        problem = made.problem(len(seeds))
        draw = Draw(seeds, problem.inputs.device, made.dtype)
        params = params or made.task.start(seeds)
        return self.called("init", lambda: self.rule.init(problem, params, draw))

    def step(self, problem: DenseProblem, state: State) -> State:
        """The state after a step, the pass at it handed in where the rule wants it."""
        return self.step_at(problem, state, self.look(problem, state))

    def look(self, problem: DenseProblem, state: State) -> Pass | None:
        """The pass that the engine would hand in."""
        if not self.rule.wants_pass:
            return None
        with torch.no_grad():
            return problem.forward(state)

    def step_at(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """The state after a step at that pass."""
        return self.called("step", lambda: self.rule.step(problem, state, at))

    def run(
        self, made: Made, seeds: tuple[int, ...], steps: int, params: State | None = None
    ) -> State:
        """The state after so many steps from the start."""
        state, problem = self.init(made, seeds, params), made.problem(len(seeds))
        for _ in range(steps):
            state = self.step(problem, state)
        return state

    def outputs(self, problem: DenseProblem, state: State) -> Tensor:
        """The last pre-activations, as the rule gives them."""
        return self.called("outputs", lambda: self.rule.outputs(problem, state))

    def called(self, what: str, call: Callable[[], T]) -> T:
        """What a function of the rule returns, without autograd, as in a run; raises Mishap."""
        try:
            with torch.no_grad():
                return call()
        except (Exception, SystemExit) as error:
            said = str(error).partition("\n")[0]
            raise Mishap(
                f"{what} raised {type(error).__name__}: {said}{self._place(error)}", error
            ) from error

    def _place(self, error: BaseException) -> str:
        """Where in the rule's own file that was."""
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f.lineno for f in frames if f.filename == str(self.file)]
        return f" ({self.file.name}:{lines[-1]})" if lines else ""
