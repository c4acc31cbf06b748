"""An epoch as CUDA graphs: the full-data pass and the rule's step, each captured once and replayed.

A captured graph is one launch for all its operations, always on the same memory. So the state that
a step returns is the memory that the next one writes to, and so are the passes: what the engine
keeps of replicas that end is a copy. Passes count as without graphs: what the watcher was told
during the capture it is told again at each replay.

Only a step that is a fixed sequence of operations on the device can be captured: nothing read
back, nothing drawn on the host. Where replicas end, those that go on are captured anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from gfopt.errors import UsageError
from gfopt.optimizers import optimizers
from gfopt.problem import DenseProblem, made_into

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from gfopt.optimizers.base import Optimizer
    from gfopt.optimizers.schedule import Schedule
    from gfopt.problem import Pass, State, Watcher
    from gfopt.task import Task

FIXED = ("gradient_descent", "position_wise")  # rules whose steps can be captured
_WARM_UPS = 3  # runs before a capture: libraries set themselves up in the first ones

Made = TypeVar("Made")
Replay = Callable[[], None]
Capture = Callable[[Callable[[], Any]], tuple[Any, Replay]]


def unfit(rule: Optimizer, batch_size: int | None, schedule: Schedule | None) -> str | None:
    """Why graphs can't hold this rule's epochs, in words; None: they can."""
    if type(rule) not in [optimizers[name] for name in FIXED]:
        return "the rule's step isn't known to be a fixed sequence of operations on the device"
    if batch_size:
        return "CUDA graphs take no mini-batches"
    if schedule:
        return "CUDA graphs take no schedules"
    return None


def graphed(task: Task, rule: Optimizer) -> tuple[Task, Optimizer]:
    """The task and the rule for the engine, in place of the plain ones.

    Raises UsageError where the device isn't a GPU.
    """
    device = task.train.inputs.device
    if device.type != "cuda":
        raise UsageError(f"CUDA graphs need a GPU: use --device cuda (got {device.type})")
    return replayed(task, rule, partial(cuda_graph, device))


def replayed(task: Task, rule: Optimizer, capture: Capture) -> tuple[Task, Optimizer]:
    """What `graphed` gives, by any means to capture and replay."""
    train = made_into(GraphedProblem, task.train, graphs=Graphs(rule, capture))
    return replace(task, train=train), cast("Optimizer", GraphedRule(rule))


def cuda_graph(device: torch.device, work: Callable[[], Made]) -> tuple[Made, Replay]:
    """What the work makes, as memory that each replay fills; nothing is in it before the first.

    A warm-up and a capture on a stream other than the default one, as torch.cuda.graph asks for.
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
            made = work()
    return made, graph.replay


@dataclass
class Graphs:
    """The graphs for the replicas that run now; one object for all copies of a problem."""

    rule: Optimizer
    capture: Capture
    now: GraphedStep | None = None

    def at(self, problem: DenseProblem, state: State) -> GraphedStep:
        """Graphs that fit the state's shapes, with the state in them."""
        if self.now is None or _shapes(self.now.state) != _shapes(state):
            self.now = None  # its memory may go before more is taken
            self.now = GraphedStep(self.rule, problem, state, self.capture)
        self.now.load(state)
        return self.now


@dataclass(frozen=True, eq=False)
class GraphedProblem(DenseProblem):
    """A problem whose full passes are replayed."""

    graphs: Graphs = field(kw_only=True)

    def forward(self, params: State, given: Pass | None = None, first: int = 1) -> Pass:
        """The pass at this state, in memory that the next pass overwrites."""
        if given or first > 1:
            return super().forward(params, given, first)
        return self.graphs.at(self.plain(), params).forward(self.watcher)

    def on(self, samples: Tensor) -> DenseProblem:
        """The problem on a mini-batch, without graphs."""
        return self.plain().on(samples)

    def plain(self) -> DenseProblem:
        """The same problem without graphs."""
        return made_into(DenseProblem, self)


