"""The check of a ratio between two optimizers, `ratio`, and each of its verdicts."""

from __future__ import annotations

import math

import pytest

from tests.studies.reproduce.conftest import EASY, assert_facts, claim, judge, measure

INF = math.inf


def test_ratio_is_taken_seed_by_seed():
    made = claim("ratio", than="b", published=[50, 100])
    found = judge(made, a=[10, 20, 30, 40, 50], b=[20, 40, 60, 80, 100])
    assert found[:2] == ("yes", "yes")
    assert_facts(found[2], "a / b: median 0.5000", "over 5 seeds", "published 0.5000")
    assert_facts(found[2], "a is lower in 5 of 5 seeds", "p = 0.031", "within 5 %: 5 of 5")


@pytest.mark.parametrize(
    ("ratios", "reproduced"),
    [
        ([0.51, 0.52, 0.53], "yes"),  # the median within 5 %
        ([0.4, 0.6, 0.7], "within spread"),
        ([0.6, 0.7, 0.8], "outside spread"),
        ([0.51, 0.9, 0.95], "within spread"),  # the least within 5 % of it
        ([0.2, 0.3, 0.4], "outside spread"),
    ],
)
def test_a_ratio_is_within_its_tolerance_or_within_or_outside_the_spread(ratios, reproduced):
    made = claim("ratio", than="b", published=[1, 2])
    assert judge(made, a=ratios, b=[1, 1, 1])[0] == reproduced


def test_the_tolerance_is_the_claims_own():
    made = claim("ratio", than="b", published=[1, 2], tolerance=0.001)
    assert judge(made, a=[0.51], b=[1])[0] == "outside spread"


def test_a_ratio_that_few_seeds_reach_is_only_for_this_seed():
    made = claim("ratio", than="b", published=[40, 100])
    found = judge(made, a=[0.4, 0.6, 0.7, 0.8, 0.9], b=[1] * 5)
    assert found[:2] == ("within spread", "only for this seed")
    assert_facts(found[2], "As low as published, within 5 %: 1 of 5")


def test_more_than_a_quarter_of_the_seeds_must_reach_the_ratio_within_its_tolerance():
    made = claim("ratio", than="b", published=[50, 100])
    found = judge(made, a=[0.51, 0.52, 0.525, *[0.8] * 5], b=[1] * 8)
    assert found[:2] == ("within spread", "yes")
    assert_facts(found[2], "within 5 %: 3 of 8")
    less = judge(made, a=[0.51, 0.52, 0.53, *[0.8] * 5], b=[1] * 8)
    assert less[:2] == ("within spread", "only for this seed")


def test_a_ratio_above_one_in_most_seeds_is_no():
    made = claim("ratio", than="b", published=[40, 100])
    assert judge(made, a=[2, 2, 2], b=[1, 1, 1])[:2] == ("outside spread", "no")
    assert judge(made, a=[0.1, 2, 2], b=[1, 1, 1])[1] == "no"


def test_a_tie_is_no_win():
    made = claim("ratio", than="b", published=[95, 100])
    assert judge(made, a=[1, 1, 0.9], b=[1, 1, 1])[1] == "no"


def test_three_seeds_that_agree_are_too_few():
    made = claim("ratio", than="b", published=[1, 2])
    found = judge(made, a=[0.5] * 3, b=[1] * 3)
    assert found[:2] == ("yes", "only for this seed")
    assert_facts(found[2], "3 of 3 seeds", "p = 0.12", "at least 5 seeds")


def test_a_ratio_may_be_claimed_upwards():
    made = claim("ratio", than="b", published=[2, 1], better="higher")
    assert judge(made, a=[2] * 5, b=[1] * 5)[:2] == ("yes", "yes")
    assert judge(made, a=[1.1] * 5, b=[1] * 5)[:2] == ("outside spread", "only for this seed")
    assert judge(made, a=[0.5] * 5, b=[1] * 5)[:2] == ("outside spread", "no")
    found = judge(made, a=[2] * 5, b=[1] * 5)
    assert_facts(found[2], "a is higher in 5 of 5 seeds", "As high as published")


