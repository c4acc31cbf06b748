"""The optimizer as the training loop sees it, and a base for optimizers that wrap another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.model.dense import DenseProblem, Pass
    from gfopt.model.state import State
    from gfopt.numerics.draw import Draw


class Trainable(Protocol):
    """What the training loop calls; gfopt.optimizers.base documents each part."""

    @property
    def wants_pass(self) -> bool: ...

    @property
    def gradient_free(self) -> bool: ...

    @property
    def once(self) -> bool: ...

    @property
    def batches_seeds(self) -> bool: ...

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State: ...

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State: ...

    def outputs(self, problem: DenseProblem, state: State) -> Tensor: ...

    def done(self, state: State) -> Tensor | None: ...

    def stage(self, state: State) -> Tensor | None: ...

    def weights(self, state: State) -> State: ...

    def notes(self, state: State) -> list[str]: ...


class Wrapper:
    """An optimizer that passes everything on to an inner one; subclasses override parts."""

    def __init__(self, inner: Trainable) -> None:
        self.inner = inner
        self.wants_pass = inner.wants_pass
        self.gradient_free = inner.gradient_free
        self.once = inner.once
        self.batches_seeds = inner.batches_seeds

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The inner optimizer's first state."""
        return self.inner.init(problem, params, draw)

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """One update of the inner optimizer."""
        return self.inner.step(problem, state, at)

    def outputs(self, problem: DenseProblem, state: State) -> Tensor:
        """The inner optimizer's z_L (R, n_L, N)."""
        return self.inner.outputs(problem, state)

    def done(self, state: State) -> Tensor | None:
        """Which seeds the inner optimizer has ended, (R,)."""
        return self.inner.done(state)

    def stage(self, state: State) -> Tensor | None:
        """The inner optimizer's stage, (R,)."""
        return self.inner.stage(state)

    def weights(self, state: State) -> State:
        """The inner optimizer's weights."""
        return self.inner.weights(state)

    def notes(self, state: State) -> list[str]:
        """The inner optimizer's notes."""
        return self.inner.notes(state)
