"""Verdicts on handmade rows: intervals, misses, obstacles, and rates of false alarms."""

from __future__ import annotations

import numpy as np
import pytest

from gfopt.records.record import Status
from gfopt.studies.compare.matching import match
from gfopt.studies.compare.sides import Side
from gfopt.studies.compare.verdicts import Answer, Question, combine, judge
from tests.record_factory import missed, record

FIVE = Question("epochs", 0.05)


def runs(costs, **given):
    """A run a cost, seeds from 1; None is a miss."""
    return tuple(
        missed(seed=seed, **given) if cost is None else record(seed=seed, epochs=cost, **given)
        for seed, cost in enumerate(costs, 1)
    )


def verdict(base, head, question=FIVE):
    (row,) = match(Side(tuple(base)), Side(tuple(head)))
    return judge(row, question)


def answer(base, head, question=FIVE):
    return verdict(runs(base), runs(head), question).answer


def test_below_six_pairs_every_pair_must_be_above_the_tolerance():
    assert answer([100.0] * 5, [106.0, 107, 108, 109, 200]) is Answer.WORSE
    assert answer([100.0] * 5, [105.0, 107, 108, 109, 200]) is Answer.INCONCLUSIVE
    assert answer([100.0] * 5, [105.0, 90, 80, 100, 100]) is Answer.NOT_WORSE
    assert answer([100.0] * 5, [99.0, 90, 80, 50, 20]) is Answer.BETTER


def test_a_ratio_of_exactly_the_tolerance_is_not_worse():
    assert answer([20.0, 40, 100] * 3, [21.0, 42, 105] * 3) is Answer.NOT_WORSE


def test_from_six_pairs_on_the_interval_decides_not_each_pair():
    some = [*np.linspace(115, 125, 19), 99.0]
    assert answer([100.0] * 20, some) is Answer.WORSE
    assert answer([100.0] * 20, [*np.linspace(95, 103, 19), 110]) is Answer.NOT_WORSE
    assert answer([100.0] * 6, [80.0, 130, 95, 120, 110, 90]) is Answer.INCONCLUSIVE


def test_a_miss_where_base_reached_is_worse_than_any_ratio():
    assert answer([999.0] * 3, [None] * 3) is Answer.WORSE
    assert answer([None] * 3, [999.0] * 3) is Answer.BETTER


def test_more_misses_by_head_are_never_a_pass_and_worse_beyond_chance():
    base, half = [100.0] * 20, [100.0] * 13 + [None] * 7
    assert answer(base, [100.0] * 19 + [None]) is Answer.INCONCLUSIVE
    assert answer(base, half) is Answer.WORSE  # 7 to 0: a chance of 1 in 128
    assert answer(half, base) is Answer.NOT_WORSE


def test_equal_runs_are_not_worse_even_where_some_miss():
    costs = [100.0] * 8 + [None, None]
    found = verdict(runs(costs), runs(costs))
    assert found.answer is Answer.NOT_WORSE
    assert "8 pairs, 2 more" in found.reason


def test_passes_are_forward_and_backward_together():
    base = runs([40.0] * 2, forward_passes=100.0, backward_passes=100.0)
    head = runs([40.0] * 2, forward_passes=110.0, backward_passes=100.0)
    assert verdict(base, head, Question("passes", 0.05)).answer is Answer.NOT_WORSE
    assert verdict(base, head, Question("passes", 0.04)).answer is Answer.WORSE


@pytest.mark.parametrize(
    ("given", "on", "said"),
    [
        ({"forward_passes": None}, "passes", "HEAD's forward + backward passes are not counted"),
        ({"target": None, "status": Status.BUDGET}, "epochs", "without a target"),
        ({"epochs": 0.0}, "epochs", "0 epochs on seeds 1, 2"),
        ({"hashes": {"start": "b"}}, "epochs", "differ in the initial weights"),
    ],
)
def test_what_has_no_meaning_is_inconclusive_with_its_reason(given, on, said):
    base = [record(seed=seed, target=given.get("target", "x")) for seed in (1, 2)]
    head = [record(**{"seed": seed, "target": "x"} | given) for seed in (1, 2)]
    found = verdict(base, head, Question(on, 0.05))
    assert found.answer is Answer.INCONCLUSIVE
    assert said in found.reason


