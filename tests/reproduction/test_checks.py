"""Each kind of check and each of its verdicts, from evidence made by hand."""

from __future__ import annotations

import itertools
import math

import pytest

from gfopt.config.validation import validate
from gfopt.reproduction.checks.comparisons import sign_test
from gfopt.reproduction.claims import checks
from gfopt.reproduction.verdicts import Missing, percentile, published, spanned, worded
from tests.reading.factory import record
from tests.reproduction.conftest import Evidence, claim, judged, measure

EASY = {"a": [record(label="a", target_value=3.2494, class_prior=3.24904)]}
HARD = {"a": [record(label="a", target_value=0.1, class_prior=0.5)]}
INF, NAN = math.inf, math.nan


def test_percentile_is_the_share_at_or_below_the_published_number():
    assert percentile(3, [1, 2, 3, 4]) == 75
    assert percentile(0, [1, 2]) == 0
    assert percentile(5, [1, INF]) == 50


@pytest.mark.parametrize("n", range(1, 9))
def test_the_sign_test_counts_the_outcomes_of_fair_coins(n):
    for wins in range(n + 1):
        as_good = sum(sum(coins) >= wins for coins in itertools.product((0, 1), repeat=n))
        given = [True] * wins + [False] * (n - wins)
        assert sign_test(given) == pytest.approx(as_good / 2**n, rel=1e-12)


@pytest.mark.parametrize(
    ("value", "text"),
    [(881.0, "881"), (0.0, "0"), (2820.1234, "2820"), (0.00012874, "0.0001287"),
     (1234567.0, "1234567"), (5e9, "5.000e+09"), (INF, "inf"), (NAN, "not counted")],
)  # fmt: skip
def test_a_number_of_ours_has_four_digits(value, text):
    assert worded(value) == text


def test_a_published_number_keeps_all_its_digits():
    assert published(2629.17334) == "2629.17334"
    assert published(1.287446e-4) == "0.0001287446"
    assert claim("spread", published=19075.11).said() == "19075.11"
    assert claim("ratio", than="b", published=[881, 2243]).said() == "881 / 2243 = 0.3928"
    assert claim("property", published=0).said() == "0"
    assert claim("ordering", than="b").said() == "< b"
    assert claim("ordering", than=0.5, better="higher").said() == "> 0.5"


def test_a_span_is_least_to_largest_and_counts_what_is_not_known_as_infinite():
    assert spanned([3, 1, 2]) == "1 to 3"
    assert spanned([2, 2]) == "2"
    assert spanned([NAN, 1.5]) == "1.500 to inf"
    assert spanned([NAN, NAN]) == "not counted"


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


# --- ratio ---------------------------------------------------------------------------------------


def test_ratio_is_taken_seed_by_seed():
    made = claim("ratio", than="b", published=[50, 100])
    found = judged(made, a=[10, 20, 30, 40, 50], b=[20, 40, 60, 80, 100])
    assert found[:2] == ("yes", "yes")
    assert found[2] == (
        "Epochs to the target, a / b: 0.5000 (0.5000 over 5 seeds), published 0.5000; below 1 in "
        "5 of 5 seeds (sign test p = 0.031), as far as published in 5."
    )


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
def test_a_ratio_is_within_tolerance_within_or_outside_the_spread(ratios, reproduced):
    made = claim("ratio", than="b", published=[1, 2])
    assert judged(made, a=ratios, b=[1, 1, 1])[0] == reproduced


def test_the_tolerance_is_the_claims_own():
    made = claim("ratio", than="b", published=[1, 2], tolerance=0.001)
    assert judged(made, a=[0.51], b=[1])[0] == "outside spread"


def test_a_ratio_that_few_seeds_reach_is_only_for_this_seed():
    made = claim("ratio", than="b", published=[40, 100])
    found = judged(made, a=[0.4, 0.6, 0.7, 0.8, 0.9], b=[1] * 5)
    assert found[:2] == ("within spread", "only for this seed")
    assert "as far as published in 1." in found[2]


def test_more_than_a_quarter_of_the_seeds_must_reach_the_ratio_within_its_tolerance():
    made = claim("ratio", than="b", published=[50, 100])
    found = judged(made, a=[0.51, 0.52, 0.525, *[0.8] * 5], b=[1] * 8)
    assert found[:2] == ("within spread", "yes")
    assert "as far as published in 3." in found[2]
    less = judged(made, a=[0.51, 0.52, 0.53, *[0.8] * 5], b=[1] * 8)
    assert less[:2] == ("within spread", "only for this seed")


