"""Checks of one published number, `exact` and `spread`, and each of their verdicts."""

from __future__ import annotations

import itertools
import math

import pytest

from tests.reading.factory import record
from tests.reproduction.conftest import EASY, HARD, Evidence, claim, judged, measure

INF = math.inf


# --- exact ---------------------------------------------------------------------------------------


def test_exact_holds_where_the_number_comes_out_and_other_starts_surround_it():
    reproduced, supported, sentence = judged(claim("exact", published=881), a=[881, 600, 900])
    assert (reproduced, supported) == ("yes", "yes")
    assert sentence == "Seed 1 gives 881, as published. 2 other starts give 600 to 900."


def test_exact_is_only_for_this_seed_where_all_others_are_on_one_side():
    found = judged(claim("exact", published=2243), a=[2243, 1060, 1946])
    assert found[:2] == ("yes", "only for this seed")
    assert "2 other starts give 1060 to 1946." in found[2]


def test_exact_fails_by_one_epoch():
    found = judged(claim("exact", published=881), a=[882])
    assert found[:2] == ("no", "no")
    assert found[2] == "Seed 1 gives 882, not the published 881. No other start was run."


def test_exact_holds_within_its_tolerance_and_says_so():
    near = claim("exact", published=100, tolerance=0.01)
    assert judged(near, a=[101])[:2] == ("yes", "yes")
    assert "gives 101, within 1 % of the published 100." in judged(near, a=[101])[2]
    assert judged(near, a=[101.01])[:2] == ("no", "no")


def test_exact_at_a_target_that_a_constant_reaches_is_at_chance_level():
    found = judged(claim("exact", published=139), EASY, a=[139, 130, 140])
    assert found[:2] == ("yes", "target at chance level")
    assert "The target 3.2494 is no harder than 3.24904" in found[2]


def test_a_wrong_number_is_no_support_whatever_the_target():
    assert judged(claim("exact", published=139), EASY, a=[140])[:2] == ("no", "no")


def test_the_distance_of_the_target_from_a_constant_is_told():
    found = judged(claim("exact", published=40), HARD, a=[40])
    assert "The target 0.1 is 80.0 % below 0.5, the loss of the best constant output." in found[2]


def test_nothing_is_told_of_targets_of_accuracy():
    high = record(label="a", target_metric="valid_accuracy", target_value=0.9, class_prior=0.1)
    assert "target" not in judged(claim("exact", published=40), {"a": [high]}, a=[40])[2]


def test_exact_shows_its_seed_and_the_median_of_all():
    verdict = claim("exact", published=881).judge(Evidence(a=[881, 600, 700]))
    assert (verdict.ours, verdict.median, verdict.interval) == (881, 700, (600, 881))
    assert verdict.percentile == 100


def test_exact_never_holds_for_a_run_that_missed():
    found = judged(claim("exact", published=881), a=[INF])
    assert found[:2] == ("no", "no")
    assert "1 of 1 missed the target or diverged (inf)." in found[2]


def test_other_starts_may_miss():
    found = judged(claim("exact", published=881), a=[881, 900, INF])
    assert found[:2] == ("yes", "only for this seed")
    assert "2 other starts give 900 to inf. 1 of 3 missed" in found[2]


# --- spread --------------------------------------------------------------------------------------


def test_spread_gives_the_median_and_the_percentile():
    found = judged(claim("spread", published=15), a=[10, 20, 30, 40])
    assert found == (
        "within spread",
        "yes",
        "Over 4 seeds the median is 25 (10 to 40); 1 of 4 (25 %) are at or below the published 15.",
    )


@pytest.mark.parametrize("number", [9, 41])
def test_a_number_outside_of_few_seeds_is_only_for_its_own(number):
    found = judged(claim("spread", published=number), a=[10, 20, 30, 40])
    assert found[:2] == ("outside spread", "only for this seed")
    assert found[2].endswith("; one seed more falls outside of them with probability 0.4.")


