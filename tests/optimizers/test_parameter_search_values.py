"""The parameter search's values: which are tried for a parameter, and which of them is kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gfopt.model.dense import DenseProblem
from gfopt.model.losses import losses
from gfopt.optimizers import optimizers
from gfopt.optimizers.parameter_search import Place, pick_lowest
from tests.optimizers.brute_search import Case

MAKE = optimizers["parameter_search"]


def off_grid():
    """A linear regression at its optimum, which no coarse grid holds."""
    case = Case((3, 1), ())
    W = torch.full((3, 1, 3), 0.3, dtype=torch.float64)
    case.params = {"W1": W, "b1": W[..., :1] * 0}
    y = case.params["W1"][0] @ case.problem.inputs
    case.problem = DenseProblem((), losses["mse"](), case.problem.inputs, y)
    return case


def test_the_value_before_is_given_up_even_where_it_was_the_best():
    case = off_grid()
    assert (case.losses(case.params) == 0).all()
    assert (case.losses(case.sweeps(MAKE(low=-1, high=1, count=5), 1)) > 0).all()


def test_a_kept_incumbent_wins_where_nothing_is_better():
    case = off_grid()
    state = case.sweeps(MAKE(low=-1, high=1, count=5, keep_incumbent=True), 2)
    assert all(torch.equal(state[key], p) for key, p in case.params.items())


def test_the_first_of_equals_is_kept_and_nan_never():
    nan, inf = float("nan"), float("inf")
    scores = torch.tensor([[3.0, 1, 1, 2], [nan, 5, nan, 5], [nan, inf, nan, nan], [2, nan, 1, -1]])
    values = torch.tensor([10.0, 20, 30, 40]).repeat(4, 1)
    present = torch.full((4, 1), 7.0)
    assert pick_lowest(values, scores, present)[:, 0].tolist() == [20, 20, 7, 40]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("samples", [37, 442])
@pytest.mark.parametrize("seeds", [(1,), (3, 1, 2)])
def test_all_values_of_a_dead_unit_tie_to_the_last_bit_so_the_first_is_kept(dtype, samples, seeds):
    case = Case((3, 4, 5, 3, 1), ("relu",) * 3, samples=samples, seeds=seeds, dtype=dtype)
    case.params["b1"] = case.params["b1"].clone()
    case.params["b1"][:, 2] = -1000
    values = torch.linspace(-5, 5, 100, dtype=dtype).repeat(len(seeds), 1)
    for j in range(3):
        found = case.network().losses(Place(1, "W1", 2, j), values)
        assert torch.equal(found, found[:, :1].expand_as(found))
    state = case.sweeps(MAKE(low=-5, high=5, count=100), 1)
    assert (state["W1"][:, 2] == -5).all()


def test_a_value_that_overflows_is_never_kept():
    case = Case((3, 2, 1), ("relu",))
    state = case.sweeps(MAKE(low=-1e300, high=1e300, count=3), 1)
    assert case.losses(state).isfinite().all()


def test_a_parameter_stays_where_no_value_has_a_finite_loss():
    case = Case((3, 1), ())
    state = case.sweeps(MAKE(low=1e300, high=1e301, count=4), 1)
    assert all(torch.equal(state[key], p) for key, p in case.params.items())


def grid(optimizer, present, sweep):
    present = torch.tensor([[present]], dtype=torch.float64)
    return optimizer.grids(torch.tensor([sweep]))(present)[0].numpy()


def test_without_shrinking_every_sweep_has_the_same_values_to_the_last_bit():
    for low, high in ((-5, 5), (-0.3, 0.7), (1, 3)):
        for sweep in (0, 1, 7):
            found = grid(MAKE(low=low, high=high, count=100), 0.123, sweep)
            assert np.array_equal(found, np.linspace(low, high, 100))


@pytest.mark.parametrize(
    ("present", "sweep", "low", "high"),
    [(0.3, 0, -4, 4), (0.3, 1, -1.7, 2.3), (0.3, 2, -0.7, 1.3), (3.9, 2, 2, 4), (-9.0, 2, -4, -2)],
)
def test_a_shrinking_range_is_centred_as_far_as_it_fits(present, sweep, low, high):
    found = grid(MAKE(low=-4, high=4, count=9, shrink=0.5), present, sweep)
    np.testing.assert_allclose(found, np.linspace(low, high, 9), rtol=0, atol=1e-14)


def test_shrinking_ends_nearer_to_a_regressions_optimum():
    case = off_grid()
    plain, finer = (
        case.losses(case.sweeps(MAKE(low=-1, high=1, count=5, shrink=s), 12)) for s in (1.0, 0.6)
    )
    assert (finer < 1e-3 * plain).all()


def test_a_range_upside_down_is_refused():
    with pytest.raises(ValueError, match="low: must be under high \\(got 1 and -1\\)"):
        MAKE(low=1, high=-1).check(3)
