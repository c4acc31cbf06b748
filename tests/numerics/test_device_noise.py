"""Noise by tensor operations: the bits are NumPy's, the normals the host's but for rounding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gfopt.numerics import device_noise, streams
from gfopt.numerics.noise import noise
from gfopt.numerics.streams import Stream

SEEDS = [0, 1, 7, 2**32 - 1, 2**32, 2**33 + 5, 2**62 + 3, 2**63 - 1]
STEPS = [0, 3, 2**31, 2**32, 2**40 + 1, 1, 2, 2**63 - 1]


def drawn(count, seeds=SEEDS, steps=STEPS, member=0, stream=Stream.NOISE):
    seeds, steps = torch.tensor(seeds), torch.tensor(steps)
    return device_noise.raw_bits(seeds, stream, count, member, steps).numpy().view(np.uint64)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 11, 1000, 1003])
@pytest.mark.parametrize("member", [0, 1, 99, 2**32 + 1, 2**63 - 1])
def test_bits_are_those_of_numpy_of_every_seed(count, member):
    expected = [
        streams.raw_bits(seed, Stream.NOISE, count, member, step)
        for seed, step in zip(SEEDS, STEPS, strict=True)
    ]
    assert np.array_equal(drawn(count, member=member), np.stack(expected))


words = st.integers(0, 2**63 - 1)


@given(words, words, words, st.sampled_from(Stream), st.integers(1, 40))
def test_bits_are_those_of_numpy_for_any_seed_step_member_and_stream(
    seed, step, member, stream, count
):
    expected = streams.raw_bits(seed, stream, count, member, step)
    assert np.array_equal(drawn(count, [seed], [step], member, stream)[0], expected)


@pytest.mark.parametrize("shape", [(1,), (2,), (3, 5), (4, 6), (1001,), (1002,)])
@pytest.mark.parametrize("member", [0, 12])
def test_noise_is_that_of_the_host_but_for_rounding(shape, member):
    seeds, steps = torch.tensor(SEEDS), torch.tensor(STEPS)
    like = torch.zeros(len(SEEDS), *shape, dtype=torch.float64)
    found = device_noise.noise(seeds, steps, like, member)
    expected = noise(seeds, steps, like, member)
    torch.testing.assert_close(found, expected, rtol=1e-14, atol=0)


def test_noise_in_single_precision_is_the_rounded_noise():
    seeds, steps = torch.tensor([1, 2]), torch.tensor([5, 6])
    single = device_noise.noise(seeds, steps, torch.zeros(2, 3, 7))
    double = device_noise.noise(seeds, steps, torch.zeros(2, 3, 7, dtype=torch.float64))
    assert single.dtype == torch.float32
    assert torch.equal(single, double.float())


def test_noise_of_a_seed_is_the_same_alone_and_among_others():
    seeds, steps = torch.tensor([4, 7]), torch.tensor([2, 9])
    like = torch.zeros(2, 3, 5, dtype=torch.float64)
    both = device_noise.noise(seeds, steps, like)
    alone = device_noise.noise(seeds[1:], steps[1:], like[1:])
    assert torch.equal(both[1:], alone)


def test_neither_seeds_nor_steps_are_changed():
    seeds, steps = torch.tensor([4, 7]), torch.tensor([2, 9])
    device_noise.noise(seeds, steps, torch.zeros(2, 3))
    assert (seeds.tolist(), steps.tolist()) == ([4, 7], [2, 9])


@pytest.mark.cuda
def test_the_gpu_draws_the_same_bits_and_captures_them():
    seeds, steps = torch.tensor(SEEDS).cuda(), torch.tensor(STEPS).cuda()
    bits = device_noise.raw_bits(seeds, Stream.NOISE, 1003, 5, steps)
    assert np.array_equal(bits.cpu().numpy().view(np.uint64), drawn(1003, member=5))
    like = torch.zeros(len(SEEDS), 1003, dtype=torch.float64, device="cuda")
    expected = device_noise.noise(seeds, steps, like)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = device_noise.noise(seeds, steps, like)
    graph.replay()
    assert torch.equal(found, expected)
    host = noise(seeds, steps, like)
    torch.testing.assert_close(found, host, rtol=1e-13, atol=1e-15)
