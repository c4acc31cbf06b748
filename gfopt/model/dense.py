"""The problem an optimizer gets: a dense network, a loss and a training set.

    a_0 = x,    z_l = W_l a_{l-1} + b_l,    a_l = f_l(z_l),    l = 1..L

with z_L = cos(W_L, a_{L-1}) if the loss computes cosines (gfopt.numerics.cosine).

Shapes: R seeds, N samples, n_l units in layer l. Columns are samples. x is (n_0, N), one copy for
all seeds, stored with a sample's features side by side; z_l and a_l are (R, n_l, N). If each seed
has its own inputs (mini-batches, frozen hidden layers), x is (R, n_0, N); if it has its own targets
too, y is (R, n_L, N).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

from pydantic import BeforeValidator, Field, field_validator, model_validator

from gfopt.errors import describe_unknown
from gfopt.model.activations import activations
from gfopt.numerics.cosine import cosine_slope, cosines
from gfopt.options import Count, Options

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from gfopt.model.activations import Activation
    from gfopt.model.losses import Loss
    from gfopt.model.state import State

MEMORY = 2**30  # default of --memory: bytes for the activations of a population
_IN_CACHE = 2**22  # bytes of a chunk that stays in a CPU's caches and the allocator's heap

Kind = TypeVar("Kind", bound="DenseProblem")


class DenseNetwork(Options):
    """A dense network: hidden widths, activations (one, or one per layer), initialization."""

    hidden: tuple[Count, ...] = ()
    activation: Annotated[
        tuple[str, ...],
        BeforeValidator(lambda given: tuple(given) if isinstance(given, list) else (given,)),
    ] = ("relu",)
    init: Annotated[
        Any, Field(description="initialization: a scheme's name, or {scheme: …, options}")
    ] = "torch"
    output_bias: bool = True

    def activations(self) -> tuple[str, ...]:
        """One name per hidden layer."""
        return self.activation * len(self.hidden) if len(self.activation) == 1 else self.activation

    @field_validator("activation")
    @classmethod
    def _check_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in activations:
                raise ValueError(describe_unknown("activation", name, activations))
        return names

    @model_validator(mode="after")
    def _check_count(self) -> DenseNetwork:
        if len(self.activation) not in (1, len(self.hidden)):
            raise ValueError(
                f"activation: give one, or one for each of the {len(self.hidden)} hidden layers "
                f"(got {len(self.activation)})"
            )
        return self


@dataclass
class Pass:
    """One forward pass: z_l and a_l for l = 0..L; z_0 = a_0 = x and a_L are the outputs."""

    z: list[Tensor]
    a: list[Tensor]

    def keep(self, rows: Tensor) -> Pass:
        """The pass of some of the seeds."""
        z, a = ([_select(layer, rows) for layer in part] for part in (self.z, self.a))
        return Pass(z, a)


class Watcher(Protocol):
    """Counts the passes that a problem makes: the engine's tally."""

    def forward(self, rows: int, samples: int, first: int, made: Pass) -> None: ...

    def backward(self, rows: int, samples: int, last: int) -> None: ...

    def charge(self, passes: float) -> None: ...

    def uncounted(self) -> None: ...


