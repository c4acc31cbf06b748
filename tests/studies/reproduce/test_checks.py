"""What all kinds of check share: their numbers, what they refuse, what never crashes them."""

from __future__ import annotations

import itertools
import math

import pytest

from gfopt.config.validation import validate
from gfopt.studies.reproduce.checks.common import compute_percentile
from gfopt.studies.reproduce.checks.comparison import compute_sign_test
from gfopt.studies.reproduce.claims import checks
from gfopt.studies.reproduce.evidence import MissingEvidence
from gfopt.studies.reproduce.formatting import format_published, format_range, format_value
from tests.studies.reproduce.conftest import HandmadeEvidence, assert_facts, claim, judge, measure

INF, NAN = math.inf, math.nan


def test_percentile_is_the_share_at_or_below_the_published_number():
    assert compute_percentile(3, [1, 2, 3, 4]) == 75
    assert compute_percentile(0, [1, 2]) == 0
    assert compute_percentile(5, [1, INF]) == 50


@pytest.mark.parametrize("n", range(1, 9))
def test_the_sign_test_counts_the_outcomes_of_fair_coins(n):
    for wins in range(n + 1):
        as_good = sum(sum(coins) >= wins for coins in itertools.product((0, 1), repeat=n))
        given = [True] * wins + [False] * (n - wins)
        assert compute_sign_test(given) == pytest.approx(as_good / 2**n, rel=1e-12)


@pytest.mark.parametrize(
    ("value", "text"),
    [(881.0, "881"), (0.0, "0"), (2820.1234, "2820"), (0.00012874, "0.0001287"),
     (1234567.0, "1234567"), (5e9, "5.000e+09"), (INF, "inf"), (NAN, "not counted")],
)  # fmt: skip
def test_a_number_of_ours_has_four_digits(value, text):
    assert format_value(value) == text


def test_a_published_number_keeps_all_its_digits():
    assert format_published(2629.17334) == "2629.17334"
    assert format_published(1.287446e-4) == "0.0001287446"
    assert claim("spread", published=19075.11).describe_published() == "19075.11"
    assert (
        claim("ratio", than="b", published=[881, 2243]).describe_published()
        == "881 / 2243 = 0.3928"
    )
    assert claim("property", published=0).describe_published() == "0"
    assert claim("ordering", than="b").describe_published() == "< b"
    assert claim("ordering", than=0.5, better="higher").describe_published() == "> 0.5"


def test_a_range_is_smallest_to_largest_and_nan_counts_as_infinity():
    assert format_range([3, 1, 2]) == "1 to 3"
    assert format_range([2, 2]) == "2"
    assert format_range([NAN, 1.5]) == "1.500 to inf"
    assert format_range([NAN, NAN]) == "not counted"


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
    with pytest.raises(MissingEvidence, match="epochs to target of a are not counted"):
        judge(claim(check, **KINDS[check]), a=[1, NAN], b=[2, 2])


@pytest.mark.parametrize("check", ["ratio", "ordering"])
def test_without_a_seed_in_common_there_is_nothing_to_judge(check):
    evidence = HandmadeEvidence(b=[])
    evidence.read_values = lambda m: {1: 5.0} if m.label == "a" else {2: 5.0}
    with pytest.raises(MissingEvidence, match="a and b have no seed in common"):
        claim(check, **KINDS[check]).judge(evidence)


@pytest.mark.parametrize("check", KINDS)
@pytest.mark.parametrize("values", [[INF], [INF] * 6, [5, INF], [0], [0] * 6])
def test_infinities_and_zeros_never_crash_a_check(check, values):
    made = claim(check, **KINDS[check])
    verdict = made.judge(HandmadeEvidence(a=values, b=values))
    assert verdict.sentence.endswith(".")
    assert str(verdict.supported) in ("yes", "no", "only for this seed")
    if INF in values and values[0] == INF:
        assert str(verdict.supported) == "no"


@pytest.mark.parametrize("check", KINDS)
def test_a_further_measure_is_reported_and_need_not_be_counted(check):
    also = [
        {"words": "By passes it is", "of": measure("a", "passes"), "than": measure("b", "passes")},
        {"words": "It starts at", "of": measure("a", "first_loss")},
    ]
    made = claim(check, **KINDS[check], also=also)
    a, b = ({"epochs": [1], "passes": [n], "first_loss": [7]} for n in (3, 6))
    assert_facts(judge(made, a=a, b=b)[2], "By passes it is 0.5000.", "It starts at 7.")
    a["passes"] = [NAN]
    assert_facts(judge(made, a=a, b=b)[2], "By passes it is not counted.", "It starts at 7.")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"than": measure("b", "seconds", 1)}, "than: a time can only be compared with a time"),
        ({"than": measure("b", seeds="200-201")}, "than: has no seed in common with `of`"),
        ({"controls": [measure("c", "seconds", 1)]}, "controls.0: a time can only be"),
        ({"of": measure("a", "seconds", 1), "than": measure("b", "seconds", 1, config="other")},
         "than: times can only be compared within one config"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("check", ["ratio", "ordering"])
def test_measures_that_can_not_be_compared_are_refused(check, given, message):
    values = {"id": "mine", "system": "x", "says": "it", "source": "here"}
    values |= {"of": measure("a"), **KINDS[check], "than": measure("b")} | given
    made, complaints = validate(checks[check], values)
    assert made is None
    assert [complaint.message.startswith(message) for complaint in complaints] == [True]
