"""Position-wise descent: the output layer learns first, then each layer below joins in turn.

An epoch has L stages. Stage k = 1..L works on the top k layers alone:

    W_l <- W_l - lr dJ/dW_l,    b_l <- b_l - lr dJ/db_l,    l = L-k+1..L,

with the derivative of the loss as it stands after stage k-1; then the layers that moved, and no
others, are evaluated again. So layer l takes l steps per epoch: the first layer one, the output
layer L. Cost per epoch: L(L+1)/2 layer evaluations forward and as many backward.

Source: "Position-wise optimizer: A nature-inspired optimization algorithm",
https://doi.org/10.48550/arXiv.2204.05312 and the code its author published with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from gfopt.model.state import descend
from gfopt.optimizers.base import Optimizer, optimizers
from gfopt.options import Positive
from gfopt.search_space import Range, Space

if TYPE_CHECKING:
    from gfopt.model.dense import DenseProblem, Pass
    from gfopt.model.state import State
    from gfopt.numerics.draw import Draw


@optimizers.register("position_wise")
class PositionWise(Optimizer):
    """Options of position-wise descent."""

    lr: Annotated[
        Positive, Field(description="length of a step in units of the gradient, in every stage")
    ] = 0.1

    space: ClassVar[Space] = {"lr": Range(1e-4, 10.0)}

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The parameters and lr. The stages of an epoch keep no memory."""
        return params | {"lr": draw.full(self.lr)}

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """L stages, each one step of layers lowest..L, in every seed."""
        for lowest in range(problem.depth, 0, -1):
            state = descend(state, problem.gradient(state, at, last=lowest))
            if lowest > 1:  # the engine makes the pass after the last stage, for the next epoch
                at = problem.forward(state, at, first=lowest)
        return state

    def updates_of_layers(self, depth: int) -> tuple[int, ...]:
        """Layer l takes l steps."""
        return tuple(range(1, depth + 1))
