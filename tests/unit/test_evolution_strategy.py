"""The evolution strategy against plain loops, exact gradients and torch.optim."""

from __future__ import annotations

import re
from dataclasses import replace
from statistics import median

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import gfopt
from gfopt import rng
from gfopt.clock import Clock
from gfopt.config.finding import load_config
from gfopt.datasets import prepare
from gfopt.engine import train
from gfopt.optimizers import optimizers
from gfopt.optimizers.evolution_strategy import centred_ranks, estimate, standardised
from gfopt.problem import DenseProblem, parameters
from gfopt.target import Budget, Terms
from gfopt.task import build
from tests.conftest import Tiny, run_steps

RULE = optimizers["evolution_strategy"]
KEYS = ["W1", "b1", "W2", "b2", "W3", "b3"]  # the order of the vector
distinct = st.lists(st.integers(-999, 999), min_size=2, max_size=30, unique=True)


def vector(state):
    """All parameters of each replica in the order of the vector, (R, D)."""
    return torch.cat([state[key].flatten(1) for key in KEYS if key in state], 1)


class Given:
    """A problem whose losses are given; it remembers the members it was asked about."""

    def __init__(self, losses):
        self.losses = torch.as_tensor(losses, dtype=torch.float64)

    def population_losses(self, members):
        self.members = members
        return self.losses


def start(rule, tiny, seeds=(1,)):
    return rule.init(tiny.problem, tiny.start(seeds), tiny.draw(seeds))


def own_noise(state, members):
    """The noise of the generation that is due, drawn once more, (R, M, D)."""
    w = vector(state)
    like = w.new_empty(len(w), members, w.shape[1])
    return rng.noise(state["seed"], state["generation"], like)


def own_estimate(state, problem, rule):
    """The standardised estimate (D,) of one replica, from the equations, member by member."""
    noise, w = own_noise(state, rule.members)[0], vector(state)[0]
    rewards = []
    for j in range(rule.members):
        parts = iter((w + rule.sigma * noise[j]).split([state[k].numel() for k in KEYS]))
        member = {key: next(parts).view(state[key].shape) for key in KEYS}
        rewards.append(-float(problem.losses(problem.forward(member))))
    weights = (rewards - np.mean(rewards)) / np.std(rewards)
    summed = sum(a * n for a, n in zip(weights.tolist(), noise, strict=True))
    return summed / (rule.members * rule.sigma)


# -- the post's rule


@pytest.fixture(scope="module")
def post():
    """The post's network, data and rule, in a given precision."""

    def make(precision, count=10000):
        settings = [f"precision={precision}", f"dataset.count={count}"]
        experiment = load_config("quadratic_es", settings)
        data = prepare(experiment.dataset, "unused", precision=precision, offline=True)
        rule = experiment.entries[0].rule(3)
        return build(experiment, data, torch.device("cpu")), rule

    return make


def update_by_a_loop(params, s, x, noise):
    """A generation of the post, member by member, in NumPy."""
    rewards = np.zeros(100)
    for j in range(100):
        parts = iter(np.split(noise[j], [10, 20, 120, 130]))
        W1, b1, W2, b2, W3 = (
            params[key] + 0.01 * next(parts).reshape(params[key].shape)
            for key in ("W1", "b1", "W2", "b2", "W3")
        )
        h = np.minimum(0, W1 @ s + b1)
        h = np.minimum(0, W2 @ h + b2)
        rewards[j] = np.sum(x**2) / np.sum((W3 @ h - x) ** 2)
    advantages = (rewards - rewards.mean()) / rewards.std()
    return 1e-4 / (100 * 0.01) * noise.T @ advantages


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("precision", "error"), [("float64", 1e-9), ("float32", 1e-4)])
def test_the_first_update_on_the_posts_problem_is_a_plain_loops(post, precision, error, seed):
    task, rule = post(precision)
    params = task.start([seed])
    dtype = params["W1"].dtype
    state = rule.init(task.train, params, rng.Draw((seed,), torch.device("cpu"), dtype))
    noise = own_noise(state, 100)[0].double().numpy()
    s, x = (t.double().numpy() for t in (task.train.inputs, task.train.targets))
    expected = update_by_a_loop({k: p[0].double().numpy() for k, p in params.items()}, s, x, noise)
    with torch.no_grad():
        moved = rule.step(task.train, state, None)
    found = (vector(moved) - vector(state))[0].double().numpy()
    assert np.abs(found - expected).max() <= error * np.abs(expected).max()


@pytest.mark.long
def test_the_parabola_is_fitted_far_below_a_constants_level(tmp_path):
    result = gfopt.run(
        "quadratic_es",
        out=tmp_path,
        seeds="1-3",
        settings=["dataset.count=500"],  # of the post's 10000: the test takes half a minute
        memory="1MiB",
    )
    losses = [record.loss for record in result.records]
    assert all(record.updates == 5000 for record in result.records)
    assert median(losses) <= 5e-4
    assert max(losses) < 0.1 * result.records[0].class_prior


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
    monkeypatch.setattr(rng, "noise", lambda seeds, step, like: noise[None, :21])
    rule = RULE(members=42, sigma=sigma, antithetic=True, lr=0.5)
    state = start(rule, tiny)
    gradient = vector(tiny.problem.gradient(parameters(state)))
    parts = vector(state)[0] + sigma * noise
    members = {"W1": parts[:, :18].view(42, 3, 6), "b1": parts[:, 18:].view(42, 3, 1)}
    deviation = tiny.problem.losses(tiny.problem.forward(members)).std(correction=0)
    moved = vector(run_steps(rule, tiny, (1,), 1)) - vector(state)
    torch.testing.assert_close(moved, -0.5 * gradient / deviation, rtol=1e-9, atol=1e-9)


