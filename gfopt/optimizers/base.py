"""What an optimizer is: frozen options and two pure functions over a flat state of tensors."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from gfopt.options import Options
from gfopt.registry import Registry
from gfopt.search_space import Space

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.model.dense import DenseProblem, Pass
    from gfopt.model.state import State
    from gfopt.numerics.draw import Draw

optimizers: Registry[type[Optimizer]] = Registry("optimizer", "gfopt.optimizers")


class Optimizer(Options):
    """An optimizer makes one update. The engine owns epochs, batches, evaluations and the clock.

    The state is a flat dict of tensors, each with a leading dimension of R seeds: the parameters
    "W1", "b1", ..., then lr, counters and memory. Both functions return a new state and leave the
    given one unchanged.
    """

    takes: ClassVar[Literal["full", "batch"]] = "batch"  # full: no mini-batches
    wants_pass: ClassVar[bool] = True  # False: it doesn't use the evaluation's forward pass
    gradient_free: ClassVar[bool] = False  # True: 0 backward passes is an honest count
    trains: ClassVar[Literal["all", "output"]] = "all"  # output: hidden layers aren't trained
    once: ClassVar[bool] = False  # True: a closed form, finished after its first step
    # True: a layer's update depends on the layer's weights, input and output and on the network's
    # error (or target), and not on the layers above it; `gfopt check` verifies this
    local: ClassVar[bool] = False
    affine_output: ClassVar[bool] = False  # True: computes z_L = W a + b itself, so no cosines
    batches_seeds: ClassVar[bool] = True  # False: seeds can't be vectorized
    deferred: ClassVar[bool] = False  # True: `check` needs torch, so it runs before the first run
    space: ClassVar[Space] = {}  # the search space of `gfopt tune`; empty: nothing to tune

    @abstractmethod
    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The first state, from the initial weights."""

    @abstractmethod
    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """One update, generation or sweep on the given problem; `at` is the pass at this state."""

    def outputs(self, problem: DenseProblem, state: State) -> Tensor:
        """The last pre-activations z_L (R, n_L, N). Few optimizers override the dense pass."""
        return problem.forward(state).z[-1]

    def done(self, state: State) -> Tensor | None:
        """(R,) bool: which seeds the optimizer itself has ended; None if it never ends a seed."""
        return None

    def stage(self, state: State) -> Tensor | None:
        """(R,) the number of the stage that made this state, from 1; None without stages."""
        return None

    def weights(self, state: State) -> State:
        """The part of a state that is saved: W1, b1, ..., or all of it if it has none of them."""
        from gfopt.model.state import parameters

        return parameters(state) or state

    def parts(self) -> list[Optimizer]:
        """The optimizers that this one runs. Their source files count as part of its source."""
        return []

    def family(self) -> list[Optimizer]:
        """The optimizer itself and its parts."""
        return [self, *self.parts()]

    def remarks(self) -> list[str]:
        """Sentences for the report about this optimizer that its name doesn't tell."""
        return []

    def notes(self, state: State) -> list[str]:
        """Sentences for the report about one run (R = 1), from its last state."""
        return []

    def updates_of_layers(self, depth: int) -> tuple[int, ...]:
        """How often one update moves each layer, l = 1..L. Controls multiply rates by it."""
        return (1,) * depth

    def passes_of_an_epoch(self, widths: tuple[int, ...]) -> float:
        """Forward passes over the samples in an epoch, for widths n_0, ..., n_L."""
        return 1.0

    def check(self, depth: int) -> None:
        """Raise ValueError("option: reason") if options don't fit a network of this depth."""
