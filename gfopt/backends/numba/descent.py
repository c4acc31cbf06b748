"""Full-batch descent in stages, as compiled loops: gradient descent has one stage, position-wise L.

Layer 1 sees the inputs X (d, N) alone, and every step adds a multiple of delta_1 X^T to W_1. So

    W_1 = W_1(0) + C X^T,    z_1 = W_1 X + b_1 = W_1(0) X + C K + b_1,    K = X^T X,

with C (n_1, N) = 0 initially and the same step of C, delta_1 in place of dJ/dW_1. If N <= d, that
is the same run on fewer numbers: X and W_1 are not touched before the end. Only float64 does this:
there epoch counts stay the same, while in float32 they change with any rounding.

Otherwise X is read tile by tile, once for the pass and the first stage's derivatives: the pass that
the training loop asks for brings them along.

Source: linear algebra; kernel methods call it the dual form (Schölkopf, Herbrich & Smola, "A
generalized representer theorem", COLT 2001).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from gfopt.backends.numba.base import Loops, compiled_loops, find_unknown_activation
from gfopt.engine.trainable import Wrapper
from gfopt.model.dense import DenseProblem, Pass, convert_problem
from gfopt.model.state import sort_parameters

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.engine.task import Task
    from gfopt.engine.trainable import Trainable
    from gfopt.model.losses import Loss
    from gfopt.model.state import State
    from gfopt.numerics.array import Array
    from gfopt.numerics.draw import Draw
    from gfopt.numerics.kernels.descent import SampleArrays
    from gfopt.numerics.kernels.sweeps import Sweeps, Work
    from gfopt.optimizers.base import Optimizer

_MOVED = ("W1", "others")  # what a step changes, and their velocities
TILE = 256  # samples that go through a whole sweep together
_CHANGED = (*_MOVED, *(f"{key}.velocity" for key in _MOVED))


@compiled_loops.register("gradient_descent")
class DescentLoops(Loops):
    """Gradient descent: a single stage moves all layers."""

    worthwhile_epochs = 100

    def find_obstacle(
        self, optimizer: Optimizer, activations: tuple[str, ...], loss: Loss
    ) -> str | None:
        """Activations must be known, and the loss declare delta_L as a multiple of a_L - y."""
        if not loss.declared_residual():
            return "the loss doesn't declare the derivative that compiled loops know"
        return find_unknown_activation(activations)

    def prepare(self, optimizer: Optimizer, task: Task) -> tuple[Task, Trainable]:
        """The same stages in compiled loops."""
        options, stages = optimizer.model_dump(), self.list_stages(task.train.depth)
        momentum = options.get("momentum", 0.0)
        multipliers = options.get("multipliers") or (1.0,) * len(task.widths[1:])
        staged = StagedDescent(optimizer, options["lr"], momentum, stages, task)
        return make_swept_task(task, stages[0], momentum, multipliers), staged

    def list_stages(self, depth: int) -> tuple[int, ...]:
        """The lowest layer that each of an update's steps moves."""
        return (1,)


@compiled_loops.register("position_wise")
class PositionWiseLoops(DescentLoops):
    """Position-wise descent: the output layer, then one more layer below in each stage."""

    def list_stages(self, depth: int) -> tuple[int, ...]:
        """L, L - 1, ..., 1."""
        return tuple(range(depth, 0, -1))


