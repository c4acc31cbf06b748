"""Checks of an order and of what must hold in every run, `ordering` and `property`."""

from __future__ import annotations

import math

import pytest

from tests.reproduction.conftest import EASY, HARD, claim, judged, measure

INF = math.inf


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
