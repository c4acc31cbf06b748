"""The expected best score of k trials, against all ways to draw them."""

from itertools import pairwise, product
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gfopt.studies.tune.curves import compute_expected_best


@given(st.lists(st.floats(0, 2), min_size=1, max_size=5), st.integers(1, 4))
def test_it_is_the_mean_lowest_of_all_draws_with_replacement(scores, k):
    every = [min(draw) for draw in product(scores, repeat=k)]
    assert compute_expected_best(scores, k) == pytest.approx(fmean(every))


@given(st.lists(st.floats(0, 2), min_size=1, max_size=20))
def test_more_trials_never_make_it_worse_and_one_is_the_mean(scores):
    curve = [compute_expected_best(scores, k) for k in range(1, len(scores) + 1)]
    assert curve[0] == pytest.approx(fmean(scores))
    assert all(b <= a + 1e-12 for a, b in pairwise(curve))
