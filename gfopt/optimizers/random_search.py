"""Random search: draws new initial weights and keeps the best so far.

    theta_1, ..., theta_P drawn by the network's own initializer, independent of all before,
    theta <- the theta_p of the lowest loss,    if that is lower than the loss of theta.

At first theta is the initial weights that every optimizer gets. No draw depends on an earlier one:
with as many evaluations, a search should do better than this. A loss that is not finite never wins;
theta wins ties.

theta's own loss is kept from step to step; on mini-batches it is evaluated on each batch, since
losses of different batches don't compare.

Cost per step: P forward passes, one more on mini-batches and in the first step.

Source: Brooks, "A discussion of random methods for seeking maxima", Operations Research 6, 244-251
(1958), its random method; here the initializer's distribution is the domain to sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from gfopt.model.state import parameters
from gfopt.numerics.streams import fresh_seed
from gfopt.optimizers.base import Optimizer, optimizers
from gfopt.options import Count

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.model.dense import DenseProblem, Pass
    from gfopt.model.state import State
    from gfopt.numerics.draw import Draw


@optimizers.register("random_search")
class RandomSearch(Optimizer):
    """Options of random search."""

    members: Annotated[Count, Field(description="P, draws that a step evaluates")] = 100

    wants_pass: ClassVar[bool] = False
    gradient_free: ClassVar[bool] = True

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The initial weights, an unknown loss (NaN), the seed and the number of the next step."""
        seed = draw.seed()
        return params | {"loss": draw.full(float("nan")), "seed": seed, "step": seed * 0}

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """P draws in every seed; the best of them replaces theta if its loss is lower."""
        import torch

        drawn, losses = self._draw_members(problem, state)
        known = self._find_best_loss(problem, state)
        lowest, winner = losses.min(1)
        better, seeds = lowest < known, torch.arange(len(known), device=known.device)
        best = {
            key: torch.where(better[:, None, None], drawn[key][seeds, winner], p)
            for key, p in parameters(state).items()
        }
        return state | best | {"loss": torch.minimum(lowest, known), "step": state["step"] + 1}

    def passes_of_an_epoch(self, widths: tuple[int, ...]) -> float:
        """One for each member."""
        return self.members

    def _draw_members(self, problem: DenseProblem, state: State) -> tuple[State, Tensor]:
        """The members of this step (R, P, ...) and their losses (R, P)."""
        import torch

        assert problem.fresh
        places = zip(state["seed"].tolist(), state["step"].tolist(), strict=True)
        drawn = [problem.fresh(fresh_seed(seed, step), self.members) for seed, step in places]
        members = {key: torch.stack([one[key] for one in drawn]) for key in parameters(state)}
        return members, _replace_non_finite(problem.population_losses(members))

    def _find_best_loss(self, problem: DenseProblem, state: State) -> Tensor:
        """The loss of theta (R,), evaluated if it isn't known for these samples."""
        own_samples = problem.targets.ndim == 3
        if not own_samples and not state["loss"].isnan().any():
            return state["loss"]
        best = {key: p[:, None] for key, p in parameters(state).items()}
        return _replace_non_finite(problem.population_losses(best))[:, 0]


def _replace_non_finite(losses: Tensor) -> Tensor:
    """The losses with infinity for NaN and -infinity, so that these never win."""
    return losses.where(losses.isfinite(), float("inf"))