@dataclass(frozen=True, eq=False)
class DenseProblem:
    """The network, the loss and the training set, frozen."""

    hidden: tuple[Activation, ...]  # f_1, ..., f_{L-1}; the loss owns the output's
    loss: Loss
    inputs: Tensor  # x
    targets: Tensor  # y
    sample_shape: tuple[int, ...] = ()  # of one sample before it was flattened
    watcher: Watcher | None = None
    memory: int = MEMORY
    fresh: Callable[[int, int], State] | None = None  # (seed, count) -> new weights (count, ...)

    @property
    def depth(self) -> int:
        """L, the number of layers with weights."""
        return len(self.hidden) + 1

    @property
    def samples(self) -> int:
        """N, the number of samples."""
        return self.targets.shape[-1]

    @property
    def x(self) -> Tensor:
        """The inputs. Reading them marks passes as uncounted: gfopt can't see what is done."""
        if self.watcher:
            self.watcher.uncounted()
        return self.inputs

    @property
    def y(self) -> Tensor:
        """The targets: class indicators or values, (n_L, N)."""
        return self.targets

    def forward(self, params: State, given: Pass | None = None, first: int = 1) -> Pass:
        """The pass at these parameters from layer `first` on; lower layers come from `given`."""
        below = given or Pass([self.inputs], [self.inputs])
        z, a = below.z[:first], below.a[:first]
        for l in range(first, self.depth + 1):
            z.append(self._compute_z(params, l, a[-1]))
            a.append(self._activate(l, z[-1]))
        at = Pass(z, a)
        if self.watcher:
            self.watcher.forward(len(params["W1"]), self.samples, first, at)
        return at

    def gradient(self, params: State, at: Pass | None = None, last: int = 1) -> State:
        """dJ/dW_l (R, n_l, n_{l-1}) and dJ/db_l (R, n_l, 1) for l = L..last, under the same keys.

        `at` is the pass at these parameters; without it, the pass is made here.
        With delta_l = dJ/dz_l (1/N included), the chain rule through
        z_{l+1} = W_{l+1} f_l(z_l) + b_{l+1} gives
            delta_L = the loss's signal       delta_l = (W_{l+1}^T delta_{l+1}) * f_l'(z_l)
            dJ/dW_l = delta_l a_{l-1}^T       dJ/db_l = sum over samples of delta_l
        """
        at = at or self.forward(params)
        gradient, delta = {}, self.loss.delta(at.a[-1], self.targets)
        for l in range(self.depth, last - 1, -1):
            W, a, cosine = params[f"W{l}"], at.a[l - 1], self._has_cosines(l)
            gradient[f"W{l}"] = cosine_slope(delta, W, a) if cosine else delta @ a.mT
            if f"b{l}" in params:
                gradient[f"b{l}"] = delta.sum(-1, keepdim=True)
            if l > last:
                back = cosine_slope(delta.mT, a.mT, W.mT).mT if cosine else W.mT @ delta
                delta = self.hidden[l - 2].chain(back, at.z[l - 1], at.a[l - 1])
        if self.watcher:
            self.watcher.backward(len(params["W1"]), self.samples, last)
        return gradient

    def losses(self, at: Pass) -> Tensor:
        """The loss of each seed, (R,)."""
        return self.loss.value(at.z[-1], self.targets)

    def population_losses(self, members: State) -> Tensor:
        """The loss of every member of each seed's population, (R, P), on the same samples.

        The parameters are (R, P, ...). They are evaluated in chunks whose activations take at most
        `memory` bytes. Chunks depend on shapes alone, so that a run repeats bit for bit.
        """
        import torch

        seeds, count = members["W1"].shape[:2]
        limit = min(self.memory, _IN_CACHE) if self.inputs.device.type == "cpu" else self.memory
        size = max(1, limit // (seeds * self._count_bytes(members)))
        chunks = [
            self._compute_losses({key: p[:, i : i + size] for key, p in members.items()})
            for i in range(0, count, size)
        ]
        self.charge(count * self.samples)
        return torch.cat(chunks, 1)

    def charge(self, passes: float) -> None:
        """Count forward passes (per sample and seed) that an optimizer made by itself.

        An optimizer that reports its passes reads `inputs` and `targets`. Reading `x` marks its
        passes as uncounted.
        """
        if self.watcher:
            self.watcher.charge(passes)

    def on(self, samples: Tensor) -> DenseProblem:
        """The problem on a mini-batch: samples (R, n) are each seed's sample numbers."""
        x, y = (_take(t.mT, samples).mT for t in (self.inputs, self.targets))
        return replace(self, inputs=x, targets=y)

    def of(self, rows: Tensor | slice) -> DenseProblem:
        """The problem of some of the seeds; itself if all seeds have the same samples."""
        x, y = (_select(t, rows) for t in (self.inputs, self.targets))
        return self if x is self.inputs else replace(self, inputs=x, targets=y)

    def with_watcher(self, watcher: Watcher) -> DenseProblem:
        """The same problem with a watcher that counts its passes."""
        return replace(self, watcher=watcher)

    def _count_bytes(self, params: State) -> int:
        """Bytes of z_l and a_l of one member, l = 1..L."""
        units = sum(params[f"W{l}"].shape[-2] for l in range(1, self.depth + 1))
        return 2 * units * self.samples * self.inputs.element_size()

    def _compute_losses(self, members: State) -> Tensor:
        """Losses (R, P) of members (R, P, ...). Each layer's activations are discarded at once."""
        a, y = (t[:, None] if t.ndim == 3 else t for t in (self.inputs, self.targets))
        for l in range(1, self.depth):
            a = self.hidden[l - 1].value(_affine(members, l, a))
        return self.loss.value(self._compute_z(members, self.depth, a), y)

    def _compute_z(self, params: State, l: int, a: Tensor) -> Tensor:
        """z_l from a_{l-1}."""
        return cosines(params[f"W{l}"], a) if self._has_cosines(l) else _affine(params, l, a)

    def _has_cosines(self, l: int) -> bool:
        return l == self.depth and self.loss.cosine

    def _activate(self, l: int, z: Tensor) -> Tensor:
        return self.hidden[l - 1].value(z) if l < self.depth else self.loss.activate(z)


def _select(tensor: Tensor, rows: Tensor | slice) -> Tensor:
    """The rows of some of the seeds; a tensor that all seeds share stays."""
    return tensor[rows] if tensor.ndim == 3 else tensor


def _take(rows: Tensor, samples: Tensor) -> Tensor:
    """The rows of (N, d) or (R, N, d) at each seed's sample numbers (R, n)."""
    return rows[samples] if rows.ndim == 2 else rows.take_along_dim(samples[..., None], 1)


def _affine(params: State, l: int, a: Tensor) -> Tensor:
    """z_l = W_l a_{l-1} + b_l; an output layer may lack the bias."""
    z = params[f"W{l}"] @ a
    return z.add_(params[f"b{l}"]) if f"b{l}" in params else z


def convert_problem(kind: type[Kind], problem: DenseProblem, **more: Any) -> Kind:
    """The problem as an object of a subclass; `more` are the subclass's own fields."""
    return kind(**{f.name: getattr(problem, f.name) for f in fields(DenseProblem)}, **more)
