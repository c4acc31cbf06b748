"""Full-batch descent in stages, as compiled loops: gradient descent has one stage, position-wise L.

Layer 1 sees the inputs X (d, N) alone, and every step adds a multiple of delta_1 X^T to W_1. So

    W_1 = W_1(0) + C X^T,    z_1 = W_1 X + b_1 = W_1(0) X + C K + b_1,    K = X^T X,

with C (n_1, N) = 0 at the start and the same step of C, delta_1 in place of dJ/dW_1. Where N <= d
that is the same run on fewer numbers: X and W_1 are not touched before the end. It is done in
float64 alone: there counts stay the same, while in float32 they move with any rounding.

Otherwise X is read tile by tile, for the pass and the first stage's derivatives together: the pass
that the engine asks for brings them along.

Source: linear algebra; kernel methods call it the dual form (Schölkopf, Herbrich & Smola, "A
generalized representer theorem", COLT 2001).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import numpy as np
from pydantic import ConfigDict

from gfopt.compiled.base import Loops, compiled, unknown_activation
from gfopt.optimizers.base import Optimizer
from gfopt.problem import DenseProblem, in_order, made_into

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.datasets.base import Array
    from gfopt.kernels.sweeps import Work
    from gfopt.losses import Loss
    from gfopt.problem import Pass, State
    from gfopt.rng import Draw
    from gfopt.task import Task

_MOVED = ("W1", "others")  # what a step changes, and their velocities
TILE = 256  # samples that go through a whole sweep together
_CHANGED = (*_MOVED, *(f"{key}.velocity" for key in _MOVED))


@compiled.register("gradient_descent")
class DescentLoops(Loops):
    """Gradient descent: a single stage moves all layers."""

    kernels = ("descent", "layers", "products", "functions", "sweeps", "threads")
    repaid = 100

    def unfit(self, rule: Optimizer, activations: tuple[str, ...], loss: Loss) -> str | None:
        """Activations must be known, and delta_L a multiple of a_L - y."""
        if not loss.by_residual:
            return "the loss's derivative isn't known to compiled loops"
        return unknown_activation(activations)

    def made(self, rule: Optimizer, task: Task) -> tuple[Task, Optimizer]:
        """The same stages in compiled loops."""
        options, stages = rule.model_dump(), self.stages(task.train.depth)
        momentum = options.get("momentum", 0.0)
        multipliers = options.get("multipliers") or (1.0,) * len(task.widths[1:])
        staged = StagedDescent(lr=options["lr"], momentum=momentum, stages=stages, task=task)
        return swept_task(task, stages[0], momentum, multipliers), staged

    def stages(self, depth: int) -> tuple[int, ...]:
        """The lowest layer that each of an update's steps moves."""
        return (1,)


@compiled.register("position_wise")
class PositionWiseLoops(DescentLoops):
    """Position-wise descent: the output layer, then one more layer below in each stage."""

    def stages(self, depth: int) -> tuple[int, ...]:
        """L, L - 1, ..., 1."""
        return tuple(range(depth, 0, -1))


class StagedDescent(Optimizer):
    """Descent whose stage k moves the layers stages[k]..L, on a swept problem.

    Its state has W1, or the coefficients C for it, and the other parameters as one vector (R, P).
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    lr: float
    momentum: float
    stages: tuple[int, ...]
    task: Any  # as the plain path has it

    takes: ClassVar[Literal["full", "batch"]] = "full"

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """W1 or C = 0, the other parameters, velocities 0, and lr."""
        import torch

        assert isinstance(problem, SweptProblem)
        others = [params[key].flatten(1) for key in in_order(params) if key != "W1"]
        if not others:
            others = [params["W1"].new_zeros(len(params["W1"]), 0)]
        state = problem.first_layer(params) | {"others": torch.cat(others, 1)}
        if self.momentum:
            state |= {f"{key}.velocity": state[key].new_zeros(state[key].shape) for key in _MOVED}
        return state | {"lr": draw.full(self.lr), "seed": draw.seed()}

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """All stages. The first one's derivatives came with the pass, whose arrays are used up."""
        assert isinstance(problem, SweptProblem)
        swept = cast("Swept", at)
        state = state | {key: state[key].clone() for key in _CHANGED if key in state}
        problem.move(_moves(self.stages), state, swept)
        for here, below in pairwise(self.stages):
            problem.told(here, below, swept)
        problem.sweeps.give_back(swept.work)
        return state

    def outputs(self, problem: DenseProblem, state: State) -> Tensor:
        """z_L, by a forward pass alone."""
        assert isinstance(problem, SweptProblem)
        return problem.swept(state, problem.depth + 1).z[-1]

    def weights(self, state: State) -> State:
        """The parameters as the plain path has them."""
        start = self.task.start(state["seed"].tolist())
        others = {key: start[key] for key in in_order(start) if key != "W1"}
        vectors = state["others"].split_with_sizes([p[0].numel() for p in others.values()], 1)
        lifted = {key: v.view(p.shape) for (key, p), v in zip(others.items(), vectors, strict=True)}
        if "start" not in state:
            return {"W1": state["W1"]} | lifted
        return {"W1": start["W1"] + state["W1"] @ self.task.train.inputs.mT} | lifted


@dataclass
class Swept:
    """A pass that brings along the derivatives that the next step begins with."""

    z: list[Tensor]  # z_L (R, n_L, N) alone
    work: Work

    def keep(self, rows: Tensor) -> Swept:
        """The pass of some of the replicas."""
        kept = self.work.keep(rows.cpu().numpy())
        return Swept([_tensor(kept.z)], kept)


