"""Any torch.nn.Module, trained by a step of the user's own: the second door for rules from a file.

    def make_model(): ...                     # -> a module from (n, *sample shape) to (n, outputs)
    def train_step(model, batch, state): ...  # one update on batch.x, batch.y; state: your dict

Hooks, convolutions and autograd are theirs to use. Such a rule gets the experiment's data, target,
clock and seeds, and a row in its table; its passes are its own and not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from pydantic import ConfigDict, PrivateAttr

from gfopt.optimizers.base import Optimizer
from gfopt.problem import DenseProblem, Pass, State
from gfopt.rng import Stream, raw_bits

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from gfopt.rng import Draw

CHUNK = 2048  # samples that a module evaluates at a time, so that memory doesn't grow with the data


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

    wants_pass: ClassVar[bool] = False
    batches_seeds: ClassVar[bool] = False

    source: ClassVar[ModuleType]  # the user's file, with the two functions

    _live: _Live = PrivateAttr()

    def remarks(self) -> list[str]:
        """What sets it apart from the rules on the experiment's own network."""
        name = Path(str(self.source.__file__)).name
        return [f"{name} trains a network of its own, from a start of its own."]

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


def module_rule(module: ModuleType) -> type[ModuleRule]:
    """The rule of the two functions in a file."""

    class Bound(ModuleRule):
        """A file's two functions."""

        source: ClassVar[ModuleType] = module

    return Bound


@contextmanager
def _seeded(seed: int, step: int) -> Iterator[None]:
    """torch's global generator, started from (seed, step) and put back afterwards."""
    import torch

    bits = int(raw_bits(seed, Stream.NOISE, 1, 0, step)[0])
    with torch.random.fork_rng():
        torch.manual_seed(bits >> 1)
        yield
