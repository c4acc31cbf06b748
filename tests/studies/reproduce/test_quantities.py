"""Quantities that a claim can be about, read off a run's record and history."""

from __future__ import annotations

import math

import pytest

from gfopt.records.record import Status
from gfopt.studies.reproduce.quantities import QUANTITIES
from tests.record_factory import history, missed, record

LEVELS = {"class_prior": {"train": {"loss": 0.64, "accuracy": 0.7}, "valid": {"loss": 0.6}}}
RUN = record(epochs=40.0, loss=0.25, levels=LEVELS, forward_passes=30.0, backward_passes=12.0)
ROWS = history([0.9, 0.5, 0.25])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 40),
        ("loss", 0.25),
        ("first_loss", 0.9),
        ("stage_loss", 0.25),
        ("accuracy", 0.9),
        ("passes", 42),
        ("backward_passes", 12),
        ("class_prior", 0.64),
    ],
)
def test_a_value_is_read_off_the_run(name, value):
    assert QUANTITIES[name].read(RUN, ROWS) == value


def test_a_censored_run_has_infinitely_many_epochs_to_target():
    read = QUANTITIES["epochs"].read
    assert read(missed(), ROWS) == math.inf
    assert read(missed(status=Status.DIVERGED), ROWS) == math.inf
    assert read(missed(target=None), ROWS) == 1000


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_infinitely_bad(loss):
    lost = record(loss=loss, status=Status.DIVERGED)
    assert QUANTITIES["loss"].read(lost, ROWS) == math.inf
    assert QUANTITIES["first_loss"].read(lost, history([loss])) == math.inf
    assert QUANTITIES["stage_loss"].read(lost, history([loss])) == math.inf


def test_what_is_not_counted_is_no_number():
    uncounted = record(forward_passes=3.0, backward_passes=None, train_accuracy=None,
                       valid_accuracy=None)  # fmt: skip
    for name in ("passes", "backward_passes", "accuracy", "class_prior"):
        assert math.isnan(QUANTITIES[name].read(uncounted, ROWS)), name


def test_the_first_stage_ends_before_the_second_begins():
    rows = [row._replace(stage=s) for row, s in zip(ROWS, (1, 1, 2), strict=True)]
    assert QUANTITIES["stage_loss"].read(RUN, rows) == 0.5
    later = [row._replace(stage=s) for row, s in zip(ROWS, (2, 3, 3), strict=True)]
    assert QUANTITIES["stage_loss"].read(RUN, later) == 0.9


def test_only_times_are_timed_and_not_read_off_runs():
    assert {name for name, value in QUANTITIES.items() if value.timed} == {"seconds", "cpu_seconds"}
    unread = {name for name, value in QUANTITIES.items() if value.read is None}
    assert unread == {"seconds", "cpu_seconds", "largest_error", "layers_at_once"}
