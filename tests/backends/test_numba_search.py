"""The compiled parameter search against the optimizer's own file."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gfopt.backends.numba import compiled_loops
from gfopt.backends.numba.parameter_search import CompiledSearch
from gfopt.model.activations import activations
from gfopt.model.dense import DenseProblem
from gfopt.model.initializers import initializers
from gfopt.model.losses import losses
from gfopt.model.state import parameters
from gfopt.optimizers import optimizers
from gfopt.optimizers.parameter_search import ParameterSearch
from tests.optimizers import searching

PLAIN = optimizers["parameter_search"]
DTYPES = [torch.float64, pytest.param(torch.float32, marks=pytest.mark.long)]  # compiled later
SMALL = {"low": -2, "high": 2, "count": 12}


class Case(searching.Case):
    """A case of two seeds, swept without a pass given."""

    def __init__(self, widths, names, loss="mse", samples=37, seeds=(3, 1), **more):
        super().__init__(widths, names, loss, samples, seeds, **more)

    def step(self, optimizer, state):
        with torch.no_grad():
            return optimizer.step(self.problem, state, None)

    def sweeps(self, optimizer, count):
        state = self.begin(optimizer)
        for _ in range(count):
            state = self.step(optimizer, state)
        return state


def assert_same_search(case, sweeps=10, **options):
    """Sweep for sweep the parameters and losses of the plain optimizer."""
    both = [make(**options) for make in (CompiledSearch, PLAIN)]
    compiled, plain = (case.begin(optimizer) for optimizer in both)
    for _ in range(sweeps):
        compiled, plain = case.step(both[0], compiled), case.step(both[1], plain)
        assert list(compiled) == list(plain)
        for key, expected in plain.items():
            assert compiled[key].dtype == expected.dtype
            if key == "best":
                torch.testing.assert_close(compiled[key], expected, rtol=1e-9, atol=0)
            elif key != "ended":
                torch.testing.assert_close(compiled[key], expected, rtol=0, atol=1e-12)
        expected = case.losses(plain)
        torch.testing.assert_close(case.losses(compiled), expected, rtol=1e-9, atol=1e-15)


PROBLEMS = {
    "published": ((6, 5, 4, 1), ("identity", "relu"), "mse"),
    "five hidden, one output": ((4, 3, 5, 1), ("tanh", "identity"), "nmse"),
    "deep": ((4, 4, 3, 3, 2), ("tanh", "relu", "sigmoid"), "mse"),
    "wide in the middle": ((3, 2, 9, 2), ("negative_part", "tanh"), "nmse"),
    "softmax": ((5, 4, 3), ("tanh",), "cross_entropy"),
    "one layer": ((4, 3), (), "cross_entropy"),
    "one layer, one output": ((4, 1), (), "mse"),
    "sigmoid output": ((4, 5, 2), ("relu",), "sigmoid_mse"),
    "two classes": ((4, 5, 3, 1), ("tanh", "sigmoid"), "bce"),
    "softmax, two-sided": ((4, 5, 3), ("sigmoid",), "softmax_bce"),
}


@pytest.fixture(params=list(PROBLEMS))
def problem(request):
    return PROBLEMS[request.param]


def test_ten_sweeps_are_the_plain_ones(problem):
    assert_same_search(Case(*problem), **SMALL)


def test_options_do_what_they_do_in_the_plain_optimizer(problem):
    options = SMALL | {"keep_incumbent": True, "shrink": 0.8, "order": "random"}
    assert_same_search(Case(*problem), 5, **options)


@pytest.mark.parametrize("option", [{"keep_incumbent": True}, {"shrink": 0.7}, {"order": "random"}])
def test_each_option_alone_does_what_it_does_in_the_plain_optimizer(option):
    assert_same_search(Case(*PROBLEMS["published"]), **(SMALL | option))


@pytest.mark.parametrize("samples", [1, 64, 511, 512, 513, 1100])
def test_any_number_of_samples_is_searched_alike(samples):
    names, loss = ("identity", "relu"), "mse"
    assert_same_search(Case((4, 3, 6, 1), names, loss, samples), 2, **SMALL)


def test_an_output_without_bias_is_searched_too():
    case = Case((4, 3, 2), ("relu",))
    del case.params["b2"]
    assert_same_search(case, **SMALL)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("samples", [37, 442])
def test_all_values_of_a_dead_unit_tie_so_the_first_is_kept(dtype, samples):
    case = Case((3, 4, 5, 3, 1), ("relu",) * 3, samples=samples, dtype=dtype)
    case.params["b1"][:, 2] = -1000
    state = case.sweeps(CompiledSearch(low=-5, high=5, count=100), 1)
    assert (state["W1"][:, 2] == -5).all()


@pytest.mark.parametrize("widths", [(3, 2, 1), (3, 2, 4, 1), (3, 2, 3, 2)])
def test_values_that_overflow_are_never_kept(widths):
    """z or its square are inf or NaN."""
    case = Case(widths, ("relu",) * (len(widths) - 2))
    state = case.sweeps(CompiledSearch(low=-1e300, high=1e300, count=3), 1)
    assert case.losses(state).isfinite().all()


def test_of_values_that_overflow_the_others_are_kept_as_in_the_plain_optimizer():
    case = Case((3, 1), ())
    assert_same_search(case, 1, low=-1e160, high=1, count=7)


def test_a_parameter_stays_where_no_value_has_a_finite_loss():
    case = Case((3, 1), ())
    state = case.sweeps(CompiledSearch(low=1e300, high=1e301, count=4), 1)
    assert all(torch.equal(state[key], p) for key, p in case.params.items())


@pytest.mark.long
def test_in_float32_values_are_on_the_grid_and_the_loss_falls_as_the_plain_one():
    case = Case((6, 5, 4, 1), ("identity", "relu"), dtype=torch.float32)
    made = [case.sweeps(make(**SMALL), 1) for make in (CompiledSearch, PLAIN)]
    compiled, plain = made
    assert all(torch.equal(compiled[key], plain[key]) for key in parameters(plain))
    state = case.sweeps(CompiledSearch(**SMALL), 5)
    grid = torch.as_tensor(np.linspace(-2, 2, 12)).float()
    assert all(torch.isin(p, grid).all() for p in parameters(state).values())
    torch.testing.assert_close(case.losses(state), case.losses(case.sweeps(PLAIN(**SMALL), 5)))


def diabetes(dtype, seeds=(1, 2)):
    """The network of configs/diabetes_search.yaml and its initial weights."""
    from sklearn.datasets import load_diabetes

    data, case = load_diabetes(), Case((10, 5, 4, 1), ("identity", "relu"), seeds=seeds)
    x, y = (torch.as_tensor(t).to(dtype).mT for t in (data.data, data.target[:, None]))
    case.problem = DenseProblem(case.problem.hidden, losses["mse"](), x, y)
    init = initializers["uniform"](low=-5, high=5, stream="torch", biases="drawn")
    starts = [init.initial_weights(seed, (10, 5, 4, 1), output_bias=True) for seed in seeds]
    case.params = {
        key: torch.as_tensor(np.stack([s[key] for s in starts])).to(dtype) for key in starts[0]
    }
    return case


def test_two_sweeps_of_the_published_experiment_are_the_plain_ones():
    assert_same_search(diabetes(torch.float64), 2, low=-5, high=5, count=100)


def test_the_given_state_stays_as_it_was(problem):
    case, optimizer = Case(*problem), CompiledSearch(**SMALL)
    state = case.sweeps(optimizer, 1)
    with torch.no_grad():
        at = case.problem.forward(state)
        kept = [t.clone() for t in (*state.values(), *at.z, *at.a)]
        optimizer.step(case.problem, state, at)
    assert all(map(torch.equal, kept, (*state.values(), *at.z, *at.a)))


def test_vectorized_seeds_get_what_each_gets_alone():
    optimizer = CompiledSearch(low=-5, high=5, count=20)
    both = diabetes(torch.float64).sweeps(optimizer, 2)
    for r, seed in enumerate((1, 2)):
        alone = diabetes(torch.float64, (seed,)).sweeps(optimizer, 2)
        assert all(torch.equal(both[key][r], alone[key][0]) for key in parameters(alone))


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_thread_and_two_give_the_same_bits(dtype):
    ends = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        ends.append(diabetes(dtype).sweeps(CompiledSearch(low=-5, high=5, count=20), 3))
    assert all(torch.equal(ends[0][key], ends[1][key]) for key in ends[0])


def find_obstacle(names, loss):
    return compiled_loops["parameter_search"]().find_obstacle(PLAIN(), names, losses[loss]())


def test_every_network_here_is_taken_and_unknown_activations_and_losses_are_named():
    assert [find_obstacle(names, loss) for _, names, loss in PROBLEMS.values()] == [None] * 10
    assert "activation swish" in find_obstacle(("relu", "swish"), "mse")
    assert "the loss" in find_obstacle(("relu",), "am_softmax")


def test_every_registered_activation_is_known_to_the_loop():
    assert find_obstacle(tuple(activations), "mse") is None


def test_the_compiled_search_replaces_the_visits_of_the_plain_one():
    assert "visit" in vars(ParameterSearch)
    assert CompiledSearch.visit is not ParameterSearch.visit
