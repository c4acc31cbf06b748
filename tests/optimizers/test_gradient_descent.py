"""Gradient descent against torch's SGD, and its options."""

from __future__ import annotations

import pytest
import torch

from gfopt.model.state import parameters
from gfopt.optimizers import optimizers
from tests.tiny import run_steps

MAKE = optimizers["gradient_descent"]


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_it_is_torchs_sgd(tiny, momentum):
    ours = run_steps(MAKE(lr=0.2, momentum=momentum), tiny, (1, 2), 12)
    torchs = run_steps(optimizers["sgd"](lr=0.2, momentum=momentum), tiny, (1, 2), 12)
    torch.testing.assert_close(parameters(ours), parameters(torchs), rtol=1e-11, atol=1e-13)


def test_multipliers_of_one_change_no_bit(tiny):
    plain, ones = (run_steps(MAKE(lr=0.2, multipliers=m), tiny, (1,), 9) for m in (None, (1, 1, 1)))
    assert all(torch.equal(plain[key], ones[key]) for key in plain)


def test_a_multiplier_of_zero_freezes_its_layer(tiny):
    state = run_steps(MAKE(lr=0.2, multipliers=(0, 1, 1)), tiny, (1,), 5)
    initial = tiny.initial_weights((1,))
    assert torch.equal(state["W1"], initial["W1"])
    assert not torch.equal(state["W2"], initial["W2"])


def test_a_multiplier_scales_its_layers_first_step(tiny):
    one, three = (
        run_steps(MAKE(lr=0.2, multipliers=m), tiny, (1,), 1) for m in ((1, 1, 1), (1, 1, 3))
    )
    initial = tiny.initial_weights((1,))
    torch.testing.assert_close(three["W3"] - initial["W3"], 3 * (one["W3"] - initial["W3"]))


def test_the_number_of_multipliers_must_be_that_of_layers():
    with pytest.raises(ValueError, match="multipliers: 3 layers need 3 numbers \\(got 2\\)"):
        MAKE(multipliers=(1, 2)).check(3)
