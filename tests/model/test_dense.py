"""The written-out derivatives against autograd, and what a problem and a pass promise."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gfopt.model.activations import activations
from gfopt.model.state import descend, parameters
from tests.tiny import Tiny

TRUE_LOSSES = [
    ("cross_entropy", {}),
    ("mse", {}),
    ("nmse", {}),
    ("softmax_bce", {"signal": "true"}),
]


def autograd(tiny, params):
    """The derivatives by torch, of the same forward pass."""
    leaves = {key: p.clone().requires_grad_() for key, p in params.items()}
    tiny.problem.losses(_passed(tiny, leaves)).sum().backward()
    return {key: leaf.grad for key, leaf in leaves.items()}


def _passed(tiny, params):
    """A forward pass written anew, for autograd."""
    from gfopt.model.dense import Pass

    z, a = [tiny.problem.inputs], [tiny.problem.inputs]
    depth = len(tiny.widths) - 1
    for l in range(1, depth + 1):
        z.append(params[f"W{l}"] @ a[-1] + params[f"b{l}"])
        last = l == depth
        a.append(
            tiny.problem.loss.activate(z[-1]) if last else tiny.problem.hidden[l - 1].value(z[-1])
        )
    return Pass(z, a)


@pytest.mark.parametrize("activation", list(activations))
@pytest.mark.parametrize("loss", TRUE_LOSSES, ids=lambda loss: loss[0])
def test_the_gradient_is_autograds(activation, loss):
    tiny = Tiny(activation=activation, loss=loss)
    params = tiny.initial_weights((1, 2))
    gradient = tiny.problem.gradient(params, tiny.problem.forward(params))
    torch.testing.assert_close(gradient, autograd(tiny, params), rtol=1e-10, atol=1e-13)


def test_the_true_gradient_of_bce_is_autograds():
    tiny = Tiny(widths=(6, 5, 4, 1), loss=("bce", {"signal": "true"}))
    params = tiny.initial_weights((1, 2))
    gradient = tiny.problem.gradient(params, tiny.problem.forward(params))
    torch.testing.assert_close(gradient, autograd(tiny, params), rtol=1e-10, atol=1e-13)


@given(st.lists(st.integers(1, 6), min_size=2, max_size=5), st.integers(1, 3), st.integers(1, 9))
def test_the_gradient_is_autograds_whatever_the_shapes(widths, seeds, samples):
    tiny = Tiny(widths=tuple(widths), loss="mse", samples=samples)
    params = tiny.initial_weights(range(seeds))
    gradient = tiny.problem.gradient(params, tiny.problem.forward(params))
    torch.testing.assert_close(gradient, autograd(tiny, params), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("last", [1, 2, 3])
def test_the_gradient_of_the_top_layers_is_the_full_one_cut(tiny, last):
    params = tiny.initial_weights((1,))
    at = tiny.problem.forward(params)
    full, part = tiny.problem.gradient(params, at), tiny.problem.gradient(params, at, last)
    assert part.keys() == {k for k in full if int(k[1:]) >= last}
    assert all(torch.equal(part[k], full[k]) for k in part)


def test_a_partial_pass_equals_the_full_one_bit_for_bit(tiny):
    params = tiny.initial_weights((1, 2))
    before = tiny.problem.forward(params)
    moved = params | {"W3": params["W3"] + 1}
    partial, full = tiny.problem.forward(moved, before, first=3), tiny.problem.forward(moved)
    assert all(torch.equal(one, other) for one, other in zip(partial.z, full.z, strict=True))


def test_a_partial_pass_leaves_the_given_one_as_it_was(tiny):
    params = tiny.initial_weights((1,))
    given_pass = tiny.problem.forward(params)
    kept = [z.clone() for z in given_pass.z]
    tiny.problem.forward(params | {"W2": params["W2"] * 2}, given_pass, first=2)
    assert all(torch.equal(one, other) for one, other in zip(given_pass.z, kept, strict=True))


def test_a_mini_batch_takes_each_seeds_own_samples(tiny):
    numbers = torch.tensor([[0, 3, 5], [7, 1, 2]])
    part = tiny.problem.on(numbers)
    assert torch.equal(part.x[1], tiny.problem.x[:, [7, 1, 2]])
    assert torch.equal(part.y[0], tiny.problem.y[:, [0, 3, 5]])


def test_the_mean_of_mini_batch_gradients_is_the_full_gradient(tiny):
    params = tiny.initial_weights((1,))
    halves = [torch.arange(0, 12)[None], torch.arange(12, 24)[None]]
    parts = [tiny.problem.on(h) for h in halves]
    gradients = [p.gradient(params, p.forward(params)) for p in parts]
    mean = {k: (gradients[0][k] + gradients[1][k]) / 2 for k in params}
    full = tiny.problem.gradient(params, tiny.problem.forward(params))
    torch.testing.assert_close(mean, full, rtol=1e-12, atol=1e-14)


def test_kept_rows_of_a_pass_are_those_seeds(tiny):
    at = tiny.problem.forward(tiny.initial_weights((1, 2, 3)))
    kept = at.keep(torch.tensor([2, 0]))
    assert torch.equal(kept.z[3], at.z[3][[2, 0]])
    assert kept.a[0] is at.a[0]


def test_descend_takes_each_seeds_own_rate():
    state = {"W1": torch.ones(2, 1, 1), "lr": torch.tensor([0.5, 0.25])}
    moved = descend(state, {"W1": torch.ones(2, 1, 1)})
    assert moved["W1"].flatten().tolist() == [0.5, 0.75]


def test_parameters_are_separated_from_memory():
    state = dict.fromkeys(["W1", "b12", "lr", "W1.velocity", "b1/exp_avg", "batch"], torch.zeros(1))
    assert list(parameters(state)) == ["W1", "b12"]
