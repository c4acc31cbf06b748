"""CUDA graphs on a GPU: the full-data pass and the step, each captured once and replayed.

A captured graph is one launch for all its operations, always on the same memory. So each step
overwrites the state that the step before returned, and each pass the pass before: the loop keeps
copies of seeds that end. Passes count as without graphs: the capture records the watcher's calls,
and each replay repeats them.

Only a step that is a fixed sequence of operations on the device can be captured: it reads nothing
back and draws nothing on the host. When seeds end, the others are captured again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from gfopt.backends.base import Backend, Job, backends
from gfopt.engine.trainable import Trainable, Wrapper
from gfopt.errors import UsageError
from gfopt.model.dense import DenseProblem, Pass, Watcher, convert_problem
from gfopt.optimizers import optimizers

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from gfopt.engine.task import Task
    from gfopt.model.state import State
    from gfopt.optimizers.base import Optimizer

CAPTURABLE = ("gradient_descent", "position_wise")  # optimizers whose steps can be captured
_WARM_UPS = 3  # runs before a capture: libraries set themselves up in the first ones

Result = TypeVar("Result")
Replay = Callable[[], None]
Capture = Callable[[Callable[[], Any]], tuple[Any, Replay]]


@backends.register("cuda_graph")
class CudaGraphBackend(Backend):
    """CUDA graphs of passes and steps; `auto` never chooses it."""

    def find_refusals(self, job: Job) -> Iterator[str]:
        """Refuse other devices, and steps not known to be a fixed sequence of operations."""
        if job.device_kind != "cuda":
            yield "CUDA graphs need a GPU"
        if job.frozen_hidden:
            yield f"{job.label}: CUDA graphs take no frozen hidden layers"
        if not job.optimizer:
            yield f"{job.label}: CUDA graphs take no optimizers from files"
        elif type(job.optimizer) not in [optimizers[name] for name in CAPTURABLE]:
            known = " and ".join(CAPTURABLE)
            yield f"{job.label}: CUDA graphs take {known} only"
        elif job.batch_size:
            yield f"{job.label}: CUDA graphs take no mini-batches"
        elif job.schedule:
            yield f"{job.label}: CUDA graphs take no schedules"

    @contextmanager
    def prepare(self, task: Task, optimizer: Optimizer) -> Iterator[tuple[Task, Trainable]]:
        """Graphs on the task's GPU. Raises UsageError on another device."""
        device = task.train.inputs.device
        if device.type != "cuda":
            raise UsageError(f"CUDA graphs need a GPU: use --device cuda (got {device.type})")
        yield prepare_replay(task, optimizer, partial(capture_graph, device))


def prepare_replay(
    task: Task, optimizer: Optimizer, capture: Capture
) -> tuple[Task, GraphedOptimizer]:
    """The task and the optimizer in graphs; `capture` captures and replays (tests pass a fake)."""
    graphs = GraphCache(optimizer, capture)
    train = convert_problem(GraphedProblem, task.train, graphs=graphs)
    return replace(task, train=train), GraphedOptimizer(optimizer)


def capture_graph(device: torch.device, work: Callable[[], Result]) -> tuple[Result, Replay]:
    """Capture the work: its result, in memory that each replay fills, empty before the first.

    Warm-up and capture run on a side stream, as torch.cuda.graph demands.
    """
    import torch

    with torch.cuda.device(device):
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                work()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=side):
            result = work()
    return result, graph.replay


@dataclass
class GraphCache:
    """The graphs for the seeds that run now, shared by all copies of a problem."""

    optimizer: Trainable
    capture: Capture
    current: GraphedStep | None = None

    def load(self, problem: DenseProblem, state: State) -> GraphedStep:
        """Load a state into graphs of its shapes; capture them if there are none."""
        if self.current is None or _find_shapes(self.current.state) != _find_shapes(state):
            self.current = None  # frees its memory before more is taken
            self.current = GraphedStep(self.optimizer, problem, state, self.capture)
        self.current.load(state)
        return self.current


@dataclass(frozen=True, eq=False)
class GraphedProblem(DenseProblem):
    """A problem whose full passes are replayed."""

    graphs: GraphCache = field(kw_only=True)

    def forward(self, params: State, given: Pass | None = None, first: int = 1) -> Pass:
        """The pass at this state. The next pass overwrites it."""
        if given or first > 1:
            return super().forward(params, given, first)
        return self.graphs.load(self.plain(), params).forward(self.watcher)

    def on(self, samples: Tensor) -> DenseProblem:
        """The problem on a mini-batch, without graphs."""
        return self.plain().on(samples)

    def plain(self) -> DenseProblem:
        """The same problem without graphs."""
        return convert_problem(DenseProblem, self)


