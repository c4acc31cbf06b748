import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gfopt.analysis.statistics import Costs, Estimate, compare, holm

from .samples import costs, every

NOTHING = Estimate(None, None, None)
two_rows = every(most=10).flatmap(lambda a: st.tuples(st.just(a), every(len(a), len(a))))


def swapped(ratio):
    def inverse(x):
        return x if x is None else 1 / x if x else math.inf

    return tuple(map(inverse, (ratio.value, ratio.hi, ratio.lo)))


@given(two_rows)
def test_comparing_the_other_way_round_swaps_wins_and_inverts_ratios(rows):
    a, b = rows
    there, back = compare(a, b), compare(b, a)
    assert (there.wins, there.losses, there.ties) == (back.losses, back.wins, back.ties)
    assert there.ratio_mean == pytest.approx(swapped(back.ratio_mean))
    assert there.ratio_median[1:] == pytest.approx(swapped(back.ratio_median)[1:])
    assert (there.test, there.smallest_p) == (back.test, back.smallest_p)
    assert there.p == pytest.approx(back.p)
    assert there.logrank_p == pytest.approx(back.logrank_p)


@given(two_rows)
def test_a_comparison_is_consistent(rows):
    found = compare(*rows)
    assert found.wins + found.losses + found.ties == found.pairs
    assert found.smallest_p <= found.p <= 1
    for value, lo, hi in (found.ratio_mean, found.ratio_median):
        assert None in (value, lo, hi) or lo <= value <= hi


@given(two_rows)
def test_a_win_holds_whatever_the_misses_would_have_cost(rows):
    """Brute force: misses cost just over, twice or a thousand times what was spent."""
    a, b = rows

    def possible(row):
        for spent, reached, hopeless in zip(row.spent, row.reached, row.hopeless, strict=True):
            more = [spent + 1e-9, 2 * spent + 1e-9, 1000 * spent + 1000]
            yield [spent] if reached else [1e12] if hopeless else more

    wins = [
        all(x < y for x, y in product(xs, ys))
        for xs, ys in zip(possible(a), possible(b), strict=True)
    ]
    both = [x or y for x, y in zip(a.reached, b.reached, strict=True)]
    assert compare(a, b).wins == sum(won and known for won, known in zip(wins, both, strict=True))


def test_a_run_beats_one_that_was_followed_as_long_and_missed():
    a = costs([5, 5, 5, 5])
    b = costs([5, 4, 6, 1], missed=[0, 1, 2], hopeless=[3])
    found = compare(a, b)
    assert (found.wins, found.losses, found.ties) == (3, 0, 1)  # 4 < 5: undecided


def test_the_geometric_mean_is_one_of_all_pairs_or_none():
    assert compare(costs([1, 8]), costs([2, 4])).ratio_mean == pytest.approx((1, 0.5, 2))
    assert compare(costs([1, 8]), costs([2, 4], missed=[1])).ratio_mean == NOTHING
    assert compare(costs([3]), costs([4])).ratio_mean == pytest.approx((0.75, None, None))


def test_a_cost_of_zero_on_both_sides_is_the_ratio_one():
    found = compare(costs([0, 0, 4]), costs([0, 0, 2]))
    assert found.ratio_mean.value == pytest.approx(2 ** (1 / 3))
    assert found.ratio_median == Estimate(1, 1, 2)
    assert (found.test, found.p) == ("sign", 1)


def test_zero_against_something_has_no_geometric_mean_but_a_median():
    found = compare(costs([0, 0, 4]), costs([3, 1, 0]))
    assert found.ratio_mean == NOTHING
    assert found.ratio_median == Estimate(0, 0, math.inf)


def test_misses_count_in_the_median_ratio_as_zero_or_infinity():
    a = costs([1, 1, 2, 9, 9], missed=[3, 4])
    b = costs([9, 9, 4, 3, 3], missed=[0])
    assert compare(a, b).ratio_median == Estimate(0.5, 0, math.inf)


def test_a_median_ratio_that_depends_on_undecided_pairs_is_unknown():
    a, b = costs([1, 1, 9], missed=[2]), costs([2, 4, 9], missed=[2])
    assert compare(a, b).ratio_median == Estimate(None, 0, math.inf)
    a, b = costs([1, 1, 1, 1, 9], missed=[4]), costs([2, 2, 2, 2, 9], missed=[4])
    assert compare(a, b).ratio_median == Estimate(0.5, 0, math.inf)


