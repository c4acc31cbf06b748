"""The solved output layer against the normal equations, scikit-learn and its own other forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from gfopt.engine.budget import Budget
from gfopt.engine.clock import Clock
from gfopt.engine.loop import train
from gfopt.engine.terms import Terms
from gfopt.optimizers import optimizers
from tests.tiny import Tiny

OPTIMIZER = optimizers["random_features"]
WIDTHS = {"primal": (6, 5, 7, 3), "dual": (6, 5, 31, 3), "ridge on the inputs": (6, 3)}


@pytest.fixture(params=list(WIDTHS))
def wide(request):
    return Tiny(widths=WIDTHS[request.param], activation="relu")


def without_bias(tiny, params):
    return {k: p for k, p in params.items() if k != f"b{tiny.problem.depth}"}


def solved(tiny, params, problem=None, **options):
    """The state after the optimizer's one step."""
    problem = problem or tiny.problem
    optimizer = OPTIMIZER(**options)
    with torch.no_grad():
        return optimizer.step(problem, optimizer.init(problem, params, tiny.draw((1,))), None)


def hidden(problem, params, r):
    """The last hidden activations (h, N) of seed r, by NumPy."""
    a = problem.inputs if problem.inputs.ndim == 2 else problem.inputs[r]
    a = a.numpy()
    for l in range(1, problem.depth):
        a = np.maximum(params[f"W{l}"][r].numpy() @ a + params[f"b{l}"][r].numpy(), 0)
    return a


def output_layer(problem, state, r=0):
    """[W_L b_L] (K, h + 1), or W_L where the output has no bias."""
    parts = [
        state[key][r].numpy() for key in (f"W{problem.depth}", f"b{problem.depth}") if key in state
    ]
    return np.concatenate(parts, 1)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("ridge", [0.01, 1.0, 30.0])
def test_the_output_layer_solves_the_normal_equations(wide, bias, ridge):
    params = wide.initial_weights((1, 2))
    if not bias:
        params = without_bias(wide, params)
    state = solved(wide, params, ridge=ridge)
    for r in range(2):
        h, beta = hidden(wide.problem, params, r), output_layer(wide.problem, state, r)
        penalised = beta.copy()
        if bias:
            h, penalised[:, -1] = np.vstack([h, np.ones(h.shape[1])]), 0
        residual = beta @ h - (2 * wide.problem.targets.numpy() - 1)
        np.testing.assert_allclose(residual @ h.T + ridge * penalised, 0, atol=1e-10)


@pytest.mark.parametrize("bias", [True, False])
def test_the_output_layer_is_scikit_learns_ridge(wide, bias):
    params = wide.initial_weights((1,))
    if not bias:
        params = without_bias(wide, params)
    state = solved(wide, params, ridge=0.7)
    learnt = Ridge(alpha=0.7, fit_intercept=bias, solver="svd").fit(
        hidden(wide.problem, params, 0).T, 2 * wide.problem.targets.numpy().T - 1
    )
    layer = output_layer(wide.problem, state)
    np.testing.assert_allclose(layer[:, : learnt.coef_.shape[1]], learnt.coef_, atol=1e-10)
    if bias:
        np.testing.assert_allclose(layer[:, -1], learnt.intercept_, atol=1e-10)


@pytest.mark.parametrize("bias", [True, False])
def test_primal_and_dual_form_are_the_same_solution(bias):
    """31 features, 24 samples: dual. Every sample twice and twice the ridge: primal."""
    tiny = Tiny(widths=WIDTHS["dual"], activation="relu")
    params = tiny.initial_weights((1, 2))
    if not bias:
        params = without_bias(tiny, params)
    x, y = (t.repeat(1, 2) for t in (tiny.problem.inputs, tiny.problem.targets))
    dual = solved(tiny, params, ridge=0.3)
    primal = solved(tiny, params, replace(tiny.problem, inputs=x, targets=y), ridge=0.6)
    torch.testing.assert_close(dual, primal, rtol=0, atol=1e-10)


@pytest.mark.parametrize("memory", [1, 2000, 10000])
def test_chunks_of_samples_change_nothing(memory):
    tiny = Tiny(widths=(6, 5, 7, 3), samples=101)
    params = tiny.initial_weights((1, 2))
    chunked = solved(tiny, params, replace(tiny.problem, memory=memory))
    torch.testing.assert_close(chunked, solved(tiny, params), rtol=0, atol=1e-10)


def test_many_features_are_solved_in_blocks_of_rows():
    """1100 features: more than a block of H H^T has rows."""
    tiny = Tiny(widths=(6, 1100, 3), samples=1200)
    params = tiny.initial_weights((1,))
    h = np.tanh(params["W1"][0].numpy() @ tiny.problem.inputs.numpy() + params["b1"][0].numpy())
    learnt = Ridge(alpha=1.0, solver="cholesky").fit(h.T, 2 * tiny.problem.targets.numpy().T - 1)
    layer = output_layer(tiny.problem, solved(tiny, params))
    np.testing.assert_allclose(layer, np.c_[learnt.coef_, learnt.intercept_], atol=1e-10)