def test_a_ratio_above_one_in_most_seeds_is_no():
    made = claim("ratio", than="b", published=[40, 100])
    assert judged(made, a=[2, 2, 2], b=[1, 1, 1])[:2] == ("outside spread", "no")
    assert judged(made, a=[0.1, 2, 2], b=[1, 1, 1])[1] == "no"


def test_a_tie_is_no_win():
    made = claim("ratio", than="b", published=[95, 100])
    assert judged(made, a=[1, 1, 0.9], b=[1, 1, 1])[1] == "no"


def test_three_seeds_that_agree_are_too_few():
    made = claim("ratio", than="b", published=[1, 2])
    found = judged(made, a=[0.5] * 3, b=[1] * 3)
    assert found[:2] == ("yes", "only for this seed")
    assert "3 of 3 seeds (sign test p = 0.12, too few to tell)" in found[2]


def test_a_ratio_may_be_claimed_upwards():
    made = claim("ratio", than="b", published=[2, 1], better="higher")
    assert judged(made, a=[2] * 5, b=[1] * 5)[:2] == ("yes", "yes")
    assert judged(made, a=[1.1] * 5, b=[1] * 5)[:2] == ("outside spread", "only for this seed")
    assert judged(made, a=[0.5] * 5, b=[1] * 5)[:2] == ("outside spread", "no")
    assert "above 1 in 5 of 5 seeds" in judged(made, a=[2] * 5, b=[1] * 5)[2]


def test_repeats_of_a_time_must_all_agree():
    def timed(label):
        return measure(label, "cpu_seconds", 1)

    made = claim("ratio", timed("a"), than=timed("b"), published=[23, 50], tolerance=0.15)
    found = judged(made, a=[4, 5, 5], b=[10, 10, 10])
    assert found[:2] == ("yes", "yes")
    assert "(0.4000 to 0.5000 over 3 interleaved repeats of seed 1)" in found[2]
    assert "3 of 3 repeats," in found[2]
    assert "sign test" not in found[2]
    assert judged(made, a=[4, 5, 11], b=[10, 10, 10])[:2] == ("yes", "no")


@pytest.mark.parametrize(
    ("control", "supported"),
    [([5] * 5, "matched by a control"), ([5.25] * 5, "matched by a control"), ([5.3] * 5, "yes")],
)
def test_a_control_matches_within_five_per_cent_in_the_median(control, supported):
    made = claim("ratio", than="b", published=[5, 10], controls=[measure("c")])
    found = judged(made, a=[5] * 5, b=[10] * 5, c=control)
    assert found[1] == supported
    said = f"The control c does as well: {worded(control[0] / 5)} times a's epochs to the target"
    assert (said in found[2]) == (supported != "yes")


def test_upwards_a_control_matches_from_five_per_cent_below():
    made = claim("ordering", than="b", better="higher", controls=[measure("c")])
    given = {"a": [20] * 5, "b": [10] * 5}
    assert judged(made, **given, c=[19] * 5)[1] == "matched by a control"
    assert judged(made, **given, c=[18.9] * 5)[1] == "yes"


def test_a_control_that_never_gets_there_matches_nothing():
    made = claim("ratio", than="b", published=[5, 10], controls=[measure("c")])
    assert judged(made, a=[5] * 5, b=[10] * 5, c=[INF] * 5)[1] == "yes"
    assert judged(made, a=[INF] * 5, b=[10] * 5, c=[INF] * 5)[1] == "no"


@pytest.mark.parametrize("better", ["lower", "higher"])
def test_a_control_of_which_no_ratio_is_known_matches_nothing(better):
    made = claim("ordering", than="b", better=better, controls=[measure("c")])
    sign = 1 if better == "lower" else -1
    found = judged(made, a=[0] * 5, b=[sign] * 5, c=[0] * 5)
    assert found[1] == "yes"


def test_an_easy_target_takes_the_meaning_from_a_ratio():
    made = claim("ratio", than="b", published=[1, 2], controls=[measure("c")])
    found = judged(made, EASY, a=[5] * 5, b=[10] * 5, c=[5] * 5)
    assert found[:2] == ("yes", "target at chance level")
    assert judged(made, EASY, a=[20] * 5, b=[10] * 5, c=[5] * 5)[1] == "no"


