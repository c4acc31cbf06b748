import math
from fractions import Fraction
from statistics import NormalDist
from statistics import median as usual_median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf

from gfopt.analysis.statistics import (
    Costs,
    Estimate,
    expected_running_time,
    median,
    order_interval,
    restricted_mean,
    success_rate,
)

from .samples import costs, every


def ends(row):
    runs = zip(row.spent, row.reached, row.hopeless, strict=True)
    return [(math.inf if hopeless else spent, reached) for spent, reached, hopeless in runs]


def kaplan_meier(row):
    """[(cost, share without the target from there on)], from the definition, exactly."""
    share, curve = Fraction(1), []
    for cost in sorted({end for end, reached in ends(row) if reached}):
        at_risk = sum(end >= cost for end, _ in ends(row))
        share *= 1 - Fraction(sum(end == cost and got for end, got in ends(row)), at_risk)
        curve.append((cost, share))
    return curve


def median_by_definition(row):
    curve = kaplan_meier(row)
    half = next((cost for cost, share in curve if share <= Fraction(1, 2)), math.inf)
    below = next((cost for cost, share in curve if share < Fraction(1, 2)), math.inf)
    return (half + below) / 2


@given(every())
def test_the_median_is_where_the_kaplan_meier_curve_falls_below_a_half(row):
    assert median(row).value == median_by_definition(row)


@given(every(), st.sampled_from([0, 0.5, 3, 9, 20]))
def test_the_restricted_mean_is_the_area_under_the_kaplan_meier_curve(row, horizon):
    steps = [(0.0, Fraction(1)), *((c, s) for c, s in kaplan_meier(row) if c < horizon)]
    edges = [cost for cost, _ in steps[1:]] + [horizon]
    area = sum(float(s) * (end - start) for (start, s), end in zip(steps, edges, strict=True))
    assert restricted_mean(row, horizon) == pytest.approx(area)


def test_the_curve_is_that_of_scipy_where_scipy_has_one():
    """The fan belts of Conover's book: its survival function and the median that follows."""
    row = costs([77, 47, 81, 56, 80, 62, 60, 43, 71, 37], missed=range(5, 10))
    curve = ecdf(CensoredData.right_censored(row.spent, ~np.array(row.reached))).sf
    for cost, share in kaplan_meier(row):
        assert float(share) == pytest.approx(curve.evaluate(cost))
    assert median(row).value == (77 + 80) / 2


def test_the_restricted_mean_without_misses_is_the_mean_of_what_lies_before_the_horizon():
    assert restricted_mean(costs([1, 2, 9]), 4) == pytest.approx((1 + 2 + 4) / 3)


@pytest.mark.parametrize("horizon", [-1, math.inf, math.nan])
def test_a_horizon_is_finite(horizon):
    with pytest.raises(ValueError, match="horizon"):
        restricted_mean(costs([1]), horizon)


def test_an_early_end_by_budget_is_censored_but_a_hopeless_run_never_reaches_the_target():
    spent = [1, 5, 6, 7]
    assert median(costs(spent, missed=[0])).value == 6
    assert median(costs(spent, hopeless=[0])).value == 6.5


def test_if_half_the_runs_miss_the_median_is_infinite():
    assert median(costs([1, 2, 9, 9], missed=[2, 3])) == Estimate(math.inf, 1, math.inf)
    assert median(costs([1, 2, 9, 9, 9], missed=[3, 4])) == Estimate(9, 1, math.inf)


def test_one_run_has_no_interval_and_below_six_it_is_minimum_and_maximum():
    assert median(costs([3])) == Estimate(3, None, None)
    assert median(costs([3], hopeless=[0])) == Estimate(math.inf, None, None)
    assert median(costs([3, 1, 2])) == Estimate(2, 1, 3)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_without_misses_median_and_interval_are_the_usual_ones(spent):
    found = median(costs(spent))
    assert found.value == usual_median(spent)
    assert found[1:] == order_interval(spent)


