"""The score of a trial, from runs made by hand."""

import math

import pytest

from gfopt.engine.outcome import Hit, Metrics, Outcome
from gfopt.engine.target import Target
from gfopt.records.evaluation import Evaluation
from gfopt.records.record import Status
from gfopt.studies.tune.scores import WORST_SCORE, Limits, score

LOSS, ACCURACY = Target(train_loss=0.2), Target(valid_accuracy=0.9)
LIMITS = Limits(epochs=100, passes=50, samples=10)
NOWHERE = Metrics(None, None, None)


def row(epoch, loss=1.0, accuracy=None, forward=None, backward=None):
    return Evaluation(epoch, epoch, loss, None, None, accuracy, 0.0, 0.0, forward, backward, None)


def run(rows, hit=None, status=Status.BUDGET):
    hits = [hit and Hit(hit, NOWHERE)]
    end = Status.REACHED if hit else status
    return Outcome(1, end, None, rows, hits, NOWHERE, notes=[], weights={})


def missed(*losses, status=Status.BUDGET):
    return run([row(i, loss) for i, loss in enumerate(losses)], status=status)


def test_a_target_reached_costs_its_share_of_the_budget_in_passes_where_they_are_counted():
    at = row(20, forward=100, backward=50)  # of 10 samples: 15 full-data passes of 50
    assert score([run([row(0), at], hit=at)], LOSS, LIMITS) == 0.3


def test_it_costs_its_share_of_the_epochs_where_passes_are_not_counted():
    at = row(20, forward=100, backward=None)
    assert score([run([row(0, forward=0, backward=0), at], hit=at)], LOSS, LIMITS) == 0.2


def test_a_target_reached_beyond_the_budget_costs_all_of_it_and_not_more_than_a_miss():
    at = row(1, forward=1000, backward=0)
    assert score([run([at], hit=at)], LOSS, LIMITS) == 1.0
    assert score([missed(1.0, 0.2001)], LOSS, LIMITS) > 1.0


def test_a_miss_is_worth_one_and_how_far_it_stayed_away_relative_to_its_start():
    assert score([missed(1.0, 0.4, 0.6)], LOSS, LIMITS) == pytest.approx(1.25)
    rows = [row(0, accuracy=0.1), row(1, accuracy=0.7), row(2, accuracy=0.5)]
    assert score([run(rows)], ACCURACY, LIMITS) == pytest.approx(1.25)


def test_a_miss_that_only_went_away_is_worth_two():
    assert score([missed(1.0, 3.0, math.inf)], LOSS, LIMITS) == 2.0


@pytest.mark.parametrize("losses", [(1.0, 0.3, math.nan), (math.inf,), (math.nan, 0.1)])
def test_a_diverged_run_is_the_worst_however_near_it_came(losses):
    assert score([missed(*losses, status=Status.DIVERGED)], LOSS, LIMITS) == WORST_SCORE == 2.0


def test_a_target_that_was_met_and_not_held_is_the_least_of_misses():
    assert 1 < score([missed(1.0, 0.1, 0.3)], LOSS, LIMITS) < 1.01


def test_the_score_is_the_mean_over_seeds():
    at = row(20, forward=100, backward=50)
    runs = [run([row(0), at], hit=at), missed(1.0, 0.4)]
    assert score(runs, LOSS, LIMITS) == pytest.approx((0.3 + 1.25) / 2)
