"""torch.optim's elementwise optimizers: derivatives by compiled sweeps, the step by torch itself.

An update that looks at one entry at a time is the same for W_1 and for all other parameters as one
vector: two tensors in place of 2 L.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from pydantic import ConfigDict

from gfopt.compiled.base import compiled
from gfopt.compiled.descent import DescentLoops, StagedDescent, Swept, SweptProblem, swept_task
from gfopt.optimizers.base import Optimizer
from gfopt.optimizers.torch_optim import MIXING, NAMES, TorchOptim
from gfopt.problem import DenseProblem, made_into

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.problem import Pass, State
    from gfopt.rng import Draw
    from gfopt.task import Task

_FUSED = ("Adam", "AdamW", "SGD", "Adagrad")
_OTHERS = "b1"  # what the rule takes the vector of the other parameters for


class ElementwiseLoops(DescentLoops):
    """A single sweep brings the derivatives of all layers."""

    repaid = 1000  # the plain path is as fast on small data: compiling pays on long runs alone
    in_place = True  # copies of three tensors as large as W_1 would take longer than the step

    def made(self, rule: Optimizer, task: Task) -> tuple[Task, Optimizer]:
        """The sweeps, and the rule on two tensors; W_1 as it is, never by coefficients."""
        stepped = SteppedByTorch(rule=_fused(rule), task=task, staged=_staged(task))
        return swept_task(task, 1, spanned=False), stepped


for _name in NAMES:
    if _name not in MIXING:
        compiled.register(_name.lower())(ElementwiseLoops)


class SteppedByTorch(Optimizer):
    """A torch.optim rule on a swept problem; its state has W1 and the others as a vector (R, P)."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    rule: Any
    task: Any  # as the plain path has it
    staged: Any  # which knows the two tensors

    takes: ClassVar[Literal["full", "batch"]] = "full"

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The two tensors, and lr as the rule has it."""
        state = cast("State", self.staged.init(problem, params, draw))
        own = {"W1": state["W1"].clone(), "others": state["others"]}  # a step is made in place
        begun = self._rule.init(problem, {"W1": own["W1"], _OTHERS: own["others"]}, draw)
        return state | own | {"lr": begun["lr"]}

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """One step of torch's optimizer, in place, with the derivatives that came with the pass."""
        import torch

        assert isinstance(problem, SweptProblem)
        work = cast("Swept", at).work
        slopes = {"W1": torch.from_numpy(work.dW1[0]), _OTHERS: torch.from_numpy(work.dw[0])}
        given = {_renamed(key, "others", _OTHERS): tensor for key, tensor in state.items()}
        stepped = self._rule.in_place(made_into(_Known, problem, slopes=slopes), given, at)
        problem.sweeps.give_back(work)
        return {"seed": state["seed"]} | {
            _renamed(key, _OTHERS, "others"): tensor for key, tensor in stepped.items()
        }

    def outputs(self, problem: DenseProblem, state: State) -> Tensor:
        """z_L, by a forward pass alone."""
        outputs: Tensor = self.staged.outputs(problem, state)
        return outputs

    def weights(self, state: State) -> State:
        """The parameters as the plain path has them."""
        weights: State = self.staged.weights(state)
        return weights

    @property
    def _rule(self) -> TorchOptim:
        rule: TorchOptim = self.rule
        return rule


@dataclass(frozen=True, eq=False)
class _Known(DenseProblem):
    """A problem whose derivatives are there already."""

    slopes: State = field(default_factory=dict)

    def gradient(self, params: State, at: Pass | None = None, last: int = 1) -> State:
        """Those of the pass that was given."""
        return self.slopes


def _fused(rule: Optimizer) -> Optimizer:
    """With torch's fused step, where there is one: one read of each tensor, the same numbers."""
    known = getattr(rule, "torch_name", "") in _FUSED
    return rule.model_copy(update={"fused": True}) if known else rule


def _staged(task: Task) -> StagedDescent:
    return StagedDescent(lr=1.0, momentum=0.0, stages=(1,), task=task)


def _renamed(key: str, old: str, new: str) -> str:
    """A key of the state, or of the rule's memory for it."""
    return new + key[len(old) :] if key.startswith(old) else key