class StagedDescent(Wrapper):
    """Descent whose stage k moves the layers stages[k]..L, on a swept problem.

    The state has W1 or its coefficients C, and the other parameters as one vector (R, P).
    """

    def __init__(
        self,
        inner: Optimizer,
        lr: float,
        momentum: float,
        stages: tuple[int, ...],
        task: Task,  # of the plain backend
    ) -> None:
        super().__init__(inner)
        self.lr, self.momentum, self.stages, self.task = lr, momentum, stages, task

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """W1 or C = 0, the other parameters, zero velocities, and lr."""
        import torch

        assert isinstance(problem, SweptProblem)
        others = [params[key].flatten(1) for key in sort_parameters(params) if key != "W1"]
        if not others:
            others = [params["W1"].new_zeros(len(params["W1"]), 0)]
        state = problem.make_first_layer(params) | {"others": torch.cat(others, 1)}
        if self.momentum:
            state |= {f"{key}.velocity": state[key].new_zeros(state[key].shape) for key in _MOVED}
        return state | {"lr": draw.full(self.lr), "seed": draw.seed()}

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """All stages. The first one's derivatives came with the pass; its arrays are used up."""
        assert isinstance(problem, SweptProblem)
        assert isinstance(at, Swept)
        state = state | {key: state[key].clone() for key in _CHANGED if key in state}
        problem.move(_list_step_moves(self.stages), state, at)
        for here, below in pairwise(self.stages):
            problem.count(here, below, at)
        problem.sweeps.give_back(at.work)
        return state

    def outputs(self, problem: DenseProblem, state: State) -> Tensor:
        """z_L, by a forward pass only."""
        assert isinstance(problem, SweptProblem)
        return problem.sweep(state, problem.depth + 1).z[-1]

    def weights(self, state: State) -> State:
        """The parameters as the plain backend has them."""
        initial = self.task.initial_weights(state["seed"].tolist())
        others = {key: initial[key] for key in sort_parameters(initial) if key != "W1"}
        vectors = state["others"].split_with_sizes([p[0].numel() for p in others.values()], 1)
        lifted = {key: v.view(p.shape) for (key, p), v in zip(others.items(), vectors, strict=True)}
        if "initial" not in state:
            return {"W1": state["W1"]} | lifted
        return {"W1": initial["W1"] + state["W1"] @ self.task.train.inputs.mT} | lifted


@dataclass
class Swept(Pass):
    """A pass with the derivatives that the next step begins with.

    `z` has z_L (R, n_L, N) only; `a` is empty.
    """

    work: Work

    def keep(self, rows: Tensor) -> Swept:
        """The pass of some of the seeds."""
        kept = self.work.keep(rows.cpu().numpy())
        return Swept([_to_tensor(kept.z)], [], kept)


@dataclass(frozen=True, eq=False)
class SweptProblem(DenseProblem):
    """A problem whose passes are compiled sweeps."""

    first_stage: int = 1  # its layers' derivatives come with each pass
    sweeps: Sweeps = field(kw_only=True)
    initials: tuple[
        tuple[str, Tensor], ...
    ] = ()  # where W1 stands for C: keys and inputs of z_1(0)
    initial_key: str = ""

    def forward(self, params: State, given: Pass | None = None, first: int = 1) -> Swept:
        """The pass, and the derivatives of the first stage."""
        made = self.sweep(params, self.first_stage)
        self.count(1, self.first_stage, made)
        return made

    def count(self, first: int, last: int, made: Swept) -> None:
        """Let the watcher count a sweep."""
        if self.watcher:
            rows = len(made.z[-1])
            self.watcher.forward(rows, self.samples, first, made)
            self.watcher.backward(rows, self.samples, last)

    def make_first_layer(self, params: State) -> State:
        """W1 of the state: the weights, or C = 0 beside W_1(0) X of all parts' X."""
        W1 = params["W1"]
        if not self.initials:
            return {"W1": W1}
        zero = W1.new_zeros(*W1.shape[:2], self.samples)
        return {"W1": zero} | {key: W1 @ x for key, x in self.initials}

    def sweep(self, state: State, last: int) -> Swept:
        """A sweep forward through all layers and back to layer `last` (above L: forward only)."""
        shapes = state["W1"].shape, state["others"].shape
        work = self.sweeps.provide_work(*shapes, back=last <= self.depth)
        made = Swept([_to_tensor(work.z)], [], work)
        self.move(_list_pass_moves(last), state, made)
        return made

    def move(self, moves: Array, state: State, at: Swept) -> None:
        """Make the moves of `numerics.kernels.descent` in place, on the state and the pass."""
        from gfopt.numerics.kernels.descent import SeedArrays

        W1, w = (state[key].numpy() for key in _MOVED)
        lr = state["lr"].numpy().astype(W1.dtype, copy=False)
        none = np.empty((len(lr), 0, 0), W1.dtype)
        initial = state[self.initial_key].numpy() if self.initial_key else none
        V1, v = none, none.reshape(len(lr), 0)
        if "W1.velocity" in state:
            V1, v = (state[f"{key}.velocity"].numpy() for key in _MOVED)
        parts = [
            SeedArrays(W1, w, V1, v, initial, lr, at.work.a, at.work.z, dW1, dw)
            for dW1, dw in zip(at.work.dW1, at.work.dw, strict=True)
        ]
        self.sweeps.run(moves, parts)


