"""What an optimizer may see: a dense network, a loss and a training set.

    a_0 = x,    z_l = W_l a_{l-1} + b_l,    a_l = f_l(z_l),    l = 1..L

with z_L = cos(W_L, a_{L-1}) where the loss is one of cosines (gfopt.cosine).

Shapes: R replicas, N samples, n_l units in layer l. Columns are samples. x is (n_0, N), one copy
for all replicas, stored with a sample's features side by side; z_l and a_l are (R, n_l, N). Where
each replica has inputs of its own (mini-batches; hidden layers that are frozen) x is (R, n_0, N),
and y (R, n_L, N) where its targets are its own too.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from gfopt.cosine import cosine_slope, cosines

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from gfopt.activations import Activation
    from gfopt.losses import Loss

MEMORY = 2**30  # bytes that the activations of a population may take, unless --memory says else
_IN_CACHE = 2**22  # bytes up to which chunks keep to a processor's caches and its allocator's heap

Kind = TypeVar("Kind", bound="DenseProblem")
State = dict[str, "Tensor"]  # every tensor (R, ...): "W1", "b1", ..., then lr, counters, memory


class Pass(NamedTuple):
    """One forward pass: z_l and a_l for l = 0..L; z_0 = a_0 = x and a_L are the outputs."""

    z: list[Tensor]
    a: list[Tensor]

    def keep(self, rows: Tensor) -> Pass:
        """The pass of some of the replicas."""
        z, a = ([_own(layer, rows) for layer in part] for part in self)
        return Pass(z, a)


class Watcher(Protocol):
    """Who counts the passes that a problem makes: a tally owned by the engine."""

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
    fresh: Callable[[int, int], State] | None = None  # (seed, count) -> starts (count, ...)

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
        """The inputs. A rule that reads them makes passes of its own: they are not counted."""
        if self.watcher:
            self.watcher.uncounted()
        return self.inputs

    @property
    def y(self) -> Tensor:
        """The targets: class indicators or values, (n_L, N)."""
        return self.targets

    def forward(self, params: State, given: Pass | None = None, first: int = 1) -> Pass:
        """The pass at these parameters, from layer `first` on; the layers below are `given`'s."""
        below = given or Pass([self.inputs], [self.inputs])
        z, a = below.z[:first], below.a[:first]
        for l in range(first, self.depth + 1):
            z.append(self._pre_activations(params, l, a[-1]))
            a.append(self._activate(l, z[-1]))
        made = Pass(z, a)
        if self.watcher:
            self.watcher.forward(len(params["W1"]), self.samples, first, made)
        return made

    def gradient(self, params: State, at: Pass | None = None, last: int = 1) -> State:
        """dJ/dW_l (R, n_l, n_{l-1}) and dJ/db_l (R, n_l, 1) for l = L..last, keyed as they are.

        `at` is the pass at these parameters, made here if it isn't given. With delta_l = dJ/dz_l
        (1/N included), the chain rule through z_{l+1} = W_{l+1} f_l(z_l) + b_{l+1} gives
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
        """The loss of each replica, (R,)."""
        return self.loss.value(at.z[-1], self.targets)

    def population_losses(self, members: State) -> Tensor:
        """The loss of every member of each replica's population, (R, P), on the same samples.

        The parameters are (R, P, ...). They are evaluated in chunks whose activations take at most
        `memory` bytes: chunks by shapes alone, so that the same run gives the same bits.
        """
        import torch

        replicas, count = members["W1"].shape[:2]
        limit = min(self.memory, _IN_CACHE) if self.inputs.device.type == "cpu" else self.memory
        size = max(1, limit // (replicas * self._bytes_of_a_pass(members)))
        chunks = [
            self._member_losses({key: p[:, i : i + size] for key, p in members.items()})
            for i in range(0, count, size)
        ]
        self.charge(count * self.samples)
        return torch.cat(chunks, 1)

    def charge(self, passes: float) -> None:
        """Count forward sample-passes that a rule made by means of its own, per replica.

        A rule that says what it costs reads `inputs` and `targets`; `x` stands for passes that
        nobody counts.
        """
        if self.watcher:
            self.watcher.charge(passes)

    def on(self, samples: Tensor) -> DenseProblem:
        """The problem on a mini-batch: samples (R, n) are each replica's own sample numbers."""
        x, y = (_taken(t.mT, samples).mT for t in (self.inputs, self.targets))
        return replace(self, inputs=x, targets=y)

    def of(self, rows: Tensor | slice) -> DenseProblem:
        """The problem of some of the replicas: itself where all have the same samples."""
        x, y = (_own(t, rows) for t in (self.inputs, self.targets))
        return self if x is self.inputs else replace(self, inputs=x, targets=y)

    def watched(self, watcher: Watcher) -> DenseProblem:
        """The same problem, whose passes the watcher counts."""
        return replace(self, watcher=watcher)

    def _bytes_of_a_pass(self, params: State) -> int:
        """What z_l and a_l of one member take, l = 1..L."""
        units = sum(params[f"W{l}"].shape[-2] for l in range(1, self.depth + 1))
        return 2 * units * self.samples * self.inputs.element_size()

    def _member_losses(self, members: State) -> Tensor:
        """Losses (R, P) of members (R, P, ...), their activations thrown away layer by layer."""
        a, y = (t[:, None] if t.ndim == 3 else t for t in (self.inputs, self.targets))
        for l in range(1, self.depth):
            a = self.hidden[l - 1].value(_affine(members, l, a))
        return self.loss.value(self._pre_activations(members, self.depth, a), y)

    def _pre_activations(self, params: State, l: int, a: Tensor) -> Tensor:
        """z_l from a_{l-1}."""
        return cosines(params[f"W{l}"], a) if self._has_cosines(l) else _affine(params, l, a)

    def _has_cosines(self, l: int) -> bool:
        return l == self.depth and self.loss.cosine

    def _activate(self, l: int, z: Tensor) -> Tensor:
        return self.hidden[l - 1].value(z) if l < self.depth else self.loss.activate(z)


