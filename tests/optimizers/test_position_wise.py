"""Position-wise descent against its definition, with autograd as the oracle."""

from __future__ import annotations

import pytest
import torch

from gfopt.model.state import parameters
from gfopt.optimizers import optimizers
from tests.tiny import Tiny, run_steps

OPTIMIZER = optimizers["position_wise"](lr=0.3)


def autograd_epoch(tiny, params, lr):
    """An epoch from the definition: full passes, autograd, gradients masked to the top layers."""
    depth = len(tiny.widths) - 1
    for lowest in range(depth, 0, -1):
        leaves = {key: p.clone().requires_grad_() for key, p in params.items()}
        a = tiny.problem.inputs
        for l in range(1, depth + 1):
            a = leaves[f"W{l}"] @ a + leaves[f"b{l}"]
            a = a.tanh() if l < depth else a
        (-(tiny.problem.targets * a.log_softmax(-2)).sum(-2).mean(-1)).sum().backward()
        params = {
            key: leaf.detach() - lr * leaf.grad if int(key[1:]) >= lowest else leaf.detach()
            for key, leaf in leaves.items()
        }
    return params


def test_each_inner_step_is_autograds_gradient_masked_to_the_last_layers(tiny):
    params = tiny.initial_weights((1, 2))
    expected = params
    for _ in range(3):
        expected = autograd_epoch(tiny, expected, 0.3)
    found = parameters(run_steps(OPTIMIZER, tiny, (1, 2), 3))
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-13)


def test_with_one_layer_it_is_gradient_descent_bit_for_bit():
    tiny = Tiny(widths=(6, 3))
    other = run_steps(optimizers["gradient_descent"](lr=0.3), tiny, (1, 2), 20)
    found = run_steps(OPTIMIZER, tiny, (1, 2), 20)
    assert all(torch.equal(found[key], other[key]) for key in other)


@pytest.mark.parametrize("lr", [1e-2, 1e-3, 1e-4])
def test_for_small_steps_layer_l_moves_l_times_its_gradient(tiny, lr):
    params = tiny.initial_weights((1,))
    gradient = tiny.problem.gradient(params, tiny.problem.forward(params))
    moved = run_steps(optimizers["position_wise"](lr=lr), tiny, (1,), 1)
    for l in (1, 2, 3):
        step = (params[f"W{l}"] - moved[f"W{l}"]) / lr
        error = (step - l * gradient[f"W{l}"]).norm() / gradient[f"W{l}"].norm()
        assert error < 30 * lr  # first order: the error falls with the step
