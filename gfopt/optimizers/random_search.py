"""Random search: fresh starts, of which the best one so far is kept.

    theta_1, ..., theta_P drawn by the network's own initializer, independent of all before,
    theta <- the theta_p of the lowest loss,    if that is lower than the loss of theta.

At first theta is the start that every rule has. Nothing is learnt from one draw for the next: given
as many evaluations, this is the floor in skill for whatever calls itself a search. A loss that is
not finite never wins, nor does a tie against theta.

theta's own loss is kept from step to step; on mini-batches, whose losses don't compare, it is
evaluated anew on each batch. Cost per step: P forward passes, one more on mini-batches and in the
first step.

Source: Brooks, "A discussion of random methods for seeking maxima", Operations Research 6, 244-251
(1958), its random method; the domain it samples is here the initializer's distribution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from gfopt.optimizers.base import Optimizer, optimizers
from gfopt.options import Count
from gfopt.problem import parameters
from gfopt.rng import fresh_seed

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.problem import DenseProblem, Pass, State
    from gfopt.rng import Draw


@optimizers.register("random_search")
class RandomSearch(Optimizer):
    """Options of random search."""

    members: Annotated[Count, Field(description="P, fresh starts that a step evaluates")] = 100

    wants_pass: ClassVar[bool] = False
    gradient_free: ClassVar[bool] = True

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The start, its loss not known yet (NaN), the seed and the number of the next step."""
        seed = draw.seed()
        return params | {"loss": draw.full(float("nan")), "seed": seed, "step": seed * 0}

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """P draws in every replica; the best of them takes over where it beats the best so far."""
        import torch

        drawn, losses = self._draws(problem, state)
        known = self._known(problem, state)
        lowest, winner = losses.min(1)
        better, replicas = lowest < known, torch.arange(len(known), device=known.device)
        best = {
            key: torch.where(better[:, None, None], drawn[key][replicas, winner], p)
            for key, p in parameters(state).items()
        }
        return state | best | {"loss": torch.minimum(lowest, known), "step": state["step"] + 1}

    def passes_of_an_epoch(self, widths: tuple[int, ...]) -> float:
        """One a member."""
        return self.members

    def _draws(self, problem: DenseProblem, state: State) -> tuple[State, Tensor]:
        """The members of this step (R, P, ...) and their losses (R, P)."""
        import torch

        assert problem.fresh
        places = zip(state["seed"].tolist(), state["step"].tolist(), strict=True)
        drawn = [problem.fresh(fresh_seed(seed, step), self.members) for seed, step in places]
        members = {key: torch.stack([one[key] for one in drawn]) for key in parameters(state)}
        return members, _hopeless_if_not_finite(problem.population_losses(members))

    def _known(self, problem: DenseProblem, state: State) -> Tensor:
        """The loss of the best so far (R,), evaluated where the kept one doesn't hold."""
        own_samples = problem.targets.ndim == 3
        if not own_samples and not state["loss"].isnan().any():
            return state["loss"]
        best = {key: p[:, None] for key, p in parameters(state).items()}
        return _hopeless_if_not_finite(problem.population_losses(best))[:, 0]


def _hopeless_if_not_finite(losses: Tensor) -> Tensor:
    """The losses, infinite where they are no numbers or beyond all: these never win."""
    return losses.where(losses.isfinite(), float("inf"))
