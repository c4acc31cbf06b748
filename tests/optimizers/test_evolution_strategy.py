"""The evolution strategy's steps against a plain loop and torch.optim, its runs and options."""

from __future__ import annotations

import re
from dataclasses import replace
from statistics import median

import numpy as np
import pytest
import torch

import gfopt
from gfopt.config.packaged_configs import load_config
from gfopt.engine.budget import Budget
from gfopt.engine.clock import Clock
from gfopt.engine.loop import train
from gfopt.engine.terms import Terms
from gfopt.model.dense import DenseProblem
from gfopt.numerics.draw import Draw
from gfopt.optimizers import optimizers
from gfopt.optimizers.evolution_strategy import estimate, standardise
from gfopt.runner.settings import RunSettings
from gfopt.runner.train import make_task
from tests.optimizers.evolving import Given, begin, own_estimate, own_noise, vector
from tests.tiny import run_steps

OPTIMIZER = optimizers["evolution_strategy"]


# -- the post's optimizer


@pytest.fixture(scope="module")
def post():
    """The post's network, data and optimizer, in a given precision."""

    def make(precision, count=10000):
        settings = [f"precision={precision}", f"dataset.count={count}"]
        experiment = load_config("quadratic_es", settings)
        task = make_task(experiment, RunSettings(device="cpu", offline=True))
        return task, experiment.entries[0].make_optimizer(3)

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
    task, optimizer = post(precision)
    params = task.initial_weights([seed])
    dtype = params["W1"].dtype
    state = optimizer.init(task.train, params, Draw((seed,), torch.device("cpu"), dtype))
    noise = own_noise(state, 100)[0].double().numpy()
    s, x = (t.double().numpy() for t in (task.train.inputs, task.train.targets))
    expected = update_by_a_loop({k: p[0].double().numpy() for k, p in params.items()}, s, x, noise)
    with torch.no_grad():
        moved = optimizer.step(task.train, state, None)
    found = (vector(moved) - vector(state))[0].double().numpy()
    assert np.abs(found - expected).max() <= error * np.abs(expected).max()


@pytest.mark.nightly
def test_the_parabola_is_fitted_far_below_a_constants_level(tmp_path):
    result = gfopt.run(
        "quadratic_es",
        out=tmp_path,
        seeds="1-3",
        settings=["dataset.count=500"],  # of the post's 10000: half a minute
        memory="1MiB",
    )
    losses = [record.loss for record in result.records]
    assert all(record.updates == 5000 for record in result.records)
    assert median(losses) <= 5e-4
    assert max(losses) < 0.1 * result.records[0].class_prior


# -- inner optimizers


def followed_by_torch(optimizer, tiny, made, steps):
    """The vector after some steps, and that of torch's optimizer fed with the same estimates."""
    leaf = torch.nn.Parameter(vector(tiny.initial_weights((1,)))[0])
    torchs, state = made([leaf]), begin(optimizer, tiny)
    for _ in range(steps):
        leaf.grad = -own_estimate(state, tiny.problem, optimizer)
        torchs.step()
        with torch.no_grad():
            state = optimizer.step(tiny.problem, state, None)
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
    optimizer = OPTIMIZER(lr=0.01, members=12, weight_decay=decay, **inner)
    found, expected = followed_by_torch(optimizer, tiny, lambda p: made(p, decay), 6)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-11)


def test_adams_bias_correction_counts_the_steps_that_were_made(tiny):
    optimizer = OPTIMIZER(members=3, inner="adam", lr=0.01)
    good, equal = Given([[1, 2, 3]]), Given([[1, 1, 1]])
    state = optimizer.step(equal, begin(optimizer, tiny), None)
    after = optimizer.step(good, state, None)
    # Adam's first step is lr in each coordinate that moves, whatever the estimate's size
    moved = vector(after) - vector(state)
    torch.testing.assert_close(moved.abs(), torch.full_like(moved, 0.01), rtol=1e-5, atol=0)


def test_sigma_and_lr_decay_by_their_factors_after_each_generation(tiny):
    optimizer = OPTIMIZER(members=4, sigma=0.5, lr=0.25, sigma_decay=0.9, lr_decay=0.8)
    problem, state = Given([[1, 2, 3, 4]]), begin(optimizer, tiny)
    for k in range(4):
        before, noise = state, own_noise(state, 4)
        state = optimizer.step(problem, before, None)
        spread = (problem.members["W1"] - before["W1"][:, None]) / noise[..., :30].view(1, 4, 5, 6)
        torch.testing.assert_close(spread, torch.full_like(spread, 0.5 * 0.9**k))
        g = estimate(standardise(-problem.losses), noise, before["sigma"][:, None])
        moved = vector(state) - vector(before)
        torch.testing.assert_close(moved, 0.25 * 0.8**k * g, rtol=1e-10, atol=1e-12)


# -- on a problem


def test_the_population_shares_each_seeds_mini_batch(tiny):
    numbers = torch.tensor([[0, 3, 5, 9], [7, 1, 2, 20]])
    optimizer = OPTIMIZER(members=6, lr=0.01)
    with torch.no_grad():
        both = optimizer.step(tiny.problem.on(numbers), begin(optimizer, tiny, (1, 2)), None)
        for i, seed in enumerate((1, 2)):
            x, y = tiny.problem.inputs[:, numbers[i]], tiny.problem.targets[:, numbers[i]]
            own: DenseProblem = replace(tiny.problem, inputs=x, targets=y)
            state = begin(optimizer, tiny, (seed,))
            expected = vector(state)[0] + 0.01 * own_estimate(state, own, optimizer)
            torch.testing.assert_close(vector(both)[i], expected, rtol=1e-10, atol=1e-12)


def test_another_memory_gives_the_same_run_to_rounding(post):
    task, optimizer = post("float64", 500)
    ends = []
    for memory in (1, 2**20, 2**30):  # 1, 6 and 100 members at a time
        problem = replace(task.train, memory=memory)
        draw = Draw((1,), torch.device("cpu"), torch.float64)
        state = optimizer.init(problem, task.initial_weights([1]), draw)
        with torch.no_grad():
            for _ in range(20):
                state = optimizer.step(problem, state, None)
        ends.append(vector(state))
    torch.testing.assert_close(ends[0], ends[2], rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(ends[1], ends[2], rtol=1e-10, atol=1e-12)


def test_a_generation_costs_a_pass_for_each_member_and_no_backward_pass(post):
    task, _ = post("float32")
    terms = Terms((), "end_of_epoch", Budget(epochs=3))
    row = train(task, OPTIMIZER(members=10), terms, (1,), Clock())[0].history[-1]
    assert (row.forward_passes, row.backward_passes) == (3 * 10 * 10000, 0)


@pytest.mark.parametrize("inner", ["sgd", "momentum", "adam"])
def test_the_tensors_of_one_seeds_state_share_no_memory(tiny, inner):
    state = run_steps(OPTIMIZER(inner=inner), tiny, (1,), 2)
    assert len({t.untyped_storage().data_ptr() for t in state.values()}) == len(state)


def test_an_odd_number_of_members_makes_no_pairs():
    with pytest.raises(ValueError, match=r"members: antithetic pairs need an even number \(got 7"):
        OPTIMIZER(members=7, antithetic=True).check(3)


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
        OPTIMIZER(**options).check(3)