def test_repeats_of_a_time_must_all_agree():
    def timed(label):
        return measure(label, "cpu_seconds", 1)

    made = claim("ratio", timed("a"), than=timed("b"), published=[23, 50], tolerance=0.15)
    found = judge(made, a=[4, 5, 5], b=[10, 10, 10])
    assert found[:2] == ("yes", "yes")
    assert_facts(found[2], "0.4000 to 0.5000", "3 interleaved repeats of seed 1", "3 of 3 repeats")
    assert "sign test" not in found[2]
    assert judge(made, a=[4, 5, 11], b=[10, 10, 10])[:2] == ("yes", "no")


@pytest.mark.parametrize(
    ("control", "ratio", "supported"),
    [
        (5, "1", "matched by a control"),
        (5.25, "1.050", "matched by a control"),
        (5.3, "1.060", "yes"),
    ],
)
def test_a_control_matches_within_five_per_cent_in_the_median(control, ratio, supported):
    made = claim("ratio", than="b", published=[5, 10], controls=[measure("c")])
    found = judge(made, a=[5] * 5, b=[10] * 5, c=[control] * 5)
    assert found[1] == supported
    assert (f"Control c does as well: median ratio {ratio} " in found[2]) == (supported != "yes")


def test_upwards_a_control_matches_from_five_per_cent_below():
    made = claim("ordering", than="b", better="higher", controls=[measure("c")])
    given = {"a": [20] * 5, "b": [10] * 5}
    assert judge(made, **given, c=[19] * 5)[1] == "matched by a control"
    assert judge(made, **given, c=[18.9] * 5)[1] == "yes"


def test_a_control_that_never_reaches_the_target_matches_nothing():
    made = claim("ratio", than="b", published=[5, 10], controls=[measure("c")])
    assert judge(made, a=[5] * 5, b=[10] * 5, c=[INF] * 5)[1] == "yes"
    assert judge(made, a=[INF] * 5, b=[10] * 5, c=[INF] * 5)[1] == "no"


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_a_control_without_a_known_ratio_matches_nothing(better):
    made = claim("ordering", than="b", better=better, controls=[measure("c")])
    sign = 1 if better == "lower" else -1
    found = judge(made, a=[0] * 5, b=[sign] * 5, c=[0] * 5)
    assert found[1] == "yes"


def test_an_easy_target_takes_the_meaning_from_a_ratio():
    made = claim("ratio", than="b", published=[1, 2], controls=[measure("c")])
    found = judge(made, EASY, a=[5] * 5, b=[10] * 5, c=[5] * 5)
    assert found[:2] == ("yes", "target at chance level")
    assert judge(made, EASY, a=[20] * 5, b=[10] * 5, c=[5] * 5)[1] == "no"


def test_censored_runs_are_infinite_in_ratios():
    made = claim("ratio", than="b", published=[1, 2])
    lost = judge(made, a=[INF] * 5, b=[10] * 5)
    assert lost[:2] == ("outside spread", "no")
    assert_facts(lost[2], "a / b: median inf", "censored", "5 of 5 runs")
    neither = judge(made, a=[INF] * 5, b=[INF] * 5)
    assert neither[:2] == ("outside spread", "no")
    won = judge(made, a=[10] * 5, b=[INF] * 5)
    assert won[:2] == ("outside spread", "yes")
    assert_facts(won[2], "a / b: median 0 ")


def test_nothing_divided_by_nothing_is_no_win():
    made = claim("ratio", than="b", published=[1, 2])
    assert judge(made, a=[0] * 5, b=[0] * 5)[:2] == ("outside spread", "no")
    assert judge(made, a=[1] * 5, b=[0] * 5)[:2] == ("outside spread", "no")


def test_only_seeds_that_both_have_are_compared():
    made = claim("ordering", than="b")
    assert_facts(judge(made, a=[1] * 5, b=[2] * 3)[2], "in 3 of 3 seeds")