class GraphedOptimizer(Wrapper):
    """An optimizer whose steps on a graphed problem are replayed."""

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """One update. It overwrites the state that the step before returned."""
        if not isinstance(problem, GraphedProblem):
            return self.inner.step(problem, state, at)
        if self.wants_pass:
            at = at or problem.forward(state)
        return problem.graphs.load(problem.plain(), state).step(at, problem.watcher)


class GraphedStep:
    """A pass and a step, captured for one number of seeds."""

    def __init__(
        self, optimizer: Trainable, problem: DenseProblem, state: State, capture: Capture
    ) -> None:
        self.state = {key: tensor.clone() for key, tensor in state.items()}
        self._at: Pass
        (self._at, self._in_pass), self._replay_pass = capture(lambda: self._make_pass(problem))
        self._replay_pass()  # so that the step is captured at numbers, not at empty memory
        self._in_step, self._replay_step = capture(lambda: self._advance(optimizer, problem))

    def load(self, state: State) -> None:
        """Copy a state into the graphs' memory; tensors of that memory stay."""
        for key, tensor in state.items():
            if tensor is not self.state[key]:
                self.state[key].copy_(tensor)

    def forward(self, watcher: Watcher | None) -> Pass:
        """The pass at the state loaded."""
        self._replay_pass()
        self._in_pass.repeat(watcher)
        return self._at

    def step(self, at: Pass | None, watcher: Watcher | None) -> State:
        """The state after a step from the one loaded, at the pass given."""
        if at is not None and at is not self._at:
            for here, there in ((self._at.z, at.z), (self._at.a, at.a)):
                for own, layer in zip(here[1:], there[1:], strict=True):  # the inputs are shared
                    own.copy_(layer)
        self._replay_step()
        self._in_step.repeat(watcher)
        return dict(self.state)

    def _make_pass(self, problem: DenseProblem) -> tuple[Pass, PassRecorder]:
        """The pass, and the calls that count it."""
        calls = PassRecorder()
        return problem.with_watcher(calls).forward(self.state), calls

    def _advance(self, optimizer: Trainable, problem: DenseProblem) -> PassRecorder:
        """The step, written back into the memory that it read."""
        calls = PassRecorder()
        at = self._at if optimizer.wants_pass else None
        after = optimizer.step(problem.with_watcher(calls), dict(self.state), at)
        if _find_shapes(after) != _find_shapes(self.state):
            raise ValueError("CUDA graphs need an optimizer whose state keeps its keys and shapes")
        self.load(_copy_aliases(after, self.state))
        return calls


class PassRecorder:
    """A watcher that records its calls, to repeat them to another one."""

    def __init__(self) -> None:
        self._calls: list[Callable[[Watcher], None]] = []

    def forward(self, rows: int, samples: int, first: int, made: Pass) -> None:
        self._calls.append(lambda watcher: watcher.forward(rows, samples, first, made))

    def backward(self, rows: int, samples: int, last: int) -> None:
        self._calls.append(lambda watcher: watcher.backward(rows, samples, last))

    def charge(self, passes: float) -> None:
        self._calls.append(lambda watcher: watcher.charge(passes))

    def uncounted(self) -> None:
        self._calls.append(lambda watcher: watcher.uncounted())

    def repeat(self, watcher: Watcher | None) -> None:
        """Repeat all calls to another watcher, if there is one."""
        if watcher:
            for call in self._calls:
                call(watcher)


def _find_shapes(state: State) -> dict[str, Any]:
    """The shapes and types that a graph depends on."""
    return {key: (tensor.shape, tensor.dtype) for key, tensor in state.items()}


def _copy_aliases(after: State, before: State) -> State:
    """The state after, with copies of tensors in the memory of other entries of the state before.

    An optimizer may keep its last weights as memory of its own: they must not be overwritten before
    they are copied.
    """
    held = {tensor.untyped_storage().data_ptr() for tensor in before.values()}
    return {
        key: tensor.clone()
        if tensor is not before[key] and tensor.untyped_storage().data_ptr() in held
        else tensor
        for key, tensor in after.items()
    }
