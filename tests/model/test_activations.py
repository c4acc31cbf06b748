"""Slopes against autograd, away from the kinks; the published slope at them."""

from __future__ import annotations

import pytest
import torch

from gfopt.model.activations import activations


@pytest.mark.parametrize("name", list(activations))
def test_the_chain_multiplies_by_the_slope_that_autograd_finds(name):
    z = torch.linspace(-3, 3, 14, dtype=torch.float64, requires_grad=True)
    f = activations[name]
    a = f.value(z)
    delta = torch.arange(1.0, 15, dtype=torch.float64)
    (a * delta).sum().backward()
    torch.testing.assert_close(
        f.chain(delta, z.detach(), a.detach()), z.grad, rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("name", ["relu", "negative_part"])
def test_the_slope_at_the_kink_is_zero(name):
    zero, one = torch.zeros(1), torch.ones(1)
    assert float(activations[name].chain(one, zero, zero)) == 0


def test_negative_part_keeps_what_is_below_zero():
    assert activations["negative_part"].value(torch.tensor([-2.0, 3.0])).tolist() == [-2.0, 0.0]
