"""Values against other implementations of the same loss, levels against known numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from gfopt.model.losses import losses

CLASSIFYING = [name for name in losses if losses[name].targets == "classes"]


def outputs_of(loss):
    return 1 if loss.outputs == 1 else 4


def sample(loss, n=9):
    draw = torch.Generator().manual_seed(3)
    k = outputs_of(loss)
    z = torch.randn(2, k, n, generator=draw, dtype=torch.float64)
    if loss.targets == "values":
        return z, torch.randn(k, n, generator=draw, dtype=torch.float64)
    labels = torch.arange(n) % max(k, 2)
    return z, (labels[None] if k == 1 else torch.eye(k)[labels].T).double()


@pytest.fixture(params=list(losses))
def loss(request):
    made = losses[request.param]
    return made(signal="true") if "signal" in made.model_fields else made()


def test_the_value_of_outputs_is_the_value(loss):
    z, y = sample(loss)
    torch.testing.assert_close(loss.of_outputs(loss.activate(z), y), loss.value(z, y))


def test_no_constant_output_beats_the_class_prior_level(loss):
    _, y = sample(loss)
    draw = torch.Generator().manual_seed(0)
    prior = loss.class_prior(y)
    for _ in range(50):
        constant = torch.rand(y.shape[0], 1, generator=draw, dtype=torch.float64)
        if loss.targets == "classes" and len(y) > 1:
            constant = constant / constant.sum()
        assert float(loss.of_outputs(constant.expand(y.shape)[None], y)) >= prior - 1e-4


@pytest.mark.parametrize("name", ["bce", "softmax_bce"])
def test_the_published_signal_is_outputs_minus_targets(name):
    loss = losses[name]()
    z, y = sample(loss)
    a = loss.activate(z)
    assert torch.equal(loss.delta(a, y), (a - y) / y.shape[1])


def test_bce_is_the_programs_sum():
    loss = losses["bce"]()
    z, y = sample(loss)
    a = 1 / (1 + np.exp(-z[0].numpy()))
    total = sum(
        t * math.log(p + 1e-5) + (1 - t) * math.log(1 - p + 1e-5)
        for p, t in zip(a[0], y[0].numpy(), strict=True)
    )
    assert float(loss.value(z, y)[0]) == pytest.approx(-total / len(a[0]), rel=1e-12)


def test_cross_entropy_is_torchs():
    loss = losses["cross_entropy"]()
    z, y = sample(loss)
    torchs = functional.cross_entropy(z[1].T, y.argmax(0))
    assert float(loss.value(z, y)[1]) == pytest.approx(float(torchs), rel=1e-12)


def test_cross_entropy_of_hopeless_outputs_stays_finite_in_float32():
    loss = losses["cross_entropy"]()
    z = torch.tensor([[[200.0], [0.0]]])
    assert float(loss.value(z, torch.tensor([[0.0], [1.0]]))) == pytest.approx(200)


def test_nmse_of_the_zero_output_is_one():
    loss = losses["nmse"]()
    _, y = sample(loss)
    assert loss.chance(y) == pytest.approx(1)


@pytest.mark.parametrize(
    ("classes", "level"),
    [(2, 1.386254), (3, 1.909483), (5, 2.501912), (10, 3.250630), (100, 5.598154)],
)
def test_the_chance_level_of_softmax_bce_is_the_known_one(classes, level):
    assert losses["softmax_bce"]().chance(torch.eye(classes).double()) == pytest.approx(
        level, abs=1e-6
    )


def test_the_levels_of_bce_on_72_cats_of_209_are_the_known_ones():
    y = torch.zeros(1, 209, dtype=torch.float64)
    y[:, :72] = 1
    loss = losses["bce"]()
    assert (loss.chance(y), loss.class_prior(y)) == pytest.approx((0.693127, 0.643954), abs=1e-6)


def test_the_class_prior_of_mse_is_the_targets_variance():
    y = torch.randn(1, 50, generator=torch.Generator().manual_seed(1)).double()
    assert losses["mse"]().class_prior(y) == pytest.approx(float(y.var(correction=0)))


@pytest.mark.parametrize("name", CLASSIFYING)
def test_softmax_and_sigmoid_stand_large_inputs_in_float32(name):
    loss = losses[name]()
    z = torch.full((1, outputs_of(loss), 2), 300.0)
    assert torch.isfinite(loss.activate(z)).all()
