"""Random numbers as pure functions of (seed, stream, counters).

A number is the same for one seed or many, in chunks, after a resume and on any device: a stream is
Philox-4x64-10 with key (seed, stream) and the counters in the upper words of its 256-bit
counter (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Only raw bits are
taken from NumPy, whose mapping to normals may change between versions.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gfopt.numerics.array import Array


class Stream(IntEnum):
    """The independent Philox streams of a seed. Initializers have their own generators."""

    ORDER = 1
    NOISE = 2
    FRESH = 3


def raw_bits(seed: int, stream: Stream, count: int, *counters: int) -> Array:
    """`count` uint64 of one stream; at most three counters, each below 2^64."""
    words = [0, *counters, *[0] * (3 - len(counters))]
    key = np.array([seed, stream], dtype=np.uint64)
    return np.asarray(
        np.random.Philox(key=key, counter=np.array(words, dtype=np.uint64)).random_raw(count)
    )


def order(seed: int, epoch: int, samples: int) -> Array:
    """The order of the samples in an epoch, (samples,) int64: a permutation by sorting raw bits."""
    return np.argsort(raw_bits(seed, Stream.ORDER, samples, epoch), kind="stable")


def normal(seed: int, step: int, member: int, size: int) -> Array:
    """Standard normal noise of one population member at one step, (size,) float64; Box-Muller."""
    pairs = (size + 1) // 2
    bits = raw_bits(seed, Stream.NOISE, 2 * pairs, member, step)
    u = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    radius, angle = np.sqrt(-2 * np.log(u[:pairs])), 2 * np.pi * u[pairs:]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:size]


def fresh_seed(seed: int, step: int) -> int:
    """A seed below 2^32 for weights that an optimizer draws at one of its steps."""
    return int(raw_bits(seed, Stream.FRESH, 1, step)[0] >> np.uint64(32))
