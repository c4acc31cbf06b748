"""A rule of the user's own, from a file: two doors.

One: a class with `init` and `step`, a subclass of gfopt.Optimizer, like the files beside this one.
Two: for any torch.nn.Module, two functions, with hooks, convolutions and autograd as they like:

    def make_model(): ...                     # -> a module from (n, *sample shape) to (n, outputs)
    def train_step(model, batch, state): ...  # one update on batch.x, batch.y; state: your dict

Both get the experiment's data, target, clock and seeds, and a row in its table.
"""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from pydantic import ConfigDict, PrivateAttr

from gfopt.errors import UsageError
from gfopt.optimizers.base import Optimizer
from gfopt.problem import DenseProblem, Pass, State

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from gfopt.rng import Draw
    from gfopt.task import Task

CHUNK = 2048  # samples that a module evaluates at a time, so that memory doesn't grow with the data


def load_rule(path: Path) -> type[Optimizer]:
    """The rule that a user's file holds; UsageError where it holds none that is whole."""
    module = _module(path)
    found = [c for c in vars(module).values() if _is_rule(c, module)]
    if len(found) > 1:
        names = ", ".join(c.__name__ for c in found)
        raise UsageError(f"{path}: holds {len(found)} rules ({names}); keep one in a file")
    if not found and not {"make_model", "train_step"} <= vars(module).keys():
        raise UsageError(
            f"{path}: holds no rule. Write a class (gfopt.Optimizer) with init and step, "
            "or make_model() and train_step(model, batch, state)"
        )
    kind = found[0] if found else _module_rule(module)
    if inspect.isabstract(kind):
        missing = " and ".join(sorted(kind.__abstractmethods__))
        raise UsageError(f"{path}: {kind.__name__} has no {missing}")
    return kind


def _module(path: Path) -> ModuleType:
    """Import a file as it is now, under a name of its own; cached bytecode could be stale."""
    module = ModuleType(f"gfopt_user_{path.stem}_{abs(hash(path.resolve()))}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where pydantic looks up a class's annotations
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))  # noqa: S102
    except (Exception, SystemExit) as error:
        lines = [
            f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)
        ]
        place = f"{path}:{lines[-1]}" if lines else str(path)
        raise UsageError(
            f"{place}: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
        ) from error
    return module


def _is_rule(found: Any, module: ModuleType) -> bool:
    """A rule class that the file itself defines."""
    return (
        inspect.isclass(found)
        and issubclass(found, Optimizer)
        and found.__module__ == module.__name__
    )


def try_out(rule: Optimizer, task: Task, seed: int, batch_size: int | None) -> None:
    """One step that is thrown away: TypeError says what is wrong with what the rule returns."""
    import torch

    from gfopt.rng import Draw

    problem, like = task.train, task.train.inputs
    if batch_size:
        problem = problem.on(
            torch.arange(min(batch_size, problem.samples), device=like.device)[None]
        )
    with torch.no_grad():
        params = task.start([seed])
        state = _sound(
            "init", rule.init(problem, params, Draw((seed,), like.device, like.dtype)), params
        )
        before = {key: tensor.clone() for key, tensor in state.items()}
        at = problem.forward(state) if rule.wants_pass else None
        _sound("step", rule.step(problem, state, at), state)
    changed = [
        k for k, t in before.items() if not torch.equal(t.nan_to_num(), state[k].nan_to_num())
    ]
    if changed:
        raise TypeError(
            f"step changed the state it was given ({', '.join(changed)}): make new tensors"
        )


def _sound(what: str, state: Any, given: State) -> State:
    """The state, if it is a dict of tensors with all that was given, in the same shapes."""
    import torch

    if not isinstance(state, dict) or not all(isinstance(t, torch.Tensor) for t in state.values()):
        raise TypeError(f"{what} must return the state, a dict of tensors (got {_kind(state)})")
    for key, tensor in given.items():
        if key not in state:
            raise TypeError(f"{what} must return the whole state: {key!r} is missing")
        if state[key].shape != tensor.shape:
            shapes = f"{tuple(tensor.shape)} (got {tuple(state[key].shape)})"
            raise TypeError(f"{what}: {key!r} must keep its shape {shapes}")
    return state


