"""The evolution strategy of the post "How to train neural networks without gradient descent".

Restates its program: a 1-10-10-1 network keeping the negative part of its hidden units, no output
bias, 100 members a generation evaluated one after the other on all samples, in float64. The post
compiles its loops by numba; here the loop over members is Python's, the samples are NumPy's.

The vector w (140,) holds W1 (10, 1), W2 (10, 10), W3 (1, 10), b1, b2, in this order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

MEMBERS, SIGMA, ALPHA = 100, 0.01, 0.0001


class Generation(NamedTuple):
    """What the post prints after a generation, the NMSE at the new w, and that w."""

    nmse: float
    w: Array


def evolution_strategy(
    s: Array, x: Array, w: Array, noise: Callable[[int], Array]
) -> Iterator[Generation]:
    """Yield generation after generation from w (140,), which stays as it is; s and x are (1, N).

    `noise` returns standard normal numbers (100, 140) for a generation's number, from 0. If all
    rewards are equal, w becomes NaN, as in the original.
    """
    generation = 0
    while True:
        N, R = noise(generation), np.zeros(MEMBERS)
        for j in range(MEMBERS):
            R[j] = compute_reward(predict(s, *split(w + SIGMA * N[j])), x)
        A = (R - np.mean(R)) / np.std(R)
        w = w + ALPHA / (MEMBERS * SIGMA) * np.dot(N.T, A)
        yield Generation(float(1 / compute_reward(predict(s, *split(w)), x)), w)
        generation += 1


def split(w: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Return W1, W2, W3, b1 and b2 of a vector."""
    W1, W2, W3 = w[:10].reshape(10, 1), w[10:110].reshape(10, 10), w[110:120].reshape(1, 10)
    return W1, W2, W3, w[120:130].reshape(10, 1), w[130:].reshape(10, 1)


def predict(s: Array, W1: Array, W2: Array, W3: Array, b1: Array, b2: Array) -> Array:
    """Return the network's outputs, (1, N)."""
    h1 = np.dot(W1, s) + b1
    h1 = np.where(h1 < 0, h1, 0)
    h2 = np.dot(W2, h1) + b2
    h2 = np.where(h2 < 0, h2, 0)
    return np.asarray(np.dot(W3, h2))


def compute_reward(out: Array, x: Array) -> np.floating[Any]:
    """1 / NMSE."""
    return np.linalg.norm(x) ** 2 / np.linalg.norm(out - x) ** 2
