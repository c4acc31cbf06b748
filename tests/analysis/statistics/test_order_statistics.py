import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gfopt.analysis.statistics import order_interval, take_median

costs = st.lists(st.floats(0, 1e6) | st.just(math.inf), min_size=1, max_size=40)


def test_a_miss_counts_as_infinity_in_the_median():
    assert take_median([1, math.inf, 3]) == 3
    assert take_median([1, math.inf, math.inf]) == math.inf
    assert take_median([1, 2, 3, math.inf]) == 2.5


def test_nan_counts_as_infinity():
    assert take_median([math.nan, 1, math.nan]) == math.inf
    assert order_interval([math.nan, 1]) == (1, math.inf)


def test_one_value_has_no_interval():
    assert order_interval([3.0]) == (None, None)


@pytest.mark.parametrize("count", range(2, 6))
def test_below_six_values_the_interval_is_minimum_and_maximum(count):
    assert order_interval([float(i) for i in range(count)][::-1]) == (0, count - 1)


@pytest.mark.parametrize("count", range(6, 16))
def test_from_six_on_the_interval_is_the_narrowest_that_covers_the_median_in_95_percent(count):
    """Brute force: of all 2^n patterns of values below and above the median."""
    patterns = list(product((0, 1), repeat=count))

    def coverage(k):  # of the k-th smallest and k-th largest value
        return sum(k <= sum(below) <= count - k for below in patterns) / len(patterns)

    k = max(k for k in range(1, count // 2 + 1) if coverage(k) >= 0.95)
    assert order_interval([float(i) for i in range(1, count + 1)]) == (k, count + 1 - k)


@given(costs)
def test_the_interval_encloses_the_median_and_consists_of_values(values):
    lo, hi = order_interval(values)
    if lo is not None:
        assert lo <= take_median(values) <= hi
        assert {lo, hi} <= set(values)


@given(costs, st.randoms())
def test_the_order_of_values_makes_no_difference(values, random):
    shuffled = random.sample(values, len(values))
    assert take_median(shuffled) == take_median(values)
    assert order_interval(shuffled) == order_interval(values)
