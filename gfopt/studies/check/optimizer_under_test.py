"""The optimizer that is checked: its calls, its seeds and the problems that it accepts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from gfopt.errors import UsageError
from gfopt.optimizers.module_optimizer import ModuleOptimizer
from gfopt.studies.check.calls import CallError, OptimizerCalls
from gfopt.studies.check.modules import find_problem
from gfopt.studies.check.problems import CheckProblem, make_problems

SEEDS = (3, 1, 2)


@dataclass(frozen=True, eq=False)
class OptimizerUnderTest(OptimizerCalls):
    """An optimizer with its hyperparameters, and the problems that it is checked on."""

    @property
    def is_module(self) -> bool:
        """Whether it is make_model and train_step: its memory is Python objects."""
        return isinstance(self.optimizer, ModuleOptimizer)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of a check: several at once if the optimizer can vectorize them."""
        return SEEDS if self.optimizer.batches_seeds else SEEDS[:1]

    @cached_property
    def problems(self) -> tuple[CheckProblem, ...]:
        """The test problems that `init` accepts. Raises CallError if it accepts none."""
        if self.is_module:
            return (find_problem(self),)
        accepted = [problem for problem, error in self._init_errors.items() if error is None]
        if not accepted:
            raise next(error for error in self._init_errors.values() if error)
        return tuple(accepted)

    def problems_in(self, dtype: torch.dtype) -> tuple[CheckProblem, ...]:
        """The problems in one precision; of a module all, it has one precision."""
        return tuple(p for p in self.problems if self.is_module or p.dtype == dtype)

    @cached_property
    def refused(self) -> dict[str, str]:
        """The message of `init` for each test problem that it refuses; empty if it refuses all."""
        if self.is_module or all(self._init_errors.values()):
            return {}
        return {problem.name: str(error) for problem, error in self._init_errors.items() if error}

    @cached_property
    def _init_errors(self) -> dict[CheckProblem, CallError | None]:
        """Each test problem with the ValueError that `init` raised, or None."""
        found: dict[CheckProblem, CallError | None] = {}
        for problem in make_problems(self.optimizer.takes):
            found[problem] = None
            try:
                self.init(problem, self.seeds)
            except CallError as error:
                if isinstance(error.cause, ValueError | UsageError):
                    found[problem] = error
        return found
