"""Evolution strategy: members spread around the weights vote, by reward, on where to go.

A generation, with w all D parameters as one vector and M members:
    N_j ~ N(0, I_D),    R_j = reward of w + sigma N_j,    j = 1..M, all on the same samples
    A_j = (R_j - mean R) / std R                          standardised; the population std
    A_j = (members it beats - members that beat it) / (2 (M - 1))        centred_ranks
    g = 1/(M sigma) sum_j A_j N_j - weight_decay w,       w <- w + lr inner(g)
The reward is -loss or 1/loss; inner(g) is g, momentum's running sum V <- momentum V + g, or Adam's
step, biases corrected as in torch.optim.Adam. Antithetic: the second half of the members has the
noise of the first with the other sign. After a generation sigma and lr decay by their factors.

A member whose loss is not finite gets the worst finite reward of its generation. If all rewards are
equal, neither the weights nor the inner memory change; the report says how often. Cost per
generation: M forward passes, and memory for M D numbers.

Source: "How to train neural networks without gradient descent" (a post: its constants are the
defaults, its reward is 1/NMSE); Salimans et al., "Evolution strategies as a scalable alternative to
reinforcement learning", arXiv 1703.03864 (2017): pairs, ranks, Adam, there without the 1/sigma.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from gfopt.model.state import sort_parameters
from gfopt.optimizers.base import Optimizer, optimizers
from gfopt.options import Fraction, NonNegative, Positive
from gfopt.search_space import Range, Space

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.model.dense import DenseProblem, Pass
    from gfopt.model.state import State
    from gfopt.numerics.draw import Draw

LEAST_LOSS = 1e-100  # smaller losses count as this, so that 1/loss and its square stay finite

Factor = Annotated[float, Field(gt=0, le=1)]
Members = Annotated[int, Field(ge=2)]


@optimizers.register("evolution_strategy")
class EvolutionStrategy(Optimizer):
    """Options of the evolution strategy."""

    lr: Annotated[Positive, Field(description="length of a step in units of inner(g)")] = 1e-4
    members: Annotated[Members, Field(description="M, members of a generation")] = 100
    sigma: Annotated[Positive, Field(description="standard deviation of the members")] = 0.01
    antithetic: Annotated[
        bool, Field(description="members in pairs of opposite noise; M must be even")
    ] = False
    reward: Annotated[
        Literal["negative_loss", "inverse_loss"],
        Field(description="negative_loss: -loss; inverse_loss: 1/loss, as in the post"),
    ] = "negative_loss"
    shaping: Annotated[
        Literal["standardised", "centred_ranks"],
        Field(description="how the weights A_j follow from the rewards"),
    ] = "standardised"
    inner: Annotated[
        Literal["sgd", "momentum", "adam"],
        Field(description="optimizer that turns the estimate into a step"),
    ] = "sgd"
    momentum: Annotated[Fraction, Field(description="share of V that is kept (momentum)")] = 0.9
    betas: Annotated[
        tuple[Fraction, Fraction], Field(description="decay of both moments (adam)")
    ] = (0.9, 0.999)
    eps: Annotated[Positive, Field(description="added to the denominator (adam)")] = 1e-8
    weight_decay: Annotated[
        NonNegative, Field(description="multiple of w that is subtracted from g")
    ] = 0.0
    sigma_decay: Annotated[Factor, Field(description="factor of sigma per generation")] = 1.0
    lr_decay: Annotated[Factor, Field(description="factor of lr per generation")] = 1.0

    wants_pass: ClassVar[bool] = False
    gradient_free: ClassVar[bool] = True
    space: ClassVar[Space] = {"lr": Range(1e-5, 1.0), "sigma": Range(1e-3, 1.0)}

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The parameters, lr, sigma, the noise's seed and counter, and inner memory (R, D)."""
        memory = {"sgd": (), "momentum": ("velocity",), "adam": ("mean", "square")}[self.inner]
        seed, flat = draw.seed(), _flatten(params)
        return (
            params
            | {"lr": draw.full(self.lr), "sigma": draw.full(self.sigma), "seed": seed}
            | {key: seed.new_zeros(seed.shape) for key in ("generation", "skipped")}
            | {key: flat.new_zeros(flat.shape) for key in memory}
        )

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """One generation, in every seed."""
        w, sigma = _flatten(state), state["sigma"][:, None]
        noise = self._noise(state, w)
        losses = problem.population_losses(_unflatten(w[:, None] + sigma[..., None] * noise, state))
        rewards = self.rewards(losses)
        differ = rewards.amax(1) > rewards.amin(1)  # else no step
        g = estimate(self.shape_rewards(rewards), noise, sigma) - self.weight_decay * w
        counters = {"generation": state["generation"] + 1, "skipped": state["skipped"] + ~differ}
        rates = {"lr": state["lr"] * self.lr_decay, "sigma": state["sigma"] * self.sigma_decay}
        return state | self._move(state, w, g, differ) | counters | rates

    def rewards(self, losses: Tensor) -> Tensor:
        """The reward of each member (R, M) in float64; all equal if no loss is finite."""
        losses = losses.double()
        rewards = -losses if self.reward == "negative_loss" else 1 / losses.clamp(min=LEAST_LOSS)
        worst = rewards.where(losses.isfinite(), float("inf")).amin(1, keepdim=True)
        return rewards.where(losses.isfinite(), worst)

    def shape_rewards(self, rewards: Tensor) -> Tensor:
        """The weights A_j of the members, (R, M)."""
        return standardise(rewards) if self.shaping == "standardised" else centred_ranks(rewards)

    def notes(self, state: State) -> list[str]:
        """The number of generations without a step."""
        skipped, generations = int(state["skipped"]), int(state["generation"])
        if not skipped:
            return []
        return [f"no step in {skipped} of {generations} generations: all rewards were equal."]

    def passes_of_an_epoch(self, widths: tuple[int, ...]) -> float:
        """One for each member."""
        return self.members

    def check(self, depth: int) -> None:
        """Pairs need an even number of members. Options of another inner optimizer are errors."""
        if self.antithetic and self.members % 2:
            raise ValueError(f"members: antithetic pairs need an even number (got {self.members})")
        for option, inner in (("momentum", "momentum"), ("betas", "adam"), ("eps", "adam")):
            given = getattr(self, option) != type(self).model_fields[option].default
            if given and self.inner != inner:
                raise ValueError(f"{option}: only for inner: {inner} (got inner: {self.inner})")

    def _noise(self, state: State, w: Tensor) -> Tensor:
        """The noise N, (R, M, D)."""
        import torch

        from gfopt.numerics.noise import noise

        drawn = self.members // 2 if self.antithetic else self.members
        like = w.new_empty(len(w), drawn, w.shape[1])
        N = noise(state["seed"], state["generation"], like)
        return torch.cat([N, -N], 1) if self.antithetic else N

    def _move(self, state: State, w: Tensor, g: Tensor, differ: Tensor) -> State:
        """Parameters and memory after a step along g; unchanged in seeds with equal rewards."""
        direction, memory = self._inner(g, state)
        before, after = state | {"w": w}, memory | {"w": w + state["lr"][:, None] * direction}
        kept = {k: t.where(differ[:, None], before[k]) for k, t in after.items()}
        return {k: p.clone() for k, p in _unflatten(kept.pop("w"), state).items()} | kept

    def _inner(self, g: Tensor, state: State) -> tuple[Tensor, State]:
        """inner(g), (R, D), and the memory after it."""
        if self.inner == "sgd":
            return g, {}
        if self.inner == "momentum":
            velocity = self.momentum * state["velocity"] + g
            return velocity, {"velocity": velocity}
        (one, two), t = self.betas, (state["generation"] - state["skipped"])[:, None].double() + 1
        mean = one * state["mean"] + (1 - one) * g
        square = two * state["square"] + (1 - two) * g * g
        step = (mean / (1 - one**t)) / ((square / (1 - two**t)).sqrt() + self.eps)
        return step.to(g.dtype), {"mean": mean, "square": square}


