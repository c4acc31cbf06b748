"""Gradient descent: all layers take one step per update along one backward pass.

    V_l <- momentum V_l + dJ/dW_l,    W_l <- W_l - lr m_l V_l,    l = 1..L,  biases likewise,

every derivative taken at the weights the update began with. The multipliers m_l are 1 unless given:
m_l = l is the first-order twin of position_wise, at one backward pass. Cost per update: one forward
and one backward pass.

Source: Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors",
Nature 323, 533-536 (1986), momentum included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from gfopt.model.state import descend
from gfopt.optimizers.base import Optimizer, optimizers
from gfopt.options import Fraction, NonNegative, Positive
from gfopt.search_space import Range, Space

if TYPE_CHECKING:
    from gfopt.model.dense import DenseProblem, Pass
    from gfopt.model.state import State
    from gfopt.numerics.draw import Draw


@optimizers.register("gradient_descent")
class GradientDescent(Optimizer):
    """Options of gradient descent."""

    lr: Annotated[Positive, Field(description="length of a step in units of the gradient")] = 0.1
    momentum: Annotated[Fraction, Field(description="share of the last step that is kept")] = 0.0
    multipliers: Annotated[
        tuple[NonNegative, ...] | None, Field(description="m_1..m_L, one per layer; default all 1")
    ] = None

    space: ClassVar[Space] = {"lr": Range(1e-4, 10.0)}

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The parameters and lr; velocities V_l = 0 if there is momentum."""
        velocity = {f"{key}.velocity": p.new_zeros(p.shape) for key, p in params.items()}
        return params | {"lr": draw.full(self.lr)} | (velocity if self.momentum else {})

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """One step of every layer, in every seed."""
        direction = problem.gradient(state, at)
        if self.momentum:
            direction = {
                k: self.momentum * state[f"{k}.velocity"] + g for k, g in direction.items()
            }
            state = state | {f"{key}.velocity": v for key, v in direction.items()}
        return descend(state, self._multiply(direction))

    def check(self, depth: int) -> None:
        """One multiplier per layer."""
        if self.multipliers is not None and len(self.multipliers) != depth:
            raise ValueError(
                f"multipliers: {depth} layers need {depth} numbers (got {len(self.multipliers)})"
            )

    def _multiply(self, direction: State) -> State:
        """m_l times the direction of layer l."""
        if self.multipliers is None:
            return direction
        return {key: self.multipliers[int(key[1:]) - 1] * d for key, d in direction.items()}