def _own(tensor: Tensor, rows: Tensor | slice) -> Tensor:
    """Those of some of the replicas; what all share, without a dimension for them, stays."""
    return tensor[rows] if tensor.ndim == 3 else tensor


def _taken(rows: Tensor, samples: Tensor) -> Tensor:
    """The rows of (N, d), or of (R, N, d), that each replica has in samples (R, n)."""
    return rows[samples] if rows.ndim == 2 else rows.take_along_dim(samples[..., None], 1)


def _affine(params: State, l: int, a: Tensor) -> Tensor:
    """z_l = W_l a_{l-1} + b_l; an output layer may lack the bias."""
    z = params[f"W{l}"] @ a
    return z.add_(params[f"b{l}"]) if f"b{l}" in params else z


def is_parameter(key: str) -> bool:
    """Whether a key of the state names a parameter: W1, b1, ..., as opposed to a rule's memory."""
    return key[0] in "Wb" and key[1:].isdigit()


def in_order(state: State) -> list[str]:
    """The parameters' keys as W1, b1, W2, ..., whatever the order of the dict."""
    return sorted(parameters(state), key=lambda key: (int(key[1:]), key[0]))


def made_into(kind: type[Kind], problem: DenseProblem, **more: Any) -> Kind:
    """The problem as one of a subclass, whose own fields are `more`."""
    return kind(**{f.name: getattr(problem, f.name) for f in fields(DenseProblem)}, **more)


def parameters(state: State) -> State:
    """The parameters among a state's tensors."""
    return {key: tensor for key, tensor in state.items() if is_parameter(key)}


def descend(state: State, gradient: State) -> State:
    """The state after w <- w - lr dJ/dw for each key of the gradient; lr is (R,)."""
    lr = state["lr"][:, None, None]
    return state | {key: state[key] - lr * slope for key, slope in gradient.items()}