def test_misses_are_infinite_in_ratios():
    made = claim("ratio", than="b", published=[1, 2])
    lost = judged(made, a=[INF] * 5, b=[10] * 5)
    assert lost[:2] == ("outside spread", "no")
    assert "a / b: inf (inf over 5 seeds)" in lost[2]
    neither = judged(made, a=[INF] * 5, b=[INF] * 5)
    assert neither[:2] == ("outside spread", "no")
    won = judged(made, a=[10] * 5, b=[INF] * 5)
    assert won[:2] == ("outside spread", "yes")
    assert "a / b: 0 (0 over 5 seeds)" in won[2]


def test_nothing_divided_by_nothing_is_no_win():
    made = claim("ratio", than="b", published=[1, 2])
    assert judged(made, a=[0] * 5, b=[0] * 5)[:2] == ("outside spread", "no")
    assert judged(made, a=[1] * 5, b=[0] * 5)[:2] == ("outside spread", "no")


def test_only_seeds_that_both_have_are_compared():
    made = claim("ordering", than="b")
    assert "in 3 of 3 seeds" in judged(made, a=[1] * 5, b=[2] * 3)[2]


@pytest.mark.parametrize("check", ["ratio", "ordering"])
def test_without_a_seed_in_common_there_is_nothing_to_judge(check):
    evidence = Evidence(b=[])
    evidence.values = lambda m: {1: 5.0} if m.label == "a" else {2: 5.0}
    with pytest.raises(Missing, match="a and b have no seed in common"):
        claim(check, **KINDS[check]).judge(evidence)


# --- ordering ------------------------------------------------------------------------------------


def test_an_order_over_five_seeds_holds_where_all_agree():
    found = judged(claim("ordering", than="b"), a=[1, 2, 3, 4, 5], b=[6, 7, 8, 9, 10])
    assert found == (
        "yes",
        "yes",
        (
            "Epochs to the target: a 3 in the median, b 8; a is below in 5 of 5 seeds "
            "(sign test p = 0.031)."
        ),
    )


@pytest.mark.parametrize(
    ("wins", "verdicts"),
    [
        (13, ("yes", "yes")),
        (10, ("yes", "yes")),
        (9, ("yes", "only for this seed")),
        (7, ("yes", "only for this seed")),
        (6, ("no", "no")),
        (0, ("no", "no")),
    ],
)
def test_an_order_is_judged_by_a_sign_test(wins, verdicts):
    made = claim("ordering", than="b")
    found = judged(made, a=[1] * wins + [3] * (13 - wins), b=[2] * 13)
    assert found[:2] == verdicts
    assert f"in {wins} of 13 seeds" in found[2]


def test_half_is_no_order():
    assert judged(claim("ordering", than="b"), a=[1, 3], b=[2, 2])[:2] == ("no", "no")


def test_an_order_against_a_bound():
    made = claim("ordering", than=0.5)
    assert judged(made, a=[0.1] * 5)[:2] == ("yes", "yes")
    assert judged(made, a=[0.5] * 5)[:2] == ("no", "no")
    assert ": a 0.1000 in the median; below 0.5 in 5 of 5 seeds" in judged(made, a=[0.1] * 5)[2]
    upwards = claim("ordering", than=0.5, better="higher")
    assert judged(upwards, a=[0.9] * 5)[:2] == ("yes", "yes")
    assert "above 0.5 in" in judged(upwards, a=[0.9] * 5)[2]


def test_another_quantity_of_the_same_runs_is_named():
    made = claim("ordering", measure("a", "loss"), than=measure("a", "class_prior"))
    found = judged(made, a={"loss": [1] * 5, "class_prior": [9] * 5})
    said = "Train loss at the stop: a 1 in the median, the loss of the best constant output 9;"
    assert found[2].startswith(f"{said} a is below in 5 of 5 seeds")
    assert made.said() == "< the loss of the best constant output"
    of_b = claim("ordering", measure("a", "loss"), than=measure("b", "first_loss"))
    assert of_b.said() == "< the train loss of the start of b"
    assert claim("ordering", than=measure("a", config="old")).said() == "< a of old"


def test_an_order_that_holds_under_other_settings_depends_on_implementation():
    made = claim("ordering", than="b", elsewhere=measure("c", config="other.yaml"))
    found = judged(made, a=[3] * 5, b=[2] * 5, c=[1] * 5)
    assert found[:2] == ("no", "depends on implementation")
    assert (
        "With the settings of other it is below in 5 of 5 seeds (sign test p = 0.031)." in found[2]
    )
    assert judged(made, a=[3] * 5, b=[2] * 5, c=[4] * 5)[:2] == ("no", "no")
    assert judged(made, a=[1] * 5, b=[2] * 5, c=[4] * 5)[:2] == ("yes", "yes")