@dataclass(frozen=True, eq=False)
class SweptProblem(DenseProblem):
    """A problem whose passes are compiled sweeps."""

    first_stage: int = 1  # its layers' derivatives come with each pass
    sweeps: Any = None  # gfopt.kernels.sweeps.Sweeps
    starts: tuple[tuple[str, Tensor], ...] = ()  # where W1 stands for C: keys and inputs of z_1(0)
    start_key: str = ""

    def forward(self, params: State, given: Pass | None = None, first: int = 1) -> Any:
        """The pass, and the derivatives of the first stage."""
        made = self.swept(params, self.first_stage)
        self.told(1, self.first_stage, made)
        return made

    def told(self, first: int, last: int, made: Swept) -> None:
        """Let the watcher count a sweep."""
        if self.watcher:
            replicas = len(made.z[-1])
            self.watcher.forward(replicas, self.samples, first, cast("Pass", made))
            self.watcher.backward(replicas, self.samples, last)

    def first_layer(self, params: State) -> State:
        """W1 of the state: the weights, or C = 0 beside W_1(0) X of all parts' X."""
        W1 = params["W1"]
        if not self.starts:
            return {"W1": W1}
        zero = W1.new_zeros(*W1.shape[:2], self.samples)
        return {"W1": zero} | {key: W1 @ x for key, x in self.starts}

    def swept(self, state: State, last: int) -> Swept:
        """A sweep forward through all layers and back to layer `last` (above L: forward only)."""
        shapes = state["W1"].shape, state["others"].shape
        work = self.sweeps.room(*shapes, back=last <= self.depth)
        made = Swept([_tensor(work.z)], work)
        self.move(_pass(last), state, made)
        return made

    def move(self, moves: Array, state: State, at: Swept) -> None:
        """Make the moves of gfopt.kernels.descent in place, on the state's tensors and the pass."""
        from gfopt.kernels.descent import Replicas

        W1, w = (state[key].numpy() for key in _MOVED)
        lr = state["lr"].numpy().astype(W1.dtype, copy=False)
        none = np.empty((len(lr), 0, 0), W1.dtype)
        start = state[self.start_key].numpy() if self.start_key else none
        V1, v = none, none.reshape(len(lr), 0)
        if "W1.velocity" in state:
            V1, v = (state[f"{key}.velocity"].numpy() for key in _MOVED)
        parts = [
            Replicas(W1, w, V1, v, start, lr, at.work.a, at.work.z, dW1, dw)
            for dW1, dw in zip(at.work.dW1, at.work.dw, strict=True)
        ]
        self.sweeps.run(moves, parts)


def swept_task(
    task: Task,
    first_stage: int,
    momentum: float = 0.0,
    multipliers: tuple[float, ...] = (),
    *,
    spanned: bool = True,
) -> Task:
    """The task on swept problems; `spanned`: layer 1 by coefficients where that is the smaller."""
    train, multipliers = task.train, multipliers or (1.0,) * task.train.depth
    spanned = (
        spanned and train.inputs.shape[0] >= train.samples and train.inputs.element_size() == 8
    )
    parts = {"start": train, "start.valid": task.valid, "start.test": task.test}
    starts = tuple((key, part.inputs) for key, part in parts.items() if part) if spanned else ()
    made = {
        key: made_into(
            SweptProblem,
            part,
            first_stage=first_stage,
            sweeps=_sweeps(task, part, spanned, momentum, multipliers),
            starts=starts,
            start_key=key if spanned else "",
        )
        for key, part in parts.items()
        if part
    }
    valid, test = made.get("start.valid"), made.get("start.test")
    return replace(task, train=made["start"], valid=valid, test=test)


def _sweeps(
    task: Task, part: DenseProblem, spanned: bool, momentum: float, multipliers: tuple[float, ...]
) -> Any:
    """The network and the samples as the loops take them."""
    from gfopt.kernels.descent import Net
    from gfopt.kernels.functions import numbers
    from gfopt.kernels.sweeps import Sweeps, chunks_of

    data, symmetric = _data(task, part, spanned), spanned and part is task.train
    number = data.rows.dtype.type
    net = Net(
        widths=np.array(task.widths[1:]),
        functions=np.array(numbers([*(f.value for f in part.hidden), part.loss.activate])),
        multipliers=np.array(multipliers, number),
        momentum=number(momentum),
        scale=number(part.loss.delta(part.targets[None] + 1, part.targets)[0, 0, 0]),
        spanned=symmetric,
        tile=len(data.rows) if symmetric else TILE,
    )
    return Sweeps(net, data, [], chunks_of(len(data.rows), spanned=spanned))


@lru_cache(maxsize=2)  # of one task: another's data may go
def _data(task: Task, part: DenseProblem, spanned: bool) -> Any:
    """The samples side by side, made once for all rules of a task."""
    from gfopt.kernels.descent import Data

    rows = part.inputs.mT @ task.train.inputs if spanned else part.inputs.mT
    return Data(*(np.ascontiguousarray(t.numpy()) for t in (rows, part.targets)))


@cache
def _pass(last: int) -> Array:
    """A sweep alone."""
    return np.array([(0, 1, last)])


@cache
def _moves(stages: tuple[int, ...]) -> Array:
    """A step and a sweep for each stage, the last one without: the next pass is the engine's."""
    return np.array(
        [*((here, here, below) for here, below in pairwise(stages)), (stages[-1], 0, 0)]
    )


def _tensor(array: Any) -> Tensor:
    import torch

    return torch.from_numpy(array)