class GraphedRule:
    """A rule whose steps on a graphed problem are replayed; in all else the rule itself."""

    def __init__(self, rule: Optimizer) -> None:
        self._rule = rule

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rule, name)

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """One update. A state that came from the step before is overwritten."""
        if not isinstance(problem, GraphedProblem):
            return self._rule.step(problem, state, at)
        if self._rule.wants_pass:
            at = at or problem.forward(state)
        return problem.graphs.at(problem.plain(), state).step(at, problem.watcher)


class GraphedStep:
    """A pass and a step on it, captured for one number of replicas."""

    def __init__(
        self, rule: Optimizer, problem: DenseProblem, state: State, capture: Capture
    ) -> None:
        self.state = {key: tensor.clone() for key, tensor in state.items()}
        (self._at, self._in_pass), self._pass = capture(lambda: self._look(problem))
        self._pass()  # so that the step is captured at numbers, not at whatever memory holds
        self._in_step, self._step = capture(lambda: self._advance(rule, problem))

    def load(self, state: State) -> None:
        """Put a state in: what is here already stays."""
        for key, tensor in state.items():
            if tensor is not self.state[key]:
                self.state[key].copy_(tensor)

    def forward(self, watcher: Watcher | None) -> Pass:
        """The pass at the state loaded."""
        self._pass()
        self._in_pass.repeat(watcher)
        return cast("Pass", self._at)

    def step(self, at: Pass | None, watcher: Watcher | None) -> State:
        """The state after a step from the one loaded, at the pass given."""
        if at is not None and at is not self._at:
            for here, there in zip(self._at, at, strict=True):
                for own, layer in zip(here[1:], there[1:], strict=True):  # the inputs are shared
                    own.copy_(layer)
        self._step()
        self._in_step.repeat(watcher)
        return dict(self.state)

    def _look(self, problem: DenseProblem) -> tuple[Pass, Calls]:
        """The work of the pass."""
        calls = Calls()
        return problem.watched(calls).forward(self.state), calls

    def _advance(self, rule: Optimizer, problem: DenseProblem) -> Calls:
        """The work of the step, which ends in the memory that it began with."""
        calls = Calls()
        at = self._at if rule.wants_pass else None
        after = rule.step(problem.watched(calls), dict(self.state), at)
        if _shapes(after) != _shapes(self.state):
            raise ValueError("CUDA graphs need a rule whose state keeps its keys and shapes")
        self.load(_apart(after, self.state))
        return calls


class Calls:
    """A watcher that remembers what it is told, passes included, to tell it again."""

    def __init__(self) -> None:
        self._told: list[Callable[[Watcher], None]] = []

    def forward(self, rows: int, samples: int, first: int, made: Pass) -> None:
        self._told.append(lambda watcher: watcher.forward(rows, samples, first, made))

    def backward(self, rows: int, samples: int, last: int) -> None:
        self._told.append(lambda watcher: watcher.backward(rows, samples, last))

    def charge(self, passes: float) -> None:
        self._told.append(lambda watcher: watcher.charge(passes))

    def uncounted(self) -> None:
        self._told.append(lambda watcher: watcher.uncounted())

    def repeat(self, watcher: Watcher | None) -> None:
        """Tell it all to another watcher, if there is one."""
        for tell in self._told if watcher else ():
            tell(cast("Watcher", watcher))


def _shapes(state: State) -> dict[str, Any]:
    """What a graph depends on."""
    return {key: (tensor.shape, tensor.dtype) for key, tensor in state.items()}


def _apart(after: State, before: State) -> State:
    """The state after, where another entry's memory is meant with a copy of it.

    A rule may hand on its last weights as memory: they must not be overwritten before they are
    copied.
    """
    held = {tensor.untyped_storage().data_ptr() for tensor in before.values()}
    return {
        key: tensor.clone()
        if tensor is not before[key] and tensor.untyped_storage().data_ptr() in held
        else tensor
        for key, tensor in after.items()
    }