def test_the_noise_of_antithetic_members_comes_in_pairs_of_opposite_sign(tiny):
    rule = RULE(members=6, antithetic=True)
    state, problem = start(rule, tiny, (1, 2)), Given([[1, 2, 3, 4, 5, 6]] * 2)
    rule.step(problem, state, None)
    drawn = own_noise(state, 3)
    expected = torch.cat([drawn, -drawn], 1)[..., :30].unflatten(-1, (5, 6))
    found = (problem.members["W1"] - state["W1"][:, None]) / rule.sigma
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-11)


def test_every_generation_has_noise_of_its_own(tiny):
    rule, problem = RULE(members=4), Given([[1, 1, 1, 1]])  # all equal: no step
    state, seen = start(rule, tiny), []
    for _ in range(3):
        state = rule.step(problem, state, None)
        seen.append(problem.members["W2"])
    assert not any(torch.equal(seen[i], seen[j]) for i, j in ((0, 1), (0, 2), (1, 2)))


# -- shaping


@given(distinct, st.floats(0.1, 50), st.floats(-50, 50))
def test_standardised_rewards_know_neither_unit_nor_zero(rewards, a, b):
    rewards = torch.tensor([rewards]).double()
    found = standardised(a * rewards + b)
    torch.testing.assert_close(found, standardised(rewards), rtol=1e-12, atol=1e-12)


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
        run_steps(RULE(shaping="centred_ranks", reward=r), tiny, (1, 2), 5)
        for r in ("negative_loss", "inverse_loss")
    ]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


# -- losses with nothing to choose by, or not finite


@pytest.mark.parametrize("shaping", ["standardised", "centred_ranks"])
@pytest.mark.parametrize("inner", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("loss", [0.1, float("nan"), float("inf"), 0.0])
def test_equal_rewards_make_no_step_and_are_counted(tiny, shaping, inner, loss):
    rule = RULE(members=7, shaping=shaping, inner=inner, reward="inverse_loss", weight_decay=0.1)
    before = rule.step(Given([[1, 2, 3, 4, 5, 6, 7]]), start(rule, tiny), None)
    after = rule.step(Given([[loss] * 7]), before, None)
    counters = {"generation": 2, "skipped": 1}
    assert {key: int(after[key]) for key in counters} == counters
    assert all(torch.equal(after[k], before[k]) for k in before if k not in counters)


def test_one_replica_without_a_step_does_not_hold_up_another(tiny):
    rule = RULE(members=3, inner="adam")
    before = start(rule, tiny, (1, 2))
    after = rule.step(Given([[1, 1, 1], [1, 2, 3]]), before, None)
    alone = rule.step(Given([[1, 2, 3]]), start(rule, tiny, (2,)), None)
    assert torch.equal(after["W1"][0], before["W1"][0])
    assert torch.equal(after["W1"][1], alone["W1"][0])
    assert after["skipped"].tolist() == [1, 0]


@pytest.mark.parametrize("lost", [float("nan"), float("inf")])
@pytest.mark.parametrize("reward", ["negative_loss", "inverse_loss"])
def test_a_member_whose_loss_is_not_finite_counts_as_the_worst(tiny, reward, lost):
    rule = RULE(members=4, reward=reward)
    ends = [
        rule.step(Given([[2.0, third, 5.0, 3.0]]), start(rule, tiny), None) for third in (lost, 5.0)
    ]
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


def test_a_perfect_member_leaves_its_generation_finite(tiny):
    rule = RULE(members=3, reward="inverse_loss")
    after = rule.step(Given([[0.0, 1.0, 2.0]]), start(rule, tiny), None)
    assert all(tensor.isfinite().all() for tensor in after.values())
    assert int(after["skipped"]) == 0


def test_the_table_tells_of_generations_without_a_step(tmp_path):
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


# -- inner optimizers


def followed_by_torch(rule, tiny, made, steps):
    """The rule's vector after some steps, and torch's optimizer fed with the same estimates."""
    leaf = torch.nn.Parameter(vector(tiny.start((1,)))[0])
    living, state = made([leaf]), start(rule, tiny)
    for _ in range(steps):
        leaf.grad = -own_estimate(state, tiny.problem, rule)
        living.step()
        with torch.no_grad():
            state = rule.step(tiny.problem, state, None)
    return vector(state)[0], leaf.detach()


@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize(
    ("inner", "made"),
    [
        ({"inner": "sgd"}, lambda p, w: torch.optim.SGD(p, lr=0.01, weight_decay=w)),
        (
            {"inner": "momentum", "momentum": 0.8},
            lambda p, w: torch.optim.SGD(p, lr=0.01, momentum=0.8, weight_decay=w),
        ),
        (
            {"inner": "adam", "betas": (0.8, 0.95), "eps": 1e-3},
            lambda p, w: torch.optim.Adam(p, 0.01, (0.8, 0.95), 1e-3, weight_decay=w),
        ),
    ],
    ids=["sgd", "momentum", "adam"],
)
def test_the_inner_optimizer_is_torchs_fed_with_the_same_estimate(tiny, inner, made, decay):
    rule = RULE(lr=0.01, members=12, weight_decay=decay, **inner)
    found, expected = followed_by_torch(rule, tiny, lambda p: made(p, decay), 6)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-11)