def test_an_interval_uses_of_a_miss_only_what_is_known():
    """b missed at twice a's cost: the ratio is below a half, no more is known."""
    found = compare(costs([1] * 6), costs([2] * 6, missed=range(6)))
    assert found.ratio_median == Estimate(0, 0, 0.5)
    found = compare(costs([1] * 6), costs([2] * 6, hopeless=range(6)))
    assert found.ratio_median == Estimate(0, 0, 0)


@given(st.lists(st.integers(-40, 40).filter(bool), min_size=1, max_size=9, unique_by=abs))
def test_the_signed_rank_p_is_that_of_all_signs(logs):
    ranks = np.argsort(np.argsort(np.abs(logs))) + 1
    observed = abs(ranks @ np.sign(logs))
    sums = np.array(list(product((-1, 1), repeat=len(logs)))) @ ranks
    found = compare(costs([1.1**x for x in logs]), costs([1] * len(logs)))
    assert found.test == "signed-rank"
    assert found.p == pytest.approx((np.abs(sums) >= observed).mean())


@pytest.mark.parametrize("n", range(2, 9))
def test_the_sign_p_is_that_of_all_signs_and_the_smallest_is_that_of_wins_alone(n):
    patterns = np.array(list(product((-1, 1), repeat=n))).sum(1)
    for wins in range(n + 1):
        found = compare(costs([1] * wins + [4] * (n - wins)), costs([2] * n))
        assert found.test == "sign"
        assert found.p == pytest.approx((np.abs(patterns) >= abs(2 * wins - n)).mean())
        assert found.smallest_p == pytest.approx((np.abs(patterns) == n).mean())


def test_without_decided_pairs_p_is_one():
    missed = costs([5] * 7, missed=range(7))
    found = compare(missed, missed)
    assert (found.ties, found.test, found.p, found.logrank_p) == (7, "sign", 1, 1)
    assert found.ratio_median == Estimate(None, 0, math.inf)
    found = compare(costs([0] * 7), costs([0] * 7))
    assert (found.ties, found.p, found.logrank_p) == (7, 1, None)
    assert found.ratio_mean == found.ratio_median == Estimate(1, 1, 1)


def test_ratios_equal_but_for_rounding_are_tied():
    assert compare(costs([0.1, 0.3, 1]), costs([0.3, 0.9, 7])).test == "sign"
    assert compare(costs([0.1, 0.3, 1]), costs([0.3, 0.8, 7])).test == "signed-rank"


def logrank_by_definition(a, b):
    def ends(row):
        runs = zip(row.spent, row.reached, row.hopeless, strict=True)
        return [(math.inf if hopeless else spent, reached) for spent, reached, hopeless in runs]

    excess = variance = 0.0
    for cost in sorted({end for end, reached in ends(a) + ends(b) if reached}):
        n_a, n_b = (sum(end >= cost for end, _ in ends(row)) for row in (a, b))
        d_a, d_b = (sum(end == cost and got for end, got in ends(row)) for row in (a, b))
        n, d = n_a + n_b, d_a + d_b
        excess += d_a - d * n_a / n
        variance += d * (n_a / n) * (n_b / n) * (n - d) / (n - 1) if n > 1 else 0
    return math.erfc(abs(excess) / math.sqrt(2 * variance)) if variance else 1.0


@given(two_rows)
def test_the_log_rank_p_is_that_of_the_definition_and_only_where_a_run_missed(rows):
    found = compare(*rows).logrank_p
    if all(rows[0].reached + rows[1].reached):
        assert found is None
    else:
        assert found == pytest.approx(logrank_by_definition(*rows), abs=1e-9)


def test_rows_of_different_length_are_refused():
    with pytest.raises(ValueError, match="3 and 2 runs"):
        compare(costs([1, 2, 3]), costs([1, 2]))


probabilities = st.lists(st.floats(0, 1), max_size=8)


@given(probabilities, st.floats(0.001, 0.999))
def test_holm_rejects_what_the_steps_of_its_definition_reject(ps, level):
    left = sorted(range(len(ps)), key=lambda i: ps[i])
    rejected = set()
    while left and len(left) * ps[left[0]] <= level:
        rejected.add(left.pop(0))
    assert {i for i, p in enumerate(holm(ps)) if p <= level} == rejected


def test_holm_by_hand():
    assert holm([]) == []
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, math.nan])


def test_the_same_rows_give_the_same_comparison():
    rng = np.random.default_rng(1)
    a, b = (Costs(tuple(rng.random(9)), (True,) * 9, (False,) * 9) for _ in range(2))
    assert compare(a, b) == compare(a, b)