@pytest.mark.parametrize("n", range(6, 60))
def test_misses_beyond_the_order_statistics_change_nothing_but_what_lies_beyond(n):
    """Down to the last 30 %, by budget and for ever, against scipy's exact interval."""
    beyond = range(math.ceil(0.7 * n), n)
    known = [*range(beyond[0]), *[math.inf] * len(beyond)]
    for row in (costs(range(n), hopeless=beyond), costs([*range(n)], missed=beyond)):
        assert median(row)[1:] == order_interval(known)


def test_if_all_ran_out_of_budget_the_median_lies_beyond_it():
    assert median(costs([10] * 6, missed=range(6))) == Estimate(math.inf, 10, math.inf)
    assert median(costs([10] * 6, hopeless=range(6))) == Estimate(math.inf, math.inf, math.inf)


@given(every())
def test_the_interval_encloses_the_median(row):
    found = median(row)
    assert found.lo is None or found.lo <= found.value <= found.hi


@given(every(), st.randoms())
def test_the_order_of_runs_makes_no_difference(row, random):
    runs = list(zip(row.spent, row.reached, row.hopeless, strict=True))
    random.shuffle(runs)
    other = Costs(*zip(*runs, strict=True))
    for statistic in (success_rate, median, expected_running_time):
        assert statistic(other) == statistic(row)


@given(every())
def test_the_fraction_has_the_interval_of_wilsons_formula(row):
    n, p, z = len(row), sum(row.reached) / len(row), NormalDist().inv_cdf(0.975)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    assert success_rate(row) == pytest.approx((p, centre - half, centre + half), abs=1e-12)


def test_the_expected_running_time_is_all_costs_over_the_successes():
    assert (
        expected_running_time(costs([1, 2, 9, 5], missed=[2], hopeless=[3])).value
        == (1 + 2 + 9 + 5) / 2
    )
    assert expected_running_time(costs([4, 5], missed=[0, 1])) == Estimate(math.inf, None, None)
    none = costs([4] * 8, missed=range(8))
    assert expected_running_time(none) == Estimate(math.inf, None, None)


def test_the_expected_running_time_is_what_restarts_cost_on_average():
    rng = np.random.default_rng(5)
    row = costs([1, 2, 9, 5, 3], missed=[2], hopeless=[3])
    picked = rng.integers(5, size=200_000)
    total, successes = np.array(row.spent)[picked].sum(), np.array(row.reached)[picked].sum()
    assert expected_running_time(row).value == pytest.approx(total / successes, rel=0.01)


@given(every())
def test_the_expected_running_time_lies_in_its_interval_if_it_has_one(row):
    found = expected_running_time(row)
    has_one = len(row) >= 6 and any(row.reached)
    assert (found.lo is not None) == (found.hi is not None) == has_one
    assert not has_one or 0 <= found.lo <= found.value <= found.hi < math.inf


def test_costs_of_nothing_are_expected_to_cost_nothing():
    assert expected_running_time(costs([0] * 7)) == Estimate(0, 0, 0)
    assert expected_running_time(costs([3] * 7)) == pytest.approx((3, 3, 3))


@pytest.mark.parametrize("scale", [1e-3, 60, 1e9])
def test_the_unit_of_costs_changes_only_the_unit_of_the_answers(scale):
    spent, missed = [1, 4, 2, 8, 5, 7, 9], [6]
    for statistic in (median, expected_running_time):
        one, other = (
            statistic(costs(spent, missed)),
            statistic(costs([scale * s for s in spent], missed)),
        )
        assert other == pytest.approx([scale * number for number in one])


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        (((), (), ()), "no runs"),
        (((1.0,), (True, False), (False,)), "one value for each"),
        (((-1.0,), (True,), (False,)), "finite and >= 0"),
        (((math.inf,), (False,), (True,)), "finite and >= 0"),
        (((math.nan,), (True,), (False,)), "finite and >= 0"),
        (((1.0,), (True,), (True,)), "can't be hopeless"),
    ],
)
def test_costs_that_cannot_be_are_refused(fields, what):
    with pytest.raises(ValueError, match=what):
        Costs(*fields)