def test_other_settings_are_told_with_their_changes():
    made = claim("ordering", than=2, elsewhere=measure("c", settings=["lr=1", "precision=float64"]))
    found = judged(made, a=[3] * 5, c=[1] * 5)
    assert "With the settings of race with lr=1, precision=float64 it is below" in found[2]


def test_an_order_at_an_easy_target_is_at_chance_level():
    found = judged(claim("ordering", than="b"), EASY, a=[1] * 5, b=[2] * 5)
    assert found[:2] == ("yes", "target at chance level")


def test_an_order_of_misses_is_none():
    made = claim("ordering", than="b")
    assert judged(made, a=[INF] * 5, b=[INF] * 5)[:2] == ("no", "no")
    assert judged(made, a=[INF] * 5, b=[1] * 5)[:2] == ("no", "no")
    assert judged(made, a=[1] * 5, b=[INF] * 5)[:2] == ("yes", "yes")


# --- property ------------------------------------------------------------------------------------


def test_a_property_has_nothing_to_do_with_the_target():
    made = claim("property", measure("a", "backward_passes"), published=0)
    assert "target" not in judged(made, HARD, a=[0])[2]


def test_a_property_must_hold_in_every_run():
    made = claim("property", measure("a", "backward_passes"), published=0)
    assert judged(made, a=[0, 0]) == (
        "yes", "yes", "Backward sample-passes: a 0; the claim needs 0."
    )  # fmt: skip
    found = judged(made, a=[0, 184129])
    assert found[:2] == ("no", "no")
    assert ": a 0 to 184129; the claim needs 0." in found[2]


# --- all -----------------------------------------------------------------------------------------

KINDS = {
    "exact": {"published": 5},
    "spread": {"published": 5},
    "ratio": {"than": "b", "published": [1, 2]},
    "ordering": {"than": "b"},
    "property": {"published": 5},
}


def test_every_kind_of_check_is_tried_here():
    assert set(KINDS) == set(checks)


@pytest.mark.parametrize("check", KINDS)
def test_what_is_not_counted_is_not_run(check):
    with pytest.raises(Missing, match="epochs to the target of a are not counted"):
        judged(claim(check, **KINDS[check]), a=[1, NAN], b=[2, 2])


@pytest.mark.parametrize("check", KINDS)
@pytest.mark.parametrize("values", [[INF], [INF] * 6, [5, INF], [0], [0] * 6])
def test_misses_and_zeros_never_crash_a_check(check, values):
    made = claim(check, **KINDS[check])
    verdict = made.judge(Evidence(a=values, b=values))
    assert verdict.sentence.endswith(".")
    assert str(verdict.supported) in ("yes", "no", "only for this seed")
    if INF in values and values[0] == INF:
        assert str(verdict.supported) == "no"


@pytest.mark.parametrize("check", KINDS)
def test_another_reading_is_told_and_need_not_be_counted(check):
    also = [
        {"words": "By passes it is", "of": measure("a", "passes"), "than": measure("b", "passes")},
        {"words": "It starts at", "of": measure("a", "first_loss")},
    ]
    made = claim(check, **KINDS[check], also=also)
    a, b = ({"epochs": [1], "passes": [n], "first_loss": [7]} for n in (3, 6))
    assert judged(made, a=a, b=b)[2].endswith("By passes it is 0.5000. It starts at 7.")
    a["passes"] = [NAN]
    assert judged(made, a=a, b=b)[2].endswith("By passes it is not counted. It starts at 7.")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"than": measure("b", "seconds", 1)}, "than: a time is compared with a time"),
        ({"than": measure("b", seeds="200-201")}, "than: has no seed in common with `of`"),
        ({"controls": [measure("c", "seconds", 1)]}, "controls.0: a time is compared with"),
        ({"of": measure("a", "seconds", 1), "than": measure("b", "seconds", 1, config="other")},
         "than: times are compared within one config"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("check", ["ratio", "ordering"])
def test_what_can_not_be_compared_is_refused(check, given, said):
    values = {"id": "mine", "system": "x", "says": "it", "source": "here"}
    values |= {"of": measure("a"), **KINDS[check], "than": measure("b")} | given
    made, complaints = validate(checks[check], values)
    assert made is None
    assert [complaint.message.startswith(said) for complaint in complaints] == [True]