@pytest.mark.parametrize(
    ("limit", "seconds", "ended"),
    [
        ("30 seconds", 30.1, True),
        ("1000 epochs", 30.1, False),  # both limits were reached; the record says which ended it
        ("30 seconds", 29.0, True),
        (None, 30.1, True),  # records of schema 2 have no limit: the seconds tell
        (None, 29.9, False),
    ],
)
def test_a_run_that_its_budget_of_seconds_ended_says_nothing_about_epochs(limit, seconds, ended):
    identity = {"budget": {"epochs": 1000, "seconds": 30.0}}
    given = {"identity": identity, "limit": limit, "seconds": seconds}
    base, head = ([missed(seed=seed, **given) for seed in (1, 2)] for _ in "ab")
    told = "the budget of 30 seconds ended seeds 1, 2"
    assert (told in verdict(base, head).reason) == ended
    assert "budget" not in verdict(base, head, Question("seconds", 0.05)).reason


def test_a_side_of_two_versions_of_an_optimizer_is_inconclusive():
    base, head = runs([40.0] * 3), [*runs([40.0, 40]), record(seed=3, options={"lr": 1})]
    assert "the seeds of HEAD differ in optimizer" in verdict(base, head).reason


def test_a_run_alone_and_one_among_vectorized_seeds_are_one_run():
    identity = {"seed": 1, "optimizer": {"options": {"lr": 0.1}}}
    twice = record(seed=1, replicas=7, identity=identity | {"replicas": "batch"})
    assert verdict([twice, *runs([40.0, 40])], runs([40.0, 40])).answer is Answer.NOT_WORSE


def test_worse_beats_inconclusive_beats_not_worse_and_nothing_is_no_pass():
    worse = verdict(runs([100.0] * 2), runs([200.0] * 2))
    unknown = verdict(runs([100.0]), runs([100.0]))
    same = verdict(runs([100.0] * 2), runs([100.0] * 2))
    assert combine([same, unknown, worse]) is Answer.WORSE
    assert combine([same, unknown]) is Answer.INCONCLUSIVE
    assert combine([same, same]) is Answer.NOT_WORSE
    assert combine([]) is combine([same], failed=("one",)) is Answer.INCONCLUSIVE


def noisy(draw, slower, number_of_seeds=3, repeats=3):
    """Two sides timed in turn on a machine whose load wanders and now and then jumps a lot."""
    sides, load = ({}, {}), 0.0
    for _ in range(repeats):
        for seed in range(number_of_seeds):
            for i in draw.permutation(2):
                load = 0.8 * load + draw.normal()
                times = np.exp(load) * (10 if draw.random() < 0.2 else 1) * (slower if i else 1)
                sides[i].setdefault(seed, []).append(times)
    return [timed(found) for found in sides]


def timed(repeats):
    made = [record(seed=s, seconds=float(np.median(times))) for s, times in repeats.items()]
    name = ("digits", "gradient_descent", "train_loss < 0.5")
    return Side(tuple(made), repeats={(name, s): times for s, times in repeats.items()})


def share_called_worse(slower, number):
    """Of so many comparisons of seconds, HEAD being slower by this factor."""
    draw = np.random.default_rng(5)
    found = [match(*noisy(draw, slower)) for _ in range(number)]
    worse = [judge(row, Question("seconds", 0.05)).answer is Answer.WORSE for (row,) in found]
    return np.mean(worse)


@pytest.mark.nightly
def test_equal_programs_on_a_busy_machine_are_called_slower_in_at_most_2_5_percent():
    assert share_called_worse(1.0, 400) <= 0.025


def test_a_program_slower_by_far_is_found_even_on_a_busy_machine():
    assert share_called_worse(1000.0, 40) >= 0.8