def make_swept_task(
    task: Task,
    first_stage: int,
    momentum: float = 0.0,
    multipliers: tuple[float, ...] = (),
    *,
    spanned: bool = True,
) -> Task:
    """The task on swept problems; `spanned`: layer 1 by coefficients if those are fewer."""
    train, multipliers = task.train, multipliers or (1.0,) * task.train.depth
    spanned = (
        spanned and train.inputs.shape[0] >= train.samples and train.inputs.element_size() == 8
    )
    parts = {"initial": train, "initial.valid": task.valid, "initial.test": task.test}
    initials = tuple((key, part.inputs) for key, part in parts.items() if part) if spanned else ()
    problems = {
        key: convert_problem(
            SweptProblem,
            part,
            first_stage=first_stage,
            sweeps=_make_sweeps(task, part, spanned, momentum, multipliers),
            initials=initials,
            initial_key=key if spanned else "",
        )
        for key, part in parts.items()
        if part
    }
    valid, test = problems.get("initial.valid"), problems.get("initial.test")
    return replace(task, train=problems["initial"], valid=valid, test=test)


def _make_sweeps(
    task: Task, part: DenseProblem, spanned: bool, momentum: float, multipliers: tuple[float, ...]
) -> Sweeps:
    """The network and the samples as the loops take them."""
    from gfopt.numerics.kernels.descent import Net
    from gfopt.numerics.kernels.functions import find_codes
    from gfopt.numerics.kernels.sweeps import Sweeps, split_samples

    data, symmetric = _arrange_data(task, part, spanned), spanned and part is task.train
    number = data.rows.dtype.type
    net = Net(
        widths=np.array(task.widths[1:]),
        functions=np.array(find_codes([*(f.value for f in part.hidden), part.loss.activate])),
        multipliers=np.array(multipliers, number),
        momentum=number(momentum),
        scale=number(part.loss.delta(part.targets[None] + 1, part.targets)[0, 0, 0]),
        spanned=symmetric,
        tile=len(data.rows) if symmetric else TILE,
    )
    return Sweeps(net, data, [], split_samples(len(data.rows), spanned=spanned))


@lru_cache(maxsize=2)  # of one task: other tasks' data is dropped
def _arrange_data(task: Task, part: DenseProblem, spanned: bool) -> SampleArrays:
    """The samples side by side, computed once for all optimizers of a task."""
    from gfopt.numerics.kernels.descent import SampleArrays

    rows = part.inputs.mT @ task.train.inputs if spanned else part.inputs.mT
    return SampleArrays(*(np.ascontiguousarray(t.numpy()) for t in (rows, part.targets)))


@cache
def _list_pass_moves(last: int) -> Array:
    """The moves of a pass: a sweep."""
    return np.array([(0, 1, last)])


@cache
def _list_step_moves(stages: tuple[int, ...]) -> Array:
    """The moves of a step: each stage's step, with a sweep between two stages."""
    return np.array(
        [*((here, here, below) for here, below in pairwise(stages)), (stages[-1], 0, 0)]
    )


def _to_tensor(array: Any) -> Tensor:
    import torch

    return torch.from_numpy(array)
