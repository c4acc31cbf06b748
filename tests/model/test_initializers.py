"""Initializers: the published draws bit for bit, and the distributions that the schemes name."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from gfopt.model.initializers import initializers

WIDTHS = (300, 200, 40, 1)


def draw(scheme, seed=1, **options):
    return initializers[scheme](**options).initial_weights(seed, WIDTHS, output_bias=True)


def test_fan_in_normal_is_what_the_published_program_draws():
    np.random.seed(1)
    expected = [np.random.randn(n, m) / np.sqrt(m) for m, n in pairwise(WIDTHS)]
    found = draw("fan_in_normal")
    assert all(np.array_equal(found[f"W{l}"], w) for l, w in enumerate(expected, 1))
    assert not any(found[f"b{l}"].any() for l in (1, 2, 3))


@pytest.mark.parametrize("scheme", list(initializers))
@pytest.mark.parametrize("stream", ["numpy", "torch"])
def test_a_seed_gives_its_weights_and_no_others(scheme, stream):
    one, again, other = (draw(scheme, seed, stream=stream) for seed in (4, 4, 5))
    assert all(np.array_equal(one[k], again[k]) for k in one)
    assert not np.array_equal(one["W1"], other["W1"])


@pytest.mark.parametrize("scheme", list(initializers))
def test_shapes_are_weights_then_biases_in_float64(scheme):
    found = draw(scheme)
    assert [(k, v.shape, str(v.dtype)) for k, v in found.items()][:2] == [
        ("W1", (200, 300), "float64"),
        ("b1", (200, 1), "float64"),
    ]


@pytest.mark.parametrize(
    ("scheme", "options", "std"),
    [
        ("fan_in_normal", {}, 1 / math.sqrt(300)),
        ("xavier_normal", {}, math.sqrt(2 / 500)),
        ("uniform", {"low": -5.0, "high": 5.0}, 10 / math.sqrt(12)),
        ("normal", {"std": 0.3}, 0.3),
        ("torch", {}, 1 / math.sqrt(3 * 300)),
    ],
)
def test_the_first_layer_has_the_schemes_standard_deviation(scheme, options, std):
    assert draw(scheme, **options)["W1"].std() == pytest.approx(std, rel=0.02)


@pytest.mark.parametrize("scheme", list(initializers))
def test_drawn_biases_are_drawn(scheme):
    assert all(draw(scheme, biases="drawn")[f"b{l}"].any() for l in (1, 2, 3))


def test_uniform_with_the_torch_stream_draws_weight_then_bias_layer_by_layer():
    generator = torch.Generator().manual_seed(9)
    found = draw("uniform", 9, low=-5.0, high=5.0, stream="torch", biases="drawn")
    for l, (m, n) in enumerate(pairwise(WIDTHS), 1):
        for key, shape in ((f"W{l}", (n, m)), (f"b{l}", (n, 1))):
            drawn = torch.rand(*shape, generator=generator, dtype=torch.float64).numpy()
            np.testing.assert_array_equal(found[key], -5 + 10 * drawn)


def test_an_output_without_bias_has_none():
    found = initializers["torch"]().initial_weights(1, WIDTHS, output_bias=False)
    assert "b3" not in found
    assert "b2" in found


def test_bounds_the_wrong_way_round_are_refused():
    with pytest.raises(ValueError, match="low must be under high"):
        initializers["uniform"](low=1.0, high=-1.0)