def test_each_seeds_own_samples_give_its_own_solution(wide):
    params = wide.initial_weights((1, 2))
    numbers = torch.stack([torch.arange(0, 12), torch.arange(6, 18)])
    both = solved(wide, params, wide.problem.on(numbers))
    for r in range(2):
        one = {key: p[r : r + 1] for key, p in params.items()}
        alone = solved(wide, one, wide.problem.on(numbers[r : r + 1]))
        np.testing.assert_allclose(
            output_layer(wide.problem, both, r), output_layer(wide.problem, alone), atol=1e-10
        )


def test_hidden_layers_keep_their_initial_weights_bit_for_bit(tiny):
    params = tiny.initial_weights((1, 2))
    state = solved(tiny, params)
    assert all(torch.equal(state[f"{p}{l}"], params[f"{p}{l}"]) for p in "Wb" for l in (1, 2))


def test_a_single_output_unit_is_trained_to_plus_and_minus_one():
    tiny = Tiny(widths=(6, 5, 7, 1), loss="bce")
    params = tiny.initial_weights((1,))
    h = hidden_tanh(tiny, params)
    learnt = Ridge(alpha=1.0, solver="svd").fit(h.T, 2 * tiny.problem.targets[0].numpy() - 1)
    np.testing.assert_allclose(
        output_layer(tiny.problem, solved(tiny, params))[0],
        [*learnt.coef_, learnt.intercept_],
        atol=1e-10,
    )


def hidden_tanh(tiny, params):
    a = tiny.problem.inputs.numpy()
    for l in (1, 2):
        a = np.tanh(params[f"W{l}"][0].numpy() @ a + params[f"b{l}"][0].numpy())
    return a


def test_values_are_trained_as_they_are():
    tiny = Tiny(widths=(6, 2), loss="mse")
    values = torch.randn(2, 24, generator=torch.Generator().manual_seed(5)).double() + 40
    problem = replace(tiny.problem, targets=values)
    layer = output_layer(problem, solved(tiny, tiny.initial_weights((1,)), problem))
    learnt = Ridge(alpha=1.0, solver="svd").fit(problem.inputs.T.numpy(), values.T.numpy())
    np.testing.assert_allclose(layer, np.c_[learnt.coef_, learnt.intercept_], atol=1e-10)


def test_no_other_output_layer_has_a_lower_penalised_error(tiny):
    params = tiny.initial_weights((1,))
    state = solved(tiny, params)
    draw = torch.Generator().manual_seed(0)

    def objective(w, b):
        error = tiny.problem.forward(state | {"W3": w, "b3": b}).z[-1] - (2 * tiny.problem.y - 1)
        return float(error.square().sum() + w.square().sum())

    best = objective(state["W3"], state["b3"])
    for _ in range(20):
        w, b = (state[k] + 1e-3 * torch.randn(state[k].shape, generator=draw) for k in ("W3", "b3"))
        assert objective(w, b) > best


def test_sums_are_float64_in_a_float32_run():
    """Nearly parallel features, whose products in float32 would leave no digit of the solution."""
    low, high = (Tiny(widths=(2, 3), dtype=d) for d in (torch.float32, torch.float64))
    x = low.problem.inputs.clone()
    x[1] = x[0] * (1 + 2**-11)
    layers = [
        solved(t, t.initial_weights((1,)), replace(t.problem, inputs=x.to(t.dtype)), ridge=1e-6)[
            "W1"
        ]
        for t in (low, high)
    ]
    assert layers[0].dtype == torch.float32
    torch.testing.assert_close(layers[0].double(), layers[1], rtol=1e-6, atol=0)


def test_a_run_ends_with_its_one_step_and_counts_one_pass_and_no_backward_pass(tiny):
    terms = Terms((), "end_of_epoch", Budget(epochs=50))
    outcome = train(tiny.task(), OPTIMIZER(), terms, (1, 2), Clock())[0]
    last = outcome.history[-1]
    assert (outcome.status, last.updates) == ("finished", 1)
    assert (last.forward_passes, last.backward_passes) == (24, 0)


def test_features_that_are_not_finite_are_refused(tiny):
    params = tiny.initial_weights((1,))
    with pytest.raises(ValueError, match="ridge: too small for these features, or they aren't"):
        solved(tiny, params | {"W1": params["W1"] * torch.inf})


def test_an_output_of_cosines_is_refused():
    tiny = Tiny(loss="am_softmax")
    with pytest.raises(ValueError, match=r"affine output layer.* cosines"):
        solved(tiny, without_bias(tiny, tiny.initial_weights((1,))))
