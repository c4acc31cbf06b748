"""Additive-margin softmax: value, levels and both output layers against other code."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from gfopt.config.loading import load
from gfopt.errors import UsageError
from gfopt.model.dense import Pass
from gfopt.model.losses import losses
from gfopt.numerics.cosine import cosine_slope, cosines
from gfopt.optimizers import optimizers
from tests.tiny import Tiny, run_steps

LOSS = losses["am_softmax"]
FORMS = [True, False]
form = pytest.mark.parametrize("normalised", FORMS, ids=["normalised", "affine"])


def made(normalised, widths=(6, 5, 4, 3), activation="tanh", **options):
    """A tiny network with this loss and its initial weights; cosines have no bias."""
    options = {"normalised": normalised, **options}
    tiny = Tiny(widths=widths, activation=activation, loss=("am_softmax", options))
    params = tiny.initial_weights((1, 2))
    if normalised:
        del params[f"b{tiny.problem.depth}"]
    return tiny, params


def by_torch(tiny, params):
    """The losses (R,) by torch's own functions, for autograd."""
    loss, a = tiny.problem.loss, tiny.problem.inputs
    depth = tiny.problem.depth
    for l in range(1, depth):
        a = tiny.problem.hidden[l - 1].value(params[f"W{l}"] @ a + params[f"b{l}"])
    W = params[f"W{depth}"]
    a = a.expand(len(W), *a.shape[-2:])
    if loss.normalised:
        z = torch.stack(
            [
                functional.normalize(w) @ functional.normalize(h.T).T
                for w, h in zip(W, a, strict=True)
            ]
        )
    else:
        z = W @ a + params[f"b{depth}"]
    logits, labels = loss.scale * (z - loss.margin * tiny.problem.targets), tiny.problem.y.argmax(0)
    return torch.stack([functional.cross_entropy(one.T, labels) for one in logits])


