"""Checks of an order and of what must hold in every run, `ordering` and `property`."""

from __future__ import annotations

import math

import pytest

from tests.studies.reproduce.conftest import EASY, HARD, assert_facts, claim, judge, measure

INF = math.inf


# --- ordering ------------------------------------------------------------------------------------


def test_an_order_over_five_seeds_holds_if_all_agree():
    found = judge(claim("ordering", than="b"), a=[1, 2, 3, 4, 5], b=[6, 7, 8, 9, 10])
    assert found[:2] == ("yes", "yes")
    assert_facts(found[2], "Epochs to target: a 3, b 8 (medians)", "a is lower in 5 of 5 seeds")
    assert_facts(found[2], "p = 0.031")


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
    found = judge(made, a=[1] * wins + [3] * (13 - wins), b=[2] * 13)
    assert found[:2] == verdicts
    assert_facts(found[2], f"in {wins} of 13 seeds")


def test_half_is_no_order():
    assert judge(claim("ordering", than="b"), a=[1, 3], b=[2, 2])[:2] == ("no", "no")


def test_an_order_against_a_bound():
    made = claim("ordering", than=0.5)
    assert judge(made, a=[0.1] * 5)[:2] == ("yes", "yes")
    assert judge(made, a=[0.5] * 5)[:2] == ("no", "no")
    assert_facts(judge(made, a=[0.1] * 5)[2], "a 0.1000 (median)", "below 0.5 in 5 of 5 seeds")
    upwards = claim("ordering", than=0.5, better="higher")
    assert judge(upwards, a=[0.9] * 5)[:2] == ("yes", "yes")
    assert_facts(judge(upwards, a=[0.9] * 5)[2], "above 0.5 in")


def test_another_quantity_of_the_same_runs_is_named():
    made = claim("ordering", measure("a", "loss"), than=measure("a", "class_prior"))
    found = judge(made, a={"loss": [1] * 5, "class_prior": [9] * 5})
    assert_facts(found[2], "a 1", "constant-predictor baseline 9", "a is lower in 5 of 5 seeds")
    assert_facts(made.describe_published(), "< ", "constant-predictor baseline")
    of_b = claim("ordering", measure("a", "loss"), than=measure("b", "first_loss"))
    assert_facts(of_b.describe_published(), "< ", "initial", "of b")
    of_old = claim("ordering", than=measure("a", config="old"))
    assert of_old.describe_published() == "< a of old"


def test_an_order_that_holds_under_other_settings_depends_on_implementation():
    made = claim("ordering", than="b", elsewhere=measure("c", config="other.yaml"))
    found = judge(made, a=[3] * 5, b=[2] * 5, c=[1] * 5)
    assert found[:2] == ("no", "depends on implementation")
    assert_facts(found[2], "settings of other it is lower in 5 of 5 seeds", "p = 0.031")
    assert judge(made, a=[3] * 5, b=[2] * 5, c=[4] * 5)[:2] == ("no", "no")
    assert judge(made, a=[1] * 5, b=[2] * 5, c=[4] * 5)[:2] == ("yes", "yes")


def test_other_settings_are_named_with_their_changes():
    made = claim("ordering", than=2, elsewhere=measure("c", settings=["lr=1", "precision=float64"]))
    found = judge(made, a=[3] * 5, c=[1] * 5)
    assert_facts(found[2], "settings of race with lr=1, precision=float64 it is below 2")


def test_an_order_at_an_easy_target_is_at_chance_level():
    found = judge(claim("ordering", than="b"), EASY, a=[1] * 5, b=[2] * 5)
    assert found[:2] == ("yes", "target at chance level")


def test_censored_runs_are_never_better():
    made = claim("ordering", than="b")
    assert judge(made, a=[INF] * 5, b=[INF] * 5)[:2] == ("no", "no")
    assert judge(made, a=[INF] * 5, b=[1] * 5)[:2] == ("no", "no")
    assert judge(made, a=[1] * 5, b=[INF] * 5)[:2] == ("yes", "yes")


# --- property ------------------------------------------------------------------------------------


def test_a_property_has_nothing_to_do_with_the_target():
    made = claim("property", measure("a", "backward_passes"), published=0)
    assert "target" not in judge(made, HARD, a=[0])[2]


def test_a_property_must_hold_in_every_run():
    made = claim("property", measure("a", "backward_passes"), published=0)
    found = judge(made, a=[0, 0])
    assert found[:2] == ("yes", "yes")
    assert_facts(found[2], "Backward passes: a 0", "requires 0")
    found = judge(made, a=[0, 184129])
    assert found[:2] == ("no", "no")
    assert_facts(found[2], "a 0 to 184129", "requires 0")