@pytest.mark.parametrize(("n", "supported"), [(39, "only for this seed"), (40, "no")])
def test_a_number_outside_of_many_seeds_is_not_supported(n, supported):
    made = claim("spread", published=0)
    assert judged(made, a=range(1, n + 1))[:2] == ("outside spread", supported)


@pytest.mark.parametrize(("n", "supported"), [(19, "only for this seed"), (20, "no")])
def test_a_number_better_than_all_of_many_seeds_is_not_supported(n, supported):
    made = claim("spread", published=0, better="lower")
    found = judged(made, a=range(1, n + 1))
    assert found[:2] == ("outside spread", supported)
    assert f"; one seed more falls as far with probability {1 / (n + 1):.2g}." in found[2]


def test_the_probability_of_one_seed_more_is_that_of_the_last_of_so_many():
    orders = list(itertools.permutations(range(5)))
    beyond = [order[-1] in (0, 4) for order in orders]  # the last one is least or largest
    lowest = [order[-1] == 0 for order in orders]
    both, low = claim("spread", published=9), claim("spread", published=9, better="lower")
    assert both._chance([1, 2, 3, 4]) == pytest.approx(sum(beyond) / len(orders))
    assert low._chance([1, 2, 3, 4]) == pytest.approx(sum(lowest) / len(orders))


def test_a_number_that_other_settings_give_depends_on_implementation():
    made = claim("spread", published=881, elsewhere=measure("b", config="elsewhere"))
    found = judged(made, a=[700, 800], b=[881])
    assert found[:2] == ("outside spread", "depends on implementation")
    assert "With the settings of elsewhere it is 881." in found[2]
    assert judged(made, a=range(1, 41), b=[882])[:2] == ("outside spread", "no")
    assert judged(made, a=[700, 900], b=[881])[:2] == ("within spread", "yes")


def test_one_run_has_no_spread():
    found = judged(claim("spread", published=97), a=[130])
    assert found[:2] == ("outside spread", "only for this seed")
    assert found[2] == "One run gives 130; published 97: too few to tell a spread."
    same = judged(claim("spread", published=97), a=[97])
    assert same[:2] == ("within spread", "yes")
    assert same[2] == "One run gives 97, as published: too few to tell a spread."


def test_a_time_outside_of_our_repeats_depends_on_machine_and_program():
    made = claim("spread", measure("a", "seconds", 1), published=585)
    found = judged(made, a=[60, 61, 62])
    assert found[:2] == ("outside spread", "depends on implementation")
    assert "Over 3 interleaved repeats of seed 1 the median is 61 (60 to 62)" in found[2]
    assert "A time is of its machine and program." in found[2]


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
def test_to_get_as_far_more_than_a_quarter_of_the_seeds_must(values, better, supported):
    assert judged(claim("spread", published=5, better=better), a=values)[1] == supported


def test_how_many_get_as_far_upwards_is_told():
    found = judged(claim("spread", published=5, better="higher"), a=[1, 2, 7, 9])
    assert "2 of 4 (50 %) are at or below the published 5, 2 of 4 at or above it." in found[2]


@pytest.mark.parametrize("given", [{}, {"better": "lower"}])
def test_a_spread_at_a_target_that_a_constant_reaches_is_at_chance_level(given):
    found = judged(claim("spread", published=5, **given), EASY, a=[4, 6])
    assert found[:2] == ("within spread", "target at chance level")


def test_diverged_runs_count_and_never_support():
    found = judged(claim("spread", published=5, better="lower"), a=[4, INF, INF, INF])
    assert found[:2] == ("within spread", "only for this seed")
    assert "the median is inf (4 to inf); 1 of 4 (25 %) are" in found[2]
    assert "3 of 4 missed the target or diverged (inf)." in found[2]
    all_lost = judged(claim("spread", published=5, better="lower"), a=[INF, INF])
    assert all_lost[:2] == ("outside spread", "no")
