"""The parameter search against a brute-force loop written from its definition, in NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from gfopt.engine.budget import Budget
from gfopt.engine.clock import Clock
from gfopt.engine.loop import train
from gfopt.engine.task import Level, Task
from gfopt.engine.terms import Terms
from gfopt.model.dense import DenseProblem
from gfopt.model.initializers import initializers
from gfopt.model.losses import losses
from gfopt.numerics.draw import Draw
from gfopt.optimizers import optimizers
from gfopt.optimizers.parameter_search import Place, SearchNetwork
from tests.optimizers.brute_search import Case
from tests.tiny import Tiny, run_steps

MAKE = optimizers["parameter_search"]
CASES = {
    "published": Case((6, 5, 4, 1), ("identity", "relu")),
    "deep": Case((4, 4, 3, 3, 2), ("tanh", "relu", "tanh")),
    "softmax": Case((5, 4, 3), ("tanh",), "cross_entropy"),
    "one layer": Case((4, 3), (), "cross_entropy"),
}


@pytest.fixture(params=list(CASES))
def case(request):
    return CASES[request.param]


def assert_same(state, r, brute):
    for key, expected in brute.params.items():
        np.testing.assert_allclose(state[key][r].numpy(), expected, rtol=0, atol=1e-12)


def test_ten_sweeps_are_those_of_the_brute_force_loop(case):
    optimizer, state = MAKE(low=-2, high=2, count=12), None
    brutes = [case.brute(case.params, r) for r in range(3)]
    for _ in range(10):
        state = case.sweeps(optimizer, 1, state)
        for r, brute in enumerate(brutes):
            brute.sweep(np.linspace(-2, 2, 12))
            assert float(case.losses(state)[r]) == pytest.approx(brute.loss(), rel=1e-9)
            assert_same(state, r, brute)


@pytest.mark.long
def test_ten_sweeps_of_the_published_experiment_are_those_of_the_brute_force_loop():
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    case = Case((10, 5, 4, 1), ("identity", "relu"), seeds=(1,))
    x, y = (torch.as_tensor(t).mT.contiguous() for t in (data.data, data.target[:, None]))
    case.problem = DenseProblem(case.problem.hidden, losses["mse"](), x, y)
    init = initializers["uniform"](low=-5, high=5, stream="torch", biases="drawn")
    drawn = init.initial_weights(1, case.widths, output_bias=True)
    case.params = {key: torch.as_tensor(p)[None] for key, p in drawn.items()}
    brute, state = case.brute(case.params), None
    for _ in range(10):
        state = case.sweeps(MAKE(low=-5, high=5, count=100), 1, state)
        brute.sweep(np.linspace(-5, 5, 100))
        assert float(case.losses(state)[0]) == pytest.approx(brute.loss(), rel=1e-9)
        assert_same(state, 0, brute)


def test_the_outputs_of_a_suffix_are_those_of_full_passes(case):
    network, values = case.network(), torch.linspace(-3, 3, 7, dtype=torch.float64).repeat(3, 1)
    for key, i, j in case.brute(case.params).places():
        found = network.suffix(Place(int(key[1:]), key, i, j), values)[-1]
        for r in range(3):
            brute = case.brute(case.params, r)
            for c, value in enumerate(values[r]):
                brute.params[key][i, j] = value
                np.testing.assert_allclose(found[r, c], brute.outputs(), rtol=1e-12, atol=1e-12)


def test_an_accepted_value_leaves_parameters_and_pass_as_a_full_pass_has_them(case):
    network = case.network()
    for n, (key, i, j) in enumerate(case.brute(case.params).places()):
        value = torch.tensor([[0.3], [-1.0], [0.01 * n]], dtype=torch.float64)
        network.accept(Place(int(key[1:]), key, i, j), value)
        assert torch.equal(network.params[key][:, i, j], value[:, 0])
    fresh = case.problem.forward(network.params)
    for l in range(1, case.problem.depth + 1):
        torch.testing.assert_close(network.at.z[l], fresh.z[l], rtol=1e-12, atol=1e-12)
        if l < case.problem.depth:
            torch.testing.assert_close(network.at.a[l], fresh.a[l], rtol=1e-12, atol=1e-12)


def test_an_output_without_bias_is_searched_too():
    case = Case((4, 3, 2), ("relu",))
    case.params = {key: p for key, p in case.params.items() if key != "b2"}
    brute = case.brute(case.params)
    for _ in range(3):
        brute.sweep(np.linspace(-2, 2, 9))
    assert_same(case.sweeps(MAKE(low=-2, high=2, count=9), 3), 0, brute)


def test_the_first_sweep_may_raise_the_loss_and_no_later_one_does(case):
    optimizer = MAKE(low=-2, high=2, count=8)
    state = case.sweeps(optimizer, 1)
    for _ in range(8):
        before, state = case.losses(state), case.sweeps(optimizer, 1, state)
        assert (case.losses(state) <= before * (1 + 1e-12)).all()


@pytest.mark.parametrize("shrink", [1.0, 0.7])
def test_with_the_incumbent_no_sweep_raises_the_loss(case, shrink):
    optimizer = MAKE(low=-2, high=2, count=5, keep_incumbent=True, shrink=shrink)
    state, before = None, case.losses(case.params)
    for _ in range(6):
        state = case.sweeps(optimizer, 1, state)
        after = case.losses(state)
        assert (after <= before * (1 + 1e-12)).all()
        before = after


def test_a_sweep_that_changes_nothing_leaves_the_best_of_the_grid_in_every_coordinate(case):
    optimizer = MAKE(low=-2, high=2, count=6)
    before, state = None, case.sweeps(optimizer, 1)
    while before is None or not all(torch.equal(state[k], before[k]) for k in case.params):
        before, state = state, case.sweeps(optimizer, 1, state)
    for r in range(3):
        brute = case.brute(state, r)
        settled = brute.loss()
        for key, i, j in list(brute.places()):
            kept = brute.params[key][i, j]
            for value in np.linspace(-2, 2, 6):
                brute.params[key][i, j] = value
                assert brute.loss() >= settled * (1 - 1e-12)
            brute.params[key][i, j] = kept


@pytest.mark.parametrize(
    ("start", "sweeps", "ends"),
    [
        (10, [20, 15, 15], [False, False, True]),  # the first is the best so far, whatever it is
        (10, [20, 15, 16], [False, False, True]),  # a loss that rises gains less than nothing
        (10, [8, 8 - 1e-8, 8 - 2e-8], [False] * 3),  # a new best, however small the gain
        (10, [5, 8, 6], [False, True, False]),  # no new best, but a gain
        (10, [5, 8, 8 - 1e-8], [False, True, True]),  # no new best, and less than the tolerance
    ],
)
def test_it_ends_without_new_best_and_gain(monkeypatch, start, sweeps, ends):
    """A network of one bias b whose loss is b^2, and sweeps that set b as the script says."""
    x = torch.zeros(1, 1, dtype=torch.float64)
    problem, script = DenseProblem((), losses["mse"](), x, x), iter(sweeps)
    at_loss = lambda loss: {"W1": x[None] + 1, "b1": x[None] + loss**0.5}  # noqa: E731
    monkeypatch.setattr(MAKE, "_sweep", lambda *_: at_loss(next(script)))
    state = MAKE().init(problem, at_loss(start), Draw((1,), x.device, x.dtype))
    assert not MAKE().done(state).any()
    found = []
    for _ in sweeps:
        state = MAKE().step(problem, state, problem.forward(state))
        found.append(bool(MAKE().done(state)))
    assert found == ends


def train_one(case, optimizer, epochs, reading="end_of_epoch"):
    """The task of a case, and the outcome of one run with other initial weights, of seed 1."""
    level, init = {"train": Level(1.0, None)}, initializers["fan_in_normal"]()
    task = Task(
        train=case.problem,
        valid=None,
        widths=case.widths,
        draw_weights=lambda seed: init.initial_weights(seed, case.widths, output_bias=True),
        classes=False,
        chance=level,
        class_prior=level,
    )
    return task, train(task, optimizer, Terms((), reading, Budget(epochs=epochs)), [1], Clock())[0]


def test_the_engine_ends_a_run_where_the_brute_force_loop_stops():
    case = CASES["published"]
    task, outcome = train_one(case, MAKE(low=-2, high=2, count=5), 50)
    brute, best, sweeps = case.brute(task.initial_weights((1,))), np.inf, 0
    while True:
        before = brute.loss()
        brute.sweep(np.linspace(-2, 2, 5))
        after, sweeps = brute.loss(), sweeps + 1
        if after >= best and before - after < 1e-6:
            break
        best = min(best, after)
    assert (outcome.status, outcome.history[-1].epoch) == ("finished", sweeps)
    assert outcome.history[-1].loss == pytest.approx(after, rel=1e-9)


def test_as_published_evaluates_the_loss_after_the_sweep():
    case, optimizer = CASES["published"], MAKE(low=-2, high=2, count=5)
    ends, published = (
        [row.loss for row in train_one(case, optimizer, 3, reading)[1].history]
        for reading in ("end_of_epoch", "as_published")
    )
    assert published == ends[1:]


def test_passes_are_counted_by_their_share_of_the_multiply_adds():
    """6-5-4-3: a parameter of layer 1 costs 1 + 4 + 12 of 62, of layer 2 1 + 3, of layer 3 1."""
    case = Case((6, 5, 4, 3), ("tanh", "tanh"))
    last = train_one(case, MAKE(count=10, keep_incumbent=True), 2)[1].history[-1]
    suffixes = 35 * 17 + 24 * 4 + 15 * 1
    expected = 2 * 37 * (2 + (10 + 1 + 1) * suffixes / 62)
    assert last.forward_passes == pytest.approx(expected, rel=1e-12)
    assert last.backward_passes == 0


def visited(monkeypatch, seeds, sweeps, **options):
    """The places that each seed visits, sweep after sweep."""
    seen = []
    accept = SearchNetwork.accept

    def noted(self, place, value):
        seen.append((len(value), place))
        accept(self, place, value)

    with monkeypatch.context() as patch:
        patch.setattr(SearchNetwork, "accept", noted)
        run_steps(MAKE(**options), Tiny(), seeds, sweeps)
    return seen


def test_in_random_order_every_sweep_of_a_seed_has_its_permutation(monkeypatch):
    given = [place for _, place in visited(monkeypatch, (3,), 1)]
    seen = [place for _, place in visited(monkeypatch, (3, 1), 2, order="random")]
    each = [seen[i : i + len(given)] for i in range(0, len(seen), len(given))]  # 3, 1, 3, 1
    assert len(each) == 4
    assert all(sorted(part) == sorted(given) for part in each)
    assert len({tuple(part) for part in [given, *each]}) == 5
    alone = [place for _, place in visited(monkeypatch, (3,), 2, order="random", count=4)]
    assert alone == each[0] + each[2]


def test_in_random_order_the_sweeps_are_those_of_the_brute_force_loop(case):
    from gfopt.numerics.streams import order

    # 13 values: with 7, a softmax has outgoing weights that are all equal, a tie left to rounding
    state = case.sweeps(MAKE(low=-2, high=2, count=13, order="random"), 3)
    for r, seed in enumerate(case.seeds):
        brute = case.brute(case.params, r)
        places = list(brute.places())
        for sweep in range(3):
            for d in order(seed, sweep, len(places)):
                brute.visit(places[d], np.linspace(-2, 2, 13))
        assert_same(state, r, brute)


def test_chunks_change_no_bit(case):
    optimizer = MAKE(low=-2, high=2, count=11)
    whole = case.sweeps(optimizer, 2)
    for memory in (1, 100_000):
        state, problem = case.begin(optimizer), replace(case.problem, memory=memory)
        for _ in range(2):
            state = optimizer.step(problem, state, problem.forward(state))
        assert all(torch.equal(state[key], whole[key]) for key in whole)


def test_chunks_keep_to_the_memory_given(monkeypatch):
    case, optimizer, sizes, suffix = CASES["deep"], MAKE(count=50), [], SearchNetwork.suffix

    def noted(self, place, values):
        z = suffix(self, place, values)
        sizes.append(2 * sum(layer.nbytes for layer in z))
        return z

    monkeypatch.setattr(SearchNetwork, "suffix", noted)
    optimizer.step(replace(case.problem, memory=200_000), case.begin(optimizer), None)
    assert 100_000 < max(sizes) <= 200_000


def test_it_makes_its_own_pass_where_none_is_given():
    case, optimizer = CASES["published"], MAKE()
    state = case.begin(optimizer)
    given = optimizer.step(case.problem, state, case.problem.forward(state))
    own = optimizer.step(case.problem, state, None)
    assert all(torch.equal(own[key], given[key]) for key in given)


def test_the_pass_that_is_given_stays_as_it_was():
    case, optimizer = CASES["published"], MAKE()
    state = case.begin(optimizer)
    at, again = (case.problem.forward(state) for _ in range(2))
    optimizer.step(case.problem, state, at)
    for part, expected in ((at.z, again.z), (at.a, again.a)):
        assert all(torch.equal(t, e) for t, e in zip(part, expected, strict=True))
