"""Any torch.nn.Module, trained by the user's own step: the second kind of optimizer file.

    def make_model(): ...                     # -> a module from (n, *sample shape) to (n, outputs)
    def train_step(model, batch, state): ...  # one update on batch.x, batch.y; state: your dict

The file may use hooks, convolutions and autograd. Such an optimizer gets the experiment's data,
target, clock and seeds, and a row in its table. gfopt can't count its passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from pydantic import ConfigDict, PrivateAttr

from gfopt.model.dense import DenseProblem, Pass
from gfopt.model.state import State
from gfopt.numerics.streams import Stream, raw_bits
from gfopt.optimizers.base import Optimizer

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from gfopt.numerics.draw import Draw

CHUNK = 2048  # samples that a module evaluates at a time, to bound memory


class Batch(NamedTuple):
    """The samples of one update: x (n, *sample shape); y (n,) class numbers or (n, k) values."""

    x: Tensor
    y: Tensor


@dataclass
class _Live:
    """The module in training and the file's own state: Python objects, one seed at a time."""

    model: torch.nn.Module
    state: dict[str, Any] = field(default_factory=dict)


class ModuleOptimizer(Optimizer):
    """Any torch.nn.Module, trained by the user's own step. Its passes are not counted.

    Its memory is Python objects, so seeds run one by one and a run can't resume in the middle.
    Every step seeds torch's generator from (seed, step), so that a run repeats bit for bit.
    """

    model_config = ConfigDict(extra="allow")  # options: keyword arguments of make_model

    wants_pass: ClassVar[bool] = False
    batches_seeds: ClassVar[bool] = False

    source: ClassVar[ModuleType]  # the user's file, with the two functions

    _live: _Live = PrivateAttr()

    def remarks(self) -> list[str]:
        """That it doesn't train the experiment's network."""
        name = Path(str(self.source.__file__)).name
        return [f"{name} defines its own model and initialization."]

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """A new module, initialized from the run's seed."""
        with _seed_torch(draw.seeds[0], 0):
            model = self.source.make_model(**(self.model_extra or {}))
            model = model.to(problem.inputs.device, problem.inputs.dtype)
            self._live = _Live(model)
            model(self._make_batch(problem).x[:2])  # lazy layers take their shapes here
        return self._make_state({"seed": draw.seed(), "update": draw.seed() * 0})

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """One call of the user's train_step, with autograd on."""
        import torch

        seed, update = int(state["seed"]), int(state["update"]) + 1
        self._live.model.train()
        with _seed_torch(seed, update), torch.enable_grad():
            self.source.train_step(self._live.model, self._make_batch(problem), self._live.state)
        return self._make_state({"seed": state["seed"], "update": state["update"] + 1})

    def outputs(self, problem: DenseProblem, state: State) -> Tensor:
        """The module's outputs as last pre-activations, (1, K, N), in evaluation mode."""
        import torch

        x = problem.inputs.mT.reshape(-1, *problem.sample_shape)
        self._live.model.eval()
        outputs = torch.cat([self._live.model(part) for part in torch.split(x, CHUNK)])
        expected = (problem.samples, problem.targets.shape[0])
        if outputs.shape != expected:
            raise ValueError(f"the model must give outputs {expected} (got {tuple(outputs.shape)})")
        return outputs.mT[None]

    def _make_batch(self, problem: DenseProblem) -> Batch:
        """The problem's samples as rows. Reading them marks the passes as uncounted."""
        x, y = problem.x.mT, problem.y.mT
        x, y = (t[0] if t.ndim == 3 else t for t in (x, y))
        classes = problem.loss.targets == "classes" and y.shape[1] > 1
        return Batch(x.reshape(-1, *problem.sample_shape), y.argmax(1) if classes else y)

    def _make_state(self, counters: State) -> State:
        weights = {k: v.detach()[None] for k, v in self._live.model.state_dict().items()}
        return weights | counters


def make_module_optimizer(module: ModuleType) -> type[ModuleOptimizer]:
    """The optimizer class of the two functions in a file."""

    class Bound(ModuleOptimizer):
        """A file's two functions."""

        source: ClassVar[ModuleType] = module

    return Bound


@contextmanager
def _seed_torch(seed: int, step: int) -> Iterator[None]:
    """Seed torch's global generator from (seed, step), and restore it afterwards."""
    import torch

    bits = int(raw_bits(seed, Stream.NOISE, 1, 0, step)[0])
    with torch.random.fork_rng():
        torch.manual_seed(bits >> 1)
        yield
