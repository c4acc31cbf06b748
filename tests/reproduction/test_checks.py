"""What all kinds of check share: their words, what they refuse, what never crashes them."""

from __future__ import annotations

import itertools
import math

import pytest

from gfopt.config.validation import validate
from gfopt.reproduction.checks.comparisons import sign_test
from gfopt.reproduction.claims import checks
from gfopt.reproduction.verdicts import Missing, percentile, published, spanned, worded
from tests.reproduction.conftest import Evidence, claim, judged, measure

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


@pytest.mark.parametrize("check", ["ratio", "ordering"])
def test_without_a_seed_in_common_there_is_nothing_to_judge(check):
    evidence = Evidence(b=[])
    evidence.values = lambda m: {1: 5.0} if m.label == "a" else {2: 5.0}
    with pytest.raises(Missing, match="a and b have no seed in common"):
        claim(check, **KINDS[check]).judge(evidence)


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