def _kind(found: Any) -> str:
    if not isinstance(found, dict):
        return type(found).__name__
    return ", ".join(sorted({type(value).__name__ for value in found.values()}))


class Batch(NamedTuple):
    """What a train_step gets: x (n, *sample shape); y (n,) class numbers or (n, k) values."""

    x: Tensor
    y: Tensor


@dataclass
class _Live:
    """The module in training and what its file keeps: Python objects, which can't be batched."""

    model: torch.nn.Module
    state: dict[str, Any] = field(default_factory=dict)


class ModuleRule(Optimizer):
    """Any torch.nn.Module, trained by the user's own step. Makes passes of its own: not counted.

    Its memory is Python objects, so seeds run one by one and a run can't be taken up in the middle.
    Every step starts torch's generator from (seed, step), so that a run's bits repeat.
    """

    model_config = ConfigDict(extra="allow")  # options: keyword arguments of make_model

    family: ClassVar[str] = "module"
    takes: ClassVar[Literal["full", "batch"]] = "batch"
    wants_pass: ClassVar[bool] = False
    batches_seeds: ClassVar[bool] = False

    source: ClassVar[ModuleType]  # the user's file, with the two functions

    _live: _Live = PrivateAttr()

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """A new module, its start drawn from the run's seed."""
        with _seeded(draw.seeds[0], 0):
            model = self.source.make_model(**(self.model_extra or {}))
            model = model.to(problem.inputs.device, problem.inputs.dtype)
            self._live = _Live(model)
            model(self._batch(problem).x[:2])  # lazy layers take their shapes here
        return self._state({"seed": draw.seed(), "update": draw.seed() * 0})

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """One call of the user's train_step, with autograd on."""
        import torch

        seed, update = int(state["seed"]), int(state["update"]) + 1
        self._live.model.train()
        with _seeded(seed, update), torch.enable_grad():
            self.source.train_step(self._live.model, self._batch(problem), self._live.state)
        return self._state({"seed": state["seed"], "update": state["update"] + 1})

    def outputs(self, problem: DenseProblem, state: State) -> Tensor:
        """The module's outputs as last pre-activations, (1, K, N), in evaluation mode."""
        import torch

        x = problem.inputs.mT.reshape(-1, *problem.sample_shape)
        self._live.model.eval()
        found = torch.cat([self._live.model(part) for part in torch.split(x, CHUNK)])
        if found.shape != (problem.samples, problem.targets.shape[0]):
            wanted = (problem.samples, problem.targets.shape[0])
            raise ValueError(f"the model must give outputs {wanted} (got {tuple(found.shape)})")
        return found.mT[None]

    def _batch(self, problem: DenseProblem) -> Batch:
        """The problem's samples as rows; passes on them are the rule's own."""
        x, y = problem.x.mT, problem.y.mT
        x, y = (t[0] if t.ndim == 3 else t for t in (x, y))
        classes = problem.loss.targets == "classes" and y.shape[1] > 1
        return Batch(x.reshape(-1, *problem.sample_shape), y.argmax(1) if classes else y)

    def _state(self, counters: State) -> State:
        weights = {k: v.detach()[None] for k, v in self._live.model.state_dict().items()}
        return weights | counters


def _module_rule(module: ModuleType) -> type[ModuleRule]:
    """The rule of the two functions in a file."""

    class Bound(ModuleRule):
        """A file's two functions."""

        source: ClassVar[ModuleType] = module

    return Bound


@contextmanager
def _seeded(seed: int, step: int) -> Iterator[None]:
    """torch's global generator, started from (seed, step) and put back afterwards."""
    import torch

    from gfopt.rng import Stream, raw_bits

    bits = int(raw_bits(seed, Stream.NOISE, 1, 0, step)[0])
    with torch.random.fork_rng():
        torch.manual_seed(bits >> 1)
        yield
