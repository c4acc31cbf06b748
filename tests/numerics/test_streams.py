"""Counter-based numbers: the published Philox, and the same numbers wherever they are drawn."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gfopt.numerics.noise import noise
from gfopt.numerics.streams import Stream, normal, order, raw_bits

MASK = 2**64 - 1


def philox(counter, key):
    """Philox-4x64-10 in plain Python, from the paper's definition."""
    c, k = list(counter), list(key)
    for _ in range(10):
        one, two = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
        c = [(two >> 64) ^ c[1] ^ k[0], two & MASK, (one >> 64) ^ c[3] ^ k[1], one & MASK]
        k = [(k[0] + 0x9E3779B97F4A7C15) & MASK, (k[1] + 0xBB67AE8584CAA73B) & MASK]
    return c


@given(st.integers(0, 2**32), st.sampled_from(Stream), st.integers(0, 2**40), st.integers(0, 2**40))
def test_raw_bits_are_philox_with_the_counters_in_the_upper_words(seed, stream, member, step):
    found = raw_bits(seed, stream, 8, member, step).tolist()
    assert found == [
        *philox((1, member, step, 0), (seed, stream)),
        *philox((2, member, step, 0), (seed, stream)),
    ]


@given(st.integers(0, 1000), st.integers(0, 50), st.integers(1, 300))
def test_an_order_is_a_permutation(seed, epoch, samples):
    assert sorted(order(seed, epoch, samples).tolist()) == list(range(samples))


def test_orders_differ_between_epochs_and_seeds():
    orders = [order(s, e, 50).tolist() for s in (1, 2) for e in (0, 1)]
    assert len({tuple(o) for o in orders}) == 4


def test_noise_is_standard_normal():
    drawn = normal(3, 5, 0, 20000)
    assert stats.kstest(drawn, "norm").pvalue > 0.01


def test_noise_of_a_replica_is_the_same_alone_and_among_others():
    seeds, steps = torch.tensor([4, 7]), torch.tensor([2, 2])
    like = torch.zeros(2, 3, 5, dtype=torch.float64)
    both, alone = noise(seeds, steps, like), noise(seeds[1:], steps[1:], like[1:])
    assert torch.equal(both[1:], alone)


def test_noise_differs_by_seed_step_and_member():
    drawn = [normal(s, t, m, 4) for s, t, m in ((1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1))]
    assert len({tuple(d) for d in drawn}) == 4


def test_a_longer_draw_of_orders_does_not_depend_on_the_global_generator():
    np.random.seed(0)
    one = order(1, 1, 10)
    np.random.seed(1)
    assert np.array_equal(one, order(1, 1, 10))
