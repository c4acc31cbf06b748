"""The budget: which of its parts ends a run, in words that reach the record."""

from __future__ import annotations

import pytest

import gfopt
from gfopt.engine.budget import Budget, Usage
from gfopt.engine.terms import Terms
from gfopt.records.record import Status
from gfopt.records.store import read_record
from tests.engine.test_loop import GD, run

UNUSED = Usage(
    updates=0, updates_per_epoch=4, seconds=0.0, passes=0.0, samples=100, constant_outputs=0
)
ALL = Budget(epochs=500, seconds=60, passes=30, constant=3)


@pytest.mark.parametrize(
    ("used", "status", "words"),
    [
        ({"updates": 2000}, Status.BUDGET, "500 epochs"),
        ({"seconds": 60.0}, Status.BUDGET, "60 seconds of training"),
        ({"passes": 3000.0}, Status.BUDGET, "30 passes over the data"),
        ({"constant_outputs": 3}, Status.CONSTANT, "3 evaluations of constant outputs"),
    ],
)
def test_each_part_of_the_budget_ends_a_run_under_its_name(used, status, words):
    assert ALL.find_limit(UNUSED._replace(**used)) == (status, words)
    just_below = {
        key: value - (1 if isinstance(value, int) else 1e-9) for key, value in used.items()
    }
    assert ALL.find_limit(UNUSED._replace(**just_below)) is None


def test_parts_that_are_not_set_end_nothing():
    used = UNUSED._replace(passes=1e12, constant_outputs=10**6)
    assert Budget(epochs=500).find_limit(used) is None


@pytest.mark.parametrize(
    ("budget", "used", "words"),
    [
        (Budget(epochs=1), {"updates": 4}, "1 epoch"),
        (Budget(epochs=2_000_000), {"updates": 8_000_000}, "2000000 epochs"),
        (Budget(seconds=1), {"seconds": 2.0}, "1 second of training"),
        (Budget(seconds=0.5), {"seconds": 2.0}, "0.5 seconds of training"),
        (Budget(passes=1), {"passes": 100.0}, "1 pass over the data"),
        (Budget(constant=1), {"constant_outputs": 1}, "1 evaluation of constant outputs"),
    ],
)
def test_the_words_fit_the_number(budget, used, words):
    assert budget.find_limit(UNUSED._replace(**used)).words == words


def test_updates_left_are_those_of_the_epochs():
    assert Budget(epochs=3).count_updates_left(updates=5, updates_per_epoch=4) == 7


@pytest.mark.parametrize(
    ("budget", "words"),
    [(Budget(epochs=7), "7 epochs"), (Budget(epochs=9, passes=6), "6 passes over the data")],
)
def test_the_outcome_of_a_run_has_the_limit(budget, words):
    (outcome,) = run(GD, Terms((), "end_of_epoch", budget))
    assert (outcome.status, outcome.limit) == (Status.BUDGET, words)


CONFIG = {
    "dataset": {"name": "digits", "scale": "unit"},
    "model": {"hidden": [4], "init": "fan_in_normal"},
    "loss": "cross_entropy",
    "optimizers": [{"name": "gradient_descent", "lr": 0.1}],
    "target": [{"train_loss": 9.0}, {"train_loss": 0.0}],
    "budget": {"epochs": 3},
}


def test_the_record_on_disk_has_the_limit_of_the_targets_that_were_not_reached(tmp_path):
    result = gfopt.run(CONFIG, out=tmp_path, backend="plain")
    record = read_record(result.folder / "runs" / result.records[0].id)
    assert (record.status, record.limit) == (Status.BUDGET, "3 epochs")
    assert [hit.limit for hit in record.hits] == [None, "3 epochs"]


def test_a_run_that_reaches_its_target_has_no_limit(tmp_path):
    changes = ["target={train_loss: 9.0}"]
    (record,) = gfopt.run(CONFIG, settings=changes, out=tmp_path, backend="plain").records
    assert (record.status, record.limit) == (Status.REACHED, None)