@form
@pytest.mark.parametrize("widths", [(6, 5, 4, 3), (6, 3)], ids=["hidden layers", "none"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_value_and_gradient_of_every_layer_are_autograds(normalised, widths, activation):
    tiny, params = made(normalised, widths, activation, scale=4.0)
    leaves = {key: p.clone().requires_grad_() for key, p in params.items()}
    values = by_torch(tiny, leaves)
    values.sum().backward()
    at = tiny.problem.forward(params)
    torch.testing.assert_close(tiny.problem.losses(at), values.detach(), rtol=1e-12, atol=0)
    expected = {key: leaf.grad for key, leaf in leaves.items()}
    torch.testing.assert_close(tiny.problem.gradient(params, at), expected, rtol=1e-10, atol=1e-13)


@form
@pytest.mark.parametrize("options", [{}, {"scale": 64.0}, {"scale": 1.0, "margin": 1.0}], ids=str)
def test_the_gradient_is_autograds_at_any_scale_and_margin(normalised, options):
    tiny, params = made(normalised, **options)
    leaves = {key: p.clone().requires_grad_() for key, p in params.items()}
    by_torch(tiny, leaves).sum().backward()
    expected = {key: leaf.grad for key, leaf in leaves.items()}
    torch.testing.assert_close(tiny.problem.gradient(params), expected, rtol=1e-10, atol=1e-12)


def test_the_gradient_of_cosines_is_that_of_finite_differences():
    tiny, params = made(True, scale=3.0)
    gradient, h = tiny.problem.gradient(params), 1e-6
    for key, p in params.items():
        shift = torch.zeros_like(p)
        shift[:, 1, 0] = h
        up, down = (
            tiny.problem.losses(tiny.problem.forward(params | {key: p + s}))
            for s in (shift, -shift)
        )
        torch.testing.assert_close(
            gradient[key][:, 1, 0], (up - down) / (2 * h), rtol=1e-6, atol=1e-9
        )


@pytest.mark.parametrize(
    ("options", "level"),
    [
        ({"margin": 0.0}, 2.3026),
        ({"scale": 1.0}, 2.6226),
        ({"scale": 1.0, "margin": 1.0}, 3.2373),
        ({"scale": 10.0}, 5.7006),
        ({"scale": 16.0, "margin": 0.2}, 5.4017),
        ({}, 12.6972),
        ({"margin": 0.4}, 14.1972),
        ({"scale": 64.0}, 24.5972),
    ],
    ids=str,
)
def test_outputs_all_alike_have_the_known_level(options, level):
    loss, y = LOSS(**options), torch.eye(10).double()
    exact = math.log(1 + 9 * math.exp(loss.scale * loss.margin))
    assert loss.chance(y) == pytest.approx(exact, abs=1e-9)
    assert loss.chance(y) == pytest.approx(level, abs=1e-4)
    assert loss.class_prior(y) == pytest.approx(exact, abs=1e-9)


def test_an_affine_readout_of_zeros_has_the_level_of_chance():
    tiny, params = made(False)
    params = params | {key: torch.zeros_like(params[key]) for key in ("W3", "b3")}
    values = tiny.problem.losses(tiny.problem.forward(params))
    exact = math.log(1 + 2 * math.exp(30 * 0.35))
    torch.testing.assert_close(values, torch.full_like(values, exact), rtol=0, atol=1e-9)


def test_without_a_margin_it_is_the_cross_entropy_of_s_z():
    z = torch.randn(2, 4, 9, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    y = torch.eye(4)[torch.arange(9) % 4].T.double()
    plain, loss = losses["cross_entropy"](), LOSS(scale=7.0, margin=0.0)
    torch.testing.assert_close(loss.value(z, y), plain.value(7 * z, y), rtol=1e-12, atol=0)
    slope = 7 * plain.delta(plain.activate(7 * z), y)
    torch.testing.assert_close(loss.delta(loss.activate(z), y), slope, rtol=1e-12, atol=1e-15)


def test_without_a_margin_the_class_prior_is_the_entropy_of_the_frequencies():
    shares = [0.5, 0.3, 0.15, 0.05]
    y = torch.eye(4).double()[:, [k for k in range(4) for _ in range(round(100 * shares[k]))]]
    entropy = -sum(p * math.log(p) for p in shares)
    assert LOSS(margin=0.0).class_prior(y) == pytest.approx(entropy, abs=1e-9)


@form
@pytest.mark.parametrize("scale", [0.5, 3.0, 30.0])
def test_the_class_prior_of_two_classes_is_the_least_of_a_fine_grid(normalised, scale):
    """z = (d/2, -d/2): cosines reach differences of 2, other outputs any."""
    y = torch.eye(2).double()[:, [0, 0, 0, 1]]
    loss = LOSS(scale=scale, normalised=normalised)
    d = torch.linspace(-1, 1, 40001).double() * (2 if normalised else 40 / scale)
    grid = torch.stack([d / 2, -d / 2], 1)[:, :, None].expand(-1, -1, 4)
    least = float(loss.of_outputs(grid, y).min())
    assert loss.class_prior(y) == pytest.approx(least, abs=1e-6)
    assert loss.class_prior(y) < loss.chance(y)


@pytest.mark.parametrize("scale", [30.0, 64.0])
def test_sure_and_wrong_outputs_stay_finite_in_float32(scale):
    loss, y = LOSS(scale=scale, margin=1.0, normalised=False), torch.eye(2)
    z = torch.tensor([[[50.0, 50.0], [-50.0, -50.0]]])
    wrong = float(loss.value(z, y))
    assert wrong == pytest.approx(scale * 101 / 2)
    slope = loss.delta(loss.activate(z), y)
    torch.testing.assert_close(slope[0, :, 1], torch.tensor([scale / 2, -scale / 2]))
    assert slope[0, :, 0].tolist() == [0, 0]


def test_right_answers_have_no_margin():
    """A sample that is right by less than the margin counts as right."""
    from gfopt.engine.task import count_correct

    tiny, params = made(True)
    at = tiny.problem.forward(params)
    labels = tiny.problem.y.argmax(0)
    nearest = torch.stack(
        [
            functional.cosine_similarity(params["W3"][:, k, :, None], at.a[2], dim=1)
            for k in range(3)
        ],
        1,
    )
    right = (nearest.argmax(1) == labels).sum(-1)
    assert torch.equal(count_correct(at.z[-1], tiny.problem.y), right)


def test_cosines_of_directions_are_those_of_vectors_of_any_length():
    draw = torch.Generator().manual_seed(2)
    W, h = (torch.randn(*s, generator=draw, dtype=torch.float64) for s in ((2, 3, 5), (2, 5, 7)))
    stretched = cosines(W * torch.tensor([[2.0], [0.1], [1e6]]).double(), h * 1e-4)
    torch.testing.assert_close(stretched, cosines(W, h), rtol=1e-12, atol=1e-15)
    assert cosines(W, h).abs().max() <= 1
    slope = cosine_slope(torch.ones(2, 3, 7).double(), W, h)
    assert (slope * W).sum(-1).abs().max() < 1e-12


def test_a_dead_layer_gives_cosines_and_gradients_of_zero():
    tiny, params = made(True, activation="relu")
    params = params | {"b2": params["b2"] - 1e3}
    at = tiny.problem.forward(params)
    assert not at.a[2].any()
    assert not at.z[3].any()
    gradient = tiny.problem.gradient(params, at)
    assert all(not slope.any() for slope in gradient.values())
    chance = tiny.problem.loss.chance(tiny.problem.y)
    torch.testing.assert_close(tiny.problem.losses(at), torch.full((2,), chance).double())


def test_a_dead_sample_or_unit_leaves_the_gradient_of_the_others_as_it_is():
    """One sample's input of zeros: dJ/dW is that of the other samples, by autograd."""
    draw = torch.Generator().manual_seed(2)
    W, h, delta = (
        torch.randn(*s, generator=draw, dtype=torch.float64) for s in ((3, 5), (5, 7), (3, 7))
    )
    h[:, 2], W[1] = 0, 0
    alive = [0, 1, 3, 4, 5, 6]
    leaf = W.clone().requires_grad_()
    z = functional.normalize(leaf) @ functional.normalize(h[:, alive].T).T
    (z * delta[:, alive]).sum().backward()
    slope = cosine_slope(delta, W, h)
    torch.testing.assert_close(slope[[0, 2]], leaf.grad[[0, 2]], rtol=1e-12, atol=1e-14)
    assert not slope[1].any()


@form
def test_losses_of_a_population_are_those_of_its_members(normalised):
    tiny, params = made(normalised)
    members = {key: torch.stack([p, 2 * p, p + 0.1], 1) for key, p in params.items()}
    losses_of = tiny.problem.population_losses(members)
    own = tiny.problem.on(torch.stack([torch.arange(5), torch.arange(3, 8)]))
    for problem, found in ((tiny.problem, losses_of), (own, own.population_losses(members))):
        for p in range(3):
            one = problem.forward({key: m[:, p] for key, m in members.items()})
            torch.testing.assert_close(found[:, p], problem.losses(one), rtol=1e-12, atol=0)


def test_a_partial_pass_of_cosines_equals_the_full_one(tiny):
    tiny, params = made(True)
    before = tiny.problem.forward(params)
    moved = params | {"W3": params["W3"] + 1}
    partial, full = tiny.problem.forward(moved, before, first=3), tiny.problem.forward(moved)
    assert isinstance(partial, Pass)
    assert torch.equal(partial.z[3], full.z[3])


@form
@pytest.mark.parametrize("name", ["gradient_descent", "position_wise"])
def test_descent_lowers_it_and_finds_the_classes(normalised, name):
    tiny, params = made(normalised)
    optimizer = optimizers[name](lr=0.02)
    state = optimizer.init(tiny.problem, params, tiny.draw((1, 2)))
    first = tiny.problem.losses(tiny.problem.forward(params))
    at = tiny.problem.forward(run_steps(optimizer, tiny, (1, 2), 300, state))
    assert (tiny.problem.losses(at) < 0.1 * first).all()
    assert (at.z[-1].argmax(1) == tiny.problem.y.argmax(0)).all()


def test_mini_batches_of_cosines_average_to_the_full_gradient():
    tiny, params = made(True)
    halves = [tiny.problem.on(torch.arange(i, i + 12).expand(2, -1)) for i in (0, 12)]
    parts = [half.gradient(params) for half in halves]
    mean = {key: (parts[0][key] + parts[1][key]) / 2 for key in params}
    torch.testing.assert_close(mean, tiny.problem.gradient(params), rtol=1e-11, atol=1e-13)


def test_another_loss_leaves_the_output_layer_affine(tiny):
    params = tiny.initial_weights((1,))
    assert not tiny.problem.loss.cosine
    affine = replace(tiny.problem, loss=LOSS(normalised=False)).forward(params)
    assert torch.equal(tiny.problem.forward(params).z[-1], affine.z[-1])


@pytest.mark.parametrize(
    ("model", "loss", "wrong"),
    [
        ("{}", "am_softmax", True),
        ("{output_bias: true}", "{name: am_softmax, scale: 10}", True),
        ("{output_bias: false}", "am_softmax", False),
        ("{}", "{name: am_softmax, normalised: false}", False),
    ],
)
def test_a_config_asks_for_no_bias_beside_cosines(model, loss, wrong, tmp_path):
    text = f"dataset: digits\nmodel: {model}\nloss: {loss}\noptimizers: [gradient_descent]\n"
    if not wrong:
        assert load(text, "c.yaml", tmp_path).loss.cosine == ("false" not in loss)
        return
    facts = r"^c\.yaml:3:7: loss: am_softmax .*cosines.* model\.output_bias to false, or normalised"
    with pytest.raises(UsageError, match=facts):
        load(text, "c.yaml", tmp_path)