def test_adams_bias_correction_counts_the_steps_that_were_made(tiny):
    rule = RULE(members=3, inner="adam", lr=0.01)
    good, equal = Given([[1, 2, 3]]), Given([[1, 1, 1]])
    state = rule.step(equal, start(rule, tiny), None)
    after = rule.step(good, state, None)
    # Adam's first step is lr in each coordinate that moves, whatever the estimate's size
    moved = vector(after) - vector(state)
    torch.testing.assert_close(moved.abs(), torch.full_like(moved, 0.01), rtol=1e-5, atol=0)


def test_sigma_and_lr_decay_by_their_factors_after_each_generation(tiny):
    rule = RULE(members=4, sigma=0.5, lr=0.25, sigma_decay=0.9, lr_decay=0.8)
    problem, state = Given([[1, 2, 3, 4]]), start(rule, tiny)
    for k in range(4):
        before, noise = state, own_noise(state, 4)
        state = rule.step(problem, before, None)
        spread = (problem.members["W1"] - before["W1"][:, None]) / noise[..., :30].view(1, 4, 5, 6)
        torch.testing.assert_close(spread, torch.full_like(spread, 0.5 * 0.9**k))
        g = estimate(standardised(-problem.losses), noise, before["sigma"][:, None])
        moved = vector(state) - vector(before)
        torch.testing.assert_close(moved, 0.25 * 0.8**k * g, rtol=1e-10, atol=1e-12)


# -- on a problem


def test_the_population_shares_each_replicas_mini_batch(tiny):
    numbers = torch.tensor([[0, 3, 5, 9], [7, 1, 2, 20]])
    rule = RULE(members=6, lr=0.01)
    with torch.no_grad():
        both = rule.step(tiny.problem.on(numbers), start(rule, tiny, (1, 2)), None)
        for i, seed in enumerate((1, 2)):
            x, y = tiny.problem.inputs[:, numbers[i]], tiny.problem.targets[:, numbers[i]]
            own: DenseProblem = replace(tiny.problem, inputs=x, targets=y)
            state = start(rule, tiny, (seed,))
            expected = vector(state)[0] + 0.01 * own_estimate(state, own, rule)
            torch.testing.assert_close(vector(both)[i], expected, rtol=1e-10, atol=1e-12)


def test_another_memory_gives_the_same_run_to_rounding(post):
    task, rule = post("float64", 500)
    ends = []
    for memory in (1, 2**20, 2**30):  # 1, 6 and 100 members at a time
        problem = replace(task.train, memory=memory)
        draw = rng.Draw((1,), torch.device("cpu"), torch.float64)
        state = rule.init(problem, task.start([1]), draw)
        with torch.no_grad():
            for _ in range(20):
                state = rule.step(problem, state, None)
        ends.append(vector(state))
    torch.testing.assert_close(ends[0], ends[2], rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(ends[1], ends[2], rtol=1e-10, atol=1e-12)


def test_a_generation_costs_a_pass_a_member_and_no_backward_pass(post):
    task, _ = post("float32")
    terms = Terms((), "end_of_epoch", Budget(epochs=3))
    row = train(task, RULE(members=10), terms, (1,), Clock())[0].history[-1]
    assert (row.forward_passes, row.backward_passes) == (3 * 10 * 10000, 0)


@pytest.mark.parametrize("inner", ["sgd", "momentum", "adam"])
def test_the_tensors_of_one_replicas_state_share_no_memory(tiny, inner):
    state = run_steps(RULE(inner=inner), tiny, (1,), 2)
    assert len({t.untyped_storage().data_ptr() for t in state.values()}) == len(state)


def test_an_odd_number_of_members_makes_no_pairs():
    with pytest.raises(ValueError, match=r"members: antithetic pairs need an even number \(got 7"):
        RULE(members=7, antithetic=True).check(3)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"momentum": 0.5}, "momentum: only for inner: momentum (got inner: sgd)"),
        ({"momentum": 0.5, "inner": "adam"}, "momentum: only for inner: momentum (got"),
        ({"betas": (0.5, 0.9)}, "betas: only for inner: adam (got inner: sgd)"),
        ({"eps": 1e-3, "inner": "momentum"}, "eps: only for inner: adam (got inner: momentum)"),
    ],
)
def test_an_option_of_another_inner_optimizer_is_refused(options, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        RULE(**options).check(3)
