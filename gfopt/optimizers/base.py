"""What an optimizer is: frozen options and two pure functions over a flat state of tensors."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from gfopt.options import Options
from gfopt.registry import Registry
from gfopt.space import Space

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.problem import DenseProblem, Pass, State
    from gfopt.rng import Draw

optimizers: Registry[type[Optimizer]] = Registry("optimizer", "gfopt.optimizers")


class Optimizer(Options):
    """A training rule: one update. The engine owns epochs, batches, readings and the clock.

    The state is a flat dict of tensors, each with a leading replica dimension: the parameters "W1",
    "b1", ..., then lr, counters and memory. Both functions return a new state and leave the given
    one as it was.
    """

    takes: ClassVar[Literal["full", "batch"]] = "batch"  # full: no mini-batches
    wants_pass: ClassVar[bool] = True  # False: the reading's pass is no use to it, nor its cost
    gradient_free: ClassVar[bool] = False  # True: no backward pass is an honest count
    trains: ClassVar[Literal["all", "output"]] = "all"  # output: hidden layers keep their start
    once: ClassVar[bool] = False  # True: a closed form, done with its first step
    # True: a layer's update is made of the layer's weights, input and output and of the network's
    # error (or target), whatever the layers above it are: `gfopt check` tries that
    local: ClassVar[bool] = False
    affine_output: ClassVar[bool] = False  # True: makes z_L = W a + b itself, so no cosines
    batches_seeds: ClassVar[bool] = True  # False: one replica at a time
    deferred: ClassVar[bool] = False  # True: `check` needs torch, so it waits until a run is due
    space: ClassVar[Space] = {}  # what `gfopt tune` may choose; empty: nothing

    @abstractmethod
    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The state to start from."""

    @abstractmethod
    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """One update, generation or sweep on the problem given; `at`: the pass at this state."""

    def outputs(self, problem: DenseProblem, state: State) -> Tensor:
        """The last pre-activations z_L (R, n_L, N): few rules have other than the dense pass's."""
        return problem.forward(state).z[-1]

    def done(self, state: State) -> Tensor | None:
        """(R,) bool: which replicas the rule itself has ended; None: none ever."""
        return None

    def stage(self, state: State) -> Tensor | None:
        """(R,) which of the rule's stages made this state, from 1; None: it has none."""
        return None

    def weights(self, state: State) -> State:
        """What is saved of a state: the network's parameters W1, b1, ..., where it has some."""
        from gfopt.problem import parameters

        return parameters(state) or state

    def parts(self) -> list[Optimizer]:
        """The rules that this one is made of: their source counts as its own."""
        return []

    def family(self) -> list[Optimizer]:
        """The rule itself and its parts."""
        return [self, *self.parts()]

    def remarks(self) -> list[str]:
        """Sentences that belong under a table with this rule: what its name doesn't say."""
        return []

    def notes(self, state: State) -> list[str]:
        """Sentences on how one run (R = 1) went, from its last state: for under the table too."""
        return []

    def updates_of_layers(self, depth: int) -> tuple[int, ...]:
        """How often one update moves each layer, l = 1..L: what controls multiply rates by."""
        return (1,) * depth

    def passes_of_an_epoch(self, widths: tuple[int, ...]) -> float:
        """Forward passes over the samples that an epoch takes, for widths n_0, ..., n_L."""
        return 1.0

    def check(self, depth: int) -> None:
        """Raise ValueError("option: reason") where options don't fit a network of this depth."""
