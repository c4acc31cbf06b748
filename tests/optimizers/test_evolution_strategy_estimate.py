"""The evolution strategy's estimate: its noise, its shaping, and losses equal or not finite."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import gfopt
from gfopt.model.state import parameters
from gfopt.optimizers import optimizers
from gfopt.optimizers.evolution_strategy import centred_ranks, estimate, standardise
from tests.optimizers.evolving import Given, begin, own_noise, vector
from tests.tiny import Tiny, run_steps

OPTIMIZER = optimizers["evolution_strategy"]
distinct = st.lists(st.integers(-999, 999), min_size=2, max_size=30, unique=True)


# -- the estimate


def antithetic_basis(size):
    """Directions sqrt(D) times an orthonormal basis, then the same with the other sign."""
    draw = torch.Generator().manual_seed(3)
    basis = torch.linalg.qr(torch.randn(size, size, generator=draw, dtype=torch.float64)).Q
    return size**0.5 * torch.cat([basis, -basis])


@pytest.mark.parametrize("sigma", [1e-2, 1.0, 7.0])
def test_antithetic_orthogonal_noise_gives_a_quadratics_gradient(sigma):
    noise = antithetic_basis(12)
    draw = torch.Generator().manual_seed(4)
    H, c, w = (torch.randn(*shape, generator=draw).double() for shape in ((12, 12), (12,), (12,)))
    losses = torch.stack([x @ H @ x + c @ x for x in w + sigma * noise])
    found = estimate(-losses[None], noise[None], torch.full((1, 1), sigma, dtype=H.dtype))
    torch.testing.assert_close(found[0], -((H + H.T) @ w + c), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sigma", [0.01, 2.0])
def test_with_such_noise_a_step_is_the_gradient_over_the_rewards_deviation(sigma, monkeypatch):
    tiny = Tiny(widths=(6, 3), loss="mse")  # a quadratic in its 21 parameters
    noise = antithetic_basis(21)
    monkeypatch.setattr("gfopt.numerics.noise.noise", lambda seeds, step, like: noise[None, :21])
    optimizer = OPTIMIZER(members=42, sigma=sigma, antithetic=True, lr=0.5)
    state = begin(optimizer, tiny)
    gradient = vector(tiny.problem.gradient(parameters(state)))
    parts = vector(state)[0] + sigma * noise
    members = {"W1": parts[:, :18].view(42, 3, 6), "b1": parts[:, 18:].view(42, 3, 1)}
    deviation = tiny.problem.losses(tiny.problem.forward(members)).std(correction=0)
    moved = vector(run_steps(optimizer, tiny, (1,), 1)) - vector(state)
    torch.testing.assert_close(moved, -0.5 * gradient / deviation, rtol=1e-9, atol=1e-9)


def test_the_noise_of_antithetic_members_comes_in_pairs_of_opposite_sign(tiny):
    optimizer = OPTIMIZER(members=6, antithetic=True)
    state, problem = begin(optimizer, tiny, (1, 2)), Given([[1, 2, 3, 4, 5, 6]] * 2)
    optimizer.step(problem, state, None)
    drawn = own_noise(state, 3)
    expected = torch.cat([drawn, -drawn], 1)[..., :30].unflatten(-1, (5, 6))
    found = (problem.members["W1"] - state["W1"][:, None]) / optimizer.sigma
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)


def test_every_generation_has_noise_of_its_own(tiny):
    optimizer, problem = OPTIMIZER(members=4), Given([[1, 1, 1, 1]])  # all equal: no step
    state, seen = begin(optimizer, tiny), []
    for _ in range(3):
        state = optimizer.step(problem, state, None)
        seen.append(problem.members["W2"])
    assert not any(torch.equal(seen[i], seen[j]) for i, j in ((0, 1), (0, 2), (1, 2)))


# -- shaping


@given(distinct, st.floats(0.1, 50), st.floats(-50, 50))
def test_standardised_rewards_know_neither_unit_nor_zero(rewards, a, b):
    rewards = torch.tensor([rewards]).double()
    found = standardise(a * rewards + b)
    torch.testing.assert_close(found, standardise(rewards), rtol=1e-12, atol=1e-12)


@given(distinct)
def test_centred_ranks_know_the_order_alone(rewards):
    rewards = torch.tensor([rewards]).double()
    assert torch.equal(centred_ranks(rewards), centred_ranks((rewards / 200).exp()))


@given(distinct)
def test_centred_ranks_run_from_minus_to_plus_a_half(rewards):
    found = centred_ranks(torch.tensor([rewards]).double())[0]
    count = len(rewards)
    by_order = [sorted(rewards).index(r) / (count - 1) - 0.5 for r in rewards]
    assert found.tolist() == pytest.approx(by_order, abs=1e-15)
    assert (found.min(), found.max()) == (-0.5, 0.5)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=20))
def test_equals_share_a_rank_and_centred_ranks_always_sum_to_0(rewards):
    found = centred_ranks(torch.tensor([rewards]).double())[0]
    assert float(found.sum()) == pytest.approx(0, abs=1e-15 * len(rewards))
    shared = {(r, float(f)) for r, f in zip(rewards, found, strict=True)}
    assert len(shared) == len(set(rewards))
    assert found.abs().max() <= 0.5


def test_by_ranks_both_rewards_take_the_same_steps(tiny):
    ends = [
        run_steps(OPTIMIZER(shaping="centred_ranks", reward=r), tiny, (1, 2), 5)
        for r in ("negative_loss", "inverse_loss")
    ]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


# -- losses with nothing to choose by, or not finite


@pytest.mark.parametrize("shaping", ["standardised", "centred_ranks"])
@pytest.mark.parametrize("inner", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("loss", [0.1, float("nan"), float("inf"), 0.0])
def test_equal_rewards_make_no_step_and_are_counted(tiny, shaping, inner, loss):
    optimizer = OPTIMIZER(
        members=7, shaping=shaping, inner=inner, reward="inverse_loss", weight_decay=0.1
    )
    before = optimizer.step(Given([[1, 2, 3, 4, 5, 6, 7]]), begin(optimizer, tiny), None)
    after = optimizer.step(Given([[loss] * 7]), before, None)
    counters = {"generation": 2, "skipped": 1}
    assert {key: int(after[key]) for key in counters} == counters
    assert all(torch.equal(after[k], before[k]) for k in before if k not in counters)


def test_a_seed_without_a_step_does_not_hold_up_another(tiny):
    optimizer = OPTIMIZER(members=3, inner="adam")
    before = begin(optimizer, tiny, (1, 2))
    after = optimizer.step(Given([[1, 1, 1], [1, 2, 3]]), before, None)
    alone = optimizer.step(Given([[1, 2, 3]]), begin(optimizer, tiny, (2,)), None)
    assert torch.equal(after["W1"][0], before["W1"][0])
    assert torch.equal(after["W1"][1], alone["W1"][0])
    assert after["skipped"].tolist() == [1, 0]


@pytest.mark.parametrize("lost", [float("nan"), float("inf")])
@pytest.mark.parametrize("reward", ["negative_loss", "inverse_loss"])
def test_a_member_whose_loss_is_not_finite_counts_as_the_worst(tiny, reward, lost):
    optimizer = OPTIMIZER(members=4, reward=reward)
    ends = [
        optimizer.step(Given([[2.0, third, 5.0, 3.0]]), begin(optimizer, tiny), None)
        for third in (lost, 5.0)
    ]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


def test_a_perfect_member_leaves_its_generation_finite(tiny):
    optimizer = OPTIMIZER(members=3, reward="inverse_loss")
    after = optimizer.step(Given([[0.0, 1.0, 2.0]]), begin(optimizer, tiny), None)
    assert all(tensor.isfinite().all() for tensor in after.values())
    assert int(after["skipped"]) == 0


def test_the_report_mentions_generations_without_a_step(tmp_path):
    (tmp_path / "still.yaml").write_text("""
dataset: {name: quadratic, count: 20}
model: {hidden: [3]}
loss: nmse
optimizers:
  - {name: evolution_strategy, members: 4, label: still, sigma: 1.0e-30}  # lost in float32
  - {name: evolution_strategy, members: 4, label: moving}
budget: {epochs: 3}
seeds: [5]
""")
    result = gfopt.run(tmp_path / "still.yaml", out=tmp_path)
    said = "still, seed 5: no step in 3 of 3 generations: all rewards were equal."
    assert [said in record.notes for record in result.records] == [True, False]
    assert said in result.table.notes
    assert not any(note.startswith("moving, seed") for note in result.table.notes)
