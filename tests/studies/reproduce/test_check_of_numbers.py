"""Checks of one published number, `exact` and `spread`, and each of their verdicts."""

from __future__ import annotations

import itertools
import math
import re

import pytest

from tests.record_factory import record
from tests.studies.reproduce.conftest import (
    EASY,
    HARD,
    HandmadeEvidence,
    assert_facts,
    claim,
    judge,
    measure,
)

INF = math.inf


def read_probability(sentence):
    """The probability that one more seed falls beyond ours."""
    return float(re.search(r"probability ([\d.e-]+?)\.(\s|$)", sentence)[1])


# --- exact ---------------------------------------------------------------------------------------


def test_exact_holds_if_the_number_comes_out_and_other_seeds_surround_it():
    found = judge(claim("exact", published=881), a=[881, 600, 900])
    assert found[:2] == ("yes", "yes")
    assert_facts(found[2], "Seed 1", "881", "as published", "2 other seeds", "600 to 900")


def test_exact_is_only_for_this_seed_if_all_others_are_on_one_side():
    found = judge(claim("exact", published=2243), a=[2243, 1060, 1946])
    assert found[:2] == ("yes", "only for this seed")
    assert_facts(found[2], "2 other seeds", "1060 to 1946")


def test_exact_fails_by_one_epoch():
    found = judge(claim("exact", published=881), a=[882])
    assert found[:2] == ("no", "no")
    assert_facts(found[2], "Seed 1", "882", "not the published 881", "No other seed")


def test_exact_holds_within_its_tolerance_and_says_so():
    near = claim("exact", published=100, tolerance=0.01)
    assert judge(near, a=[101])[:2] == ("yes", "yes")
    assert_facts(judge(near, a=[101])[2], "101", "within 1 %", "the published 100")
    assert judge(near, a=[101.01])[:2] == ("no", "no")


def test_exact_at_a_target_that_a_constant_reaches_is_at_chance_level():
    found = judge(claim("exact", published=139), EASY, a=[139, 130, 140])
    assert found[:2] == ("yes", "target at chance level")
    assert_facts(found[2], "constant predictor", "target 3.2494", "3.24904")


def test_a_wrong_number_is_no_support_whatever_the_target():
    assert judge(claim("exact", published=139), EASY, a=[140])[:2] == ("no", "no")


def test_the_distance_of_the_target_from_the_baseline_is_reported():
    found = judge(claim("exact", published=40), HARD, a=[40])
    assert_facts(found[2], "target 0.1", "80.0 % below", "constant-predictor baseline 0.5")


def test_nothing_is_said_of_targets_of_accuracy():
    high = record(label="a", target_metric="valid_accuracy", target_value=0.9, class_prior=0.1)
    assert "target" not in judge(claim("exact", published=40), {"a": [high]}, a=[40])[2]


def test_exact_shows_its_seed_and_the_median_of_all():
    verdict = claim("exact", published=881).judge(HandmadeEvidence(a=[881, 600, 700]))
    assert (verdict.ours, verdict.median, verdict.interval) == (881, 700, (600, 881))
    assert verdict.percentile == 100


def test_exact_never_holds_for_a_censored_run():
    found = judge(claim("exact", published=881), a=[INF])
    assert found[:2] == ("no", "no")
    assert_facts(found[2], "Target not reached", "censored", "1 of 1 runs")


def test_other_seeds_may_be_censored():
    found = judge(claim("exact", published=881), a=[881, 900, INF])
    assert found[:2] == ("yes", "only for this seed")
    assert_facts(found[2], "2 other seeds", "900 to inf", "censored", "1 of 3 runs")


# --- spread --------------------------------------------------------------------------------------


def test_spread_gives_the_median_and_the_percentile():
    found = judge(claim("spread", published=15), a=[10, 20, 30, 40])
    assert found[:2] == ("within spread", "yes")
    assert_facts(found[2], "4 seeds: 25", "10 to 40", "published 15: 1 of 4 (25 %)")
    assert "probability" not in found[2]


@pytest.mark.parametrize("number", [9, 41])
def test_a_number_outside_of_few_seeds_is_only_for_its_own(number):
    found = judge(claim("spread", published=number), a=[10, 20, 30, 40])
    assert found[:2] == ("outside spread", "only for this seed")
    assert read_probability(found[2]) == 0.4


