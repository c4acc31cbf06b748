"""What tests of the evolution strategy share: given losses, its noise and estimate once more."""

from __future__ import annotations

import numpy as np
import torch

from gfopt.numerics.noise import noise

KEYS = ["W1", "b1", "W2", "b2", "W3", "b3"]  # the order of the vector


def vector(state):
    """All parameters of each seed in the order of the vector, (R, D)."""
    return torch.cat([state[key].flatten(1) for key in KEYS if key in state], 1)


class Given:
    """A problem whose losses are given; it remembers the members it was asked about."""

    def __init__(self, losses):
        self.losses = torch.as_tensor(losses, dtype=torch.float64)

    def population_losses(self, members):
        self.members = members
        return self.losses


def begin(optimizer, tiny, seeds=(1,)):
    """The optimizer's first state."""
    return optimizer.init(tiny.problem, tiny.initial_weights(seeds), tiny.draw(seeds))


def own_noise(state, members):
    """The noise of the generation that is due, drawn once more, (R, M, D)."""
    w = vector(state)
    like = w.new_empty(len(w), members, w.shape[1])
    return noise(state["seed"], state["generation"], like)


def own_estimate(state, problem, optimizer):
    """The standardised estimate (D,) of one seed, from the equations, member by member."""
    drawn, w = own_noise(state, optimizer.members)[0], vector(state)[0]
    rewards = []
    for j in range(optimizer.members):
        parts = iter((w + optimizer.sigma * drawn[j]).split([state[k].numel() for k in KEYS]))
        member = {key: next(parts).view(state[key].shape) for key in KEYS}
        rewards.append(-float(problem.losses(problem.forward(member))))
    weights = (rewards - np.mean(rewards)) / np.std(rewards)
    summed = sum(a * n for a, n in zip(weights.tolist(), drawn, strict=True))
    return summed / (optimizer.members * optimizer.sigma)
