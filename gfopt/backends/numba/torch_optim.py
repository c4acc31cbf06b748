"""torch.optim's elementwise optimizers: derivatives by compiled sweeps, the step by torch itself.

An update that looks at one entry at a time is the same for W_1 and for all other parameters as one
vector: two tensors in place of 2 L.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gfopt.backends.numba.base import compiled_loops
from gfopt.backends.numba.descent import (
    DescentLoops,
    StagedDescent,
    Swept,
    SweptProblem,
    make_swept_task,
)
from gfopt.engine.trainable import Wrapper
from gfopt.model.dense import DenseProblem, convert_problem
from gfopt.optimizers.torch_optim import ELEMENTWISE, TorchOptim

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.engine.task import Task
    from gfopt.engine.trainable import Trainable
    from gfopt.model.dense import Pass
    from gfopt.model.state import State
    from gfopt.numerics.draw import Draw
    from gfopt.optimizers.base import Optimizer

_FUSED = ("Adam", "AdamW", "SGD", "Adagrad")
_OTHERS = "b1"  # the optimizer sees the vector of the other parameters under this name


class ElementwiseLoops(DescentLoops):
    """torch's own step, on the derivatives of all layers from a single sweep."""

    worthwhile_epochs = 1000  # plain is as fast on small data: compiling pays only on long runs
    in_place = True  # copies of three tensors as large as W_1 would take longer than the step

    def prepare(self, optimizer: Optimizer, task: Task) -> tuple[Task, Trainable]:
        """The sweeps, and the optimizer on two tensors; W_1 as it is, never by coefficients."""
        assert isinstance(optimizer, TorchOptim)
        stepped = SteppedByTorch(_use_fused_step(optimizer), task)
        return make_swept_task(task, 1, spanned=False), stepped


for _name in ELEMENTWISE:
    compiled_loops.register(_name.lower())(ElementwiseLoops)


class SteppedByTorch(Wrapper):
    """A torch.optim optimizer on a swept problem: its state has W1 and a vector (R, P)."""

    def __init__(self, optimizer: TorchOptim, task: Task) -> None:
        super().__init__(optimizer)
        self.optimizer = optimizer
        self.staged = StagedDescent(optimizer, 1.0, 0.0, (1,), task)  # it knows the two tensors

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The two tensors, and the optimizer's own lr."""
        state = self.staged.init(problem, params, draw)
        own = {"W1": state["W1"].clone(), "others": state["others"]}  # a step is made in place
        first = self.optimizer.init(problem, {"W1": own["W1"], _OTHERS: own["others"]}, draw)
        return state | own | {"lr": first["lr"]}

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """One step of torch's optimizer, in place, with the derivatives that came with the pass."""
        import torch

        assert isinstance(problem, SweptProblem)
        assert isinstance(at, Swept)
        work = at.work
        slopes = {"W1": torch.from_numpy(work.dW1[0]), _OTHERS: torch.from_numpy(work.dw[0])}
        given = {_rename(key, "others", _OTHERS): tensor for key, tensor in state.items()}
        stepped = self.optimizer.step_in_place(
            convert_problem(_KnownSlopes, problem, slopes=slopes), given, at
        )
        problem.sweeps.give_back(work)
        return {"seed": state["seed"]} | {
            _rename(key, _OTHERS, "others"): tensor for key, tensor in stepped.items()
        }

    def outputs(self, problem: DenseProblem, state: State) -> Tensor:
        """z_L, by a forward pass only."""
        return self.staged.outputs(problem, state)

    def weights(self, state: State) -> State:
        """The parameters as the plain backend has them."""
        return self.staged.weights(state)


@dataclass(frozen=True, eq=False)
class _KnownSlopes(DenseProblem):
    """A problem whose derivatives are there already."""

    slopes: State = field(default_factory=dict)

    def gradient(self, params: State, at: Pass | None = None, last: int = 1) -> State:
        """The derivatives of the pass that was given."""
        return self.slopes


def _use_fused_step(optimizer: TorchOptim) -> TorchOptim:
    """The optimizer with torch's fused step if it has one: it reads each tensor once."""
    known = optimizer.torch_name in _FUSED
    return optimizer.model_copy(update={"fused": True}) if known else optimizer


def _rename(key: str, old: str, new: str) -> str:
    """A key of the state, or of the optimizer's memory, under its new name."""
    return new + key[len(old) :] if key.startswith(old) else key