@pytest.mark.parametrize(("n", "supported"), [(39, "only for this seed"), (40, "no")])
def test_a_number_outside_of_many_seeds_is_not_supported(n, supported):
    made = claim("spread", published=0)
    assert judge(made, a=range(1, n + 1))[:2] == ("outside spread", supported)


@pytest.mark.parametrize(("n", "supported"), [(19, "only for this seed"), (20, "no")])
def test_a_number_better_than_all_of_many_seeds_is_not_supported(n, supported):
    found = judge(claim("spread", published=0, better="lower"), a=range(1, n + 1))
    assert found[:2] == ("outside spread", supported)
    assert read_probability(found[2]) == pytest.approx(1 / (n + 1), rel=0.05)


def test_the_probability_of_one_more_seed_is_that_of_the_last_of_so_many():
    orders = list(itertools.permutations(range(5)))
    beyond = [order[-1] in (0, 4) for order in orders]  # the last one is least or largest
    lowest = [order[-1] == 0 for order in orders]
    both, low = claim("spread", published=9), claim("spread", published=0, better="lower")
    for made, extreme in ((both, beyond), (low, lowest)):
        odds = read_probability(judge(made, a=[1, 2, 3, 4])[2])
        assert odds == pytest.approx(sum(extreme) / len(orders))


def test_a_number_that_other_settings_give_depends_on_implementation():
    made = claim("spread", published=881, elsewhere=measure("b", config="elsewhere"))
    found = judge(made, a=[700, 800], b=[881])
    assert found[:2] == ("outside spread", "depends on implementation")
    assert_facts(found[2], "settings of elsewhere: 881")
    assert judge(made, a=range(1, 41), b=[882])[:2] == ("outside spread", "no")
    assert judge(made, a=[700, 900], b=[881])[:2] == ("within spread", "yes")


def test_one_run_has_no_spread():
    found = judge(claim("spread", published=97), a=[130])
    assert found[:2] == ("outside spread", "only for this seed")
    assert_facts(found[2], "One run", "130", "not the published 97", "no spread")
    same = judge(claim("spread", published=97), a=[97])
    assert same[:2] == ("within spread", "yes")
    assert_facts(same[2], "One run", "97, as published", "no spread")


def test_a_time_outside_of_our_repeats_depends_on_machine_and_program():
    made = claim("spread", measure("a", "seconds", 1), published=585)
    found = judge(made, a=[60, 61, 62])
    assert found[:2] == ("outside spread", "depends on implementation")
    assert_facts(found[2], "3 interleaved repeats of seed 1: 61", "60 to 62", "machine")


@pytest.mark.parametrize(
    ("values", "better", "supported"),
    [
        ([1, 2, 3, 9], "lower", "yes"),
        ([1, 2, 8, 9], "lower", "yes"),
        ([1, 2, 7, 8, 9], "lower", "yes"),
        ([1, 7, 8], "lower", "yes"),
        ([1, 7, 8, 9], "lower", "only for this seed"),
        ([6, 7, 8, 9], "lower", "only for this seed"),
        ([6] * 20, "lower", "no"),
        ([1, 7, 8, 9], "higher", "yes"),
        ([1, 2, 3, 9], "higher", "only for this seed"),
        ([1, 2, 3, 4], "higher", "only for this seed"),
        ([4] * 20, "higher", "no"),
        ([5, 5, 5, 5], "higher", "yes"),
    ],
)
def test_more_than_a_quarter_of_the_seeds_must_get_as_far(values, better, supported):
    assert judge(claim("spread", published=5, better=better), a=values)[1] == supported


def test_the_report_says_how_many_get_as_far_upwards():
    found = judge(claim("spread", published=5, better="higher"), a=[1, 2, 7])
    assert_facts(found[2], "below the published 5: 2 of 3", "above it: 1 of 3")


@pytest.mark.parametrize("given", [{}, {"better": "lower"}])
def test_a_spread_at_a_target_that_a_constant_reaches_is_at_chance_level(given):
    found = judge(claim("spread", published=5, **given), EASY, a=[4, 6])
    assert found[:2] == ("within spread", "target at chance level")


def test_diverged_runs_count_and_never_support():
    made = claim("spread", measure("a", "loss"), published=5, better="lower")
    found = judge(made, a=[4, INF, INF, INF])
    assert found[:2] == ("within spread", "only for this seed")
    assert_facts(found[2], ": inf (range 4 to inf)", "1 of 4 (25 %)", "Diverged", "3 of 4 runs")
    assert judge(made, a=[INF, INF])[:2] == ("outside spread", "no")