def standardise(rewards: Tensor) -> Tensor:
    """(R - mean)/std over the members (R, M), by the population's std; NaN if all are equal."""
    spread = rewards.std(1, correction=0, keepdim=True)
    return (rewards - rewards.mean(1, keepdim=True)) / spread


def centred_ranks(rewards: Tensor) -> Tensor:
    """rank/(M - 1) - 1/2 of each member (R, M). Equals share their mean rank; the sum is 0."""
    import torch

    ordered, members = rewards.sort(1).values, rewards.shape[1]
    below = torch.searchsorted(ordered, rewards)
    up_to = torch.searchsorted(ordered, rewards, right=True)
    return (below + up_to - members).to(rewards.dtype) / (2 * (members - 1))


def estimate(weights: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
    """1/(M sigma) sum_j A_j N_j, (R, D), from A (R, M), N (R, M, D) and sigma (R, 1)."""
    summed = weights.to(noise.dtype)[:, None] @ noise
    return summed[:, 0] / (noise.shape[1] * sigma)


def _flatten(state: State) -> Tensor:
    """All parameters of each seed as one vector, (R, D)."""
    import torch

    return torch.cat([state[key].flatten(1) for key in sort_parameters(state)], 1)


def _unflatten(flat: Tensor, like: State) -> State:
    """The vectors (..., D) as parameters (..., n_l, n_{l-1}) and (..., n_l, 1)."""
    keys = sort_parameters(like)
    parts = flat.split_with_sizes([like[key][0].numel() for key in keys], -1)
    cut = zip(keys, parts, strict=True)
    return {key: part.view(*flat.shape[:-1], *like[key].shape[1:]) for key, part in cut}
