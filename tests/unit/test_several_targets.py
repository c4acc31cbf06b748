"""Several targets in one run: one training, and each target as if it had been the only one."""

from __future__ import annotations

from functools import lru_cache

import pytest

import gfopt
from gfopt.engine import train
from gfopt.optimizers import optimizers
from gfopt.outcomes import Levels, Row
from gfopt.progress import Progress
from gfopt.records import Status
from gfopt.target import Budget, Target, Terms
from tests.conftest import Tiny
from tests.unit.test_engine import run, task, terms

GD, PW = (optimizers[name](lr=0.05) for name in ("gradient_descent", "position_wise"))
TARGETS = (Target(train_loss=0.8), Target(valid_accuracy=1.0), Target(train_loss=0.4))
MISSED = Target(train_loss=1e-9)


def together(rule, *targets, epochs=150, seeds=(1,), **more):
    how = Terms(targets, "end_of_epoch", Budget(epochs=epochs))
    return run(rule, how, seeds, valid=Tiny(samples=9).problem, **more)


def shown(row):
    """All of a reading but what hangs on the clock or on which metrics others asked for."""
    return row.epoch, row.updates, row.loss, row.forward_passes, row.backward_passes


@pytest.mark.parametrize("rule", [GD, PW], ids=["gradient_descent", "position_wise"])
@pytest.mark.parametrize("seeds", [(1,), (1, 2, 3)])
def test_each_target_is_reached_as_in_a_run_that_has_no_other(rule, seeds):
    for outcome in together(rule, *TARGETS, seeds=seeds):
        assert outcome.status is Status.REACHED
        for target, hit in zip(TARGETS, outcome.hits, strict=True):
            (alone,) = together(rule, target, seeds=(outcome.seed,))
            assert shown(hit.row) == pytest.approx(shown(alone.history[-1]), rel=0, abs=1e-12)
            if len(seeds) == 1:
                assert (shown(hit.row), hit.levels) == (shown(alone.history[-1]), alone.levels)


def test_a_run_goes_on_to_the_last_of_its_targets_and_trains_once():
    (outcome,) = together(GD, *TARGETS)
    epochs = [hit.row.epoch for hit in outcome.hits]
    assert len(set(epochs)) == 3
    assert outcome.history[-1].epoch == max(epochs)
    assert [row.epoch for row in outcome.history] == list(range(int(max(epochs)) + 1))


def test_the_order_of_the_targets_is_nothing():
    one, other = (together(GD, *order)[0].hits for order in (TARGETS, TARGETS[::-1]))
    assert [(shown(h.row), h.levels) for h in one] == [
        (shown(h.row), h.levels) for h in other[::-1]
    ]


def test_a_missed_target_is_no_hit_and_the_others_are():
    (outcome,) = together(GD, TARGETS[0], MISSED)
    assert outcome.status is Status.BUDGET
    assert outcome.history[-1].epoch == 150
    assert [hit is not None for hit in outcome.hits] == [True, False]


def test_a_target_that_is_reached_is_not_reached_again_when_the_loss_comes_back():
    row = lambda epoch, loss: reading(loss)._replace(epoch=epoch)  # noqa: E731
    progress = Progress([Target(train_loss=1.0), Target(train_loss=0.0)], {"train": 10})
    for epoch, loss in enumerate([2.0, 0.5, 2.0, 0.5]):
        new = progress.read(row(epoch, loss))
        progress.reach(new, row(epoch, loss), Levels(None, None, None))
    assert progress.hits[0].row.epoch == 1
    assert progress.hits[1] is None
    assert not all(progress.hits)


def reading(loss, accuracy=None):
    return Row(0, 0, loss, accuracy, None, None, 0.0, 0.0, 0.0, 0.0, None)


def reached_at(target, values):
    """The number of the first reading that reaches the target; None if none does."""
    progress = Progress([target], {"train": 10})
    rows = [
        reading(v if target.metric == "train_loss" else 9.0, v if target.on_accuracy else None)
        for v in values
    ]
    return next((i for i, row in enumerate(rows) if progress.read(row)), None)


@pytest.mark.parametrize(
    ("losses", "reached"),
    [
        ([5, 0, 0, 0, 0], 3),  # the third in a row
        ([0, 0, 0], 2),  # the start counts
        ([0, 0, 5, 0, 0, 0], 5),  # one bounce, and it begins anew
        ([0, 0, 1.0, 0, 0], None),  # a loss equal to the target is no longer below
        ([0, 5, 0, 5, 0, 5], None),
    ],
)
def test_a_target_held_for_three_readings_needs_three_in_a_row(losses, reached):
    assert reached_at(Target(train_loss=1.0, hold=3), losses) == reached


def test_an_accuracy_is_held_by_whole_counts():
    target = Target(train_accuracy=0.7, hold=2)
    assert reached_at(target, [0.7, 0.6, 0.7, 0.7]) == 3


def test_targets_are_held_apart_from_one_another():
    progress = Progress([Target(train_loss=1.0, hold=2), Target(train_loss=2.0)], {"train": 10})
    seen = []
    for loss in (1.5, 0.5, 0.5):
        new = progress.read(reading(loss))
        progress.reach(new, reading(loss), Levels(None, None, None))
        seen.append(new)
    assert seen == [[1], [], [0]]
    assert progress.hits
    assert all(progress.hits)


def test_a_held_target_is_reached_later_by_as_many_readings_where_losses_only_fall():
    (once,), (held,) = (together(GD, Target(train_loss=0.8, hold=n))[0].hits for n in (1, 4))
    assert held.row.epoch == once.row.epoch + 3


def test_the_budget_of_passes_ends_a_run_at_the_first_reading_at_or_past_it():
    for passes, epochs in ((6, 3), (6.5, 4), (7, 4), (0.1, 1)):  # two passes an epoch
        (outcome,) = run(GD, Terms((), "end_of_epoch", Budget(epochs=40, passes=passes)))
        assert (outcome.status, outcome.history[-1].epoch) == (Status.BUDGET, epochs)


def test_a_target_reached_with_the_reading_that_spends_the_budget_is_reached():
    (free,) = run(GD, terms(Target(train_loss=0.8)))
    epochs = free.history[-1].epoch
    how = Terms((Target(train_loss=0.8),), "end_of_epoch", Budget(passes=2 * epochs))
    assert run(GD, how)[0].status is Status.REACHED


class Counting:
    """A rule that counts how often its outputs are asked for, by problem."""

    def __init__(self, rule):
        self.rule, self.looks = rule, []

    def __getattr__(self, name):
        return getattr(self.rule, name)

    def outputs(self, problem, state):
        self.looks.append(id(problem))
        return self.rule.outputs(problem, state)


@pytest.mark.parametrize("seeds", [(1,), (1, 2, 3)])
def test_test_samples_are_looked_at_once_a_seed_and_in_the_end(seeds):
    from dataclasses import replace

    test, rule = Tiny(samples=12).problem, Counting(GD)
    given = replace(task(Tiny(), Tiny(samples=9).problem), test=test)
    how = Terms(TARGETS, "end_of_epoch", Budget(epochs=150))
    outcomes = train(given, rule, how, seeds, gfopt.clock.Clock())
    assert rule.looks.count(id(test)) == len(seeds)
    for outcome in outcomes:
        params = {key: w[None] for key, w in outcome.weights.items()}
        at = test.forward(params)
        right = (at.z[-1].argmax(-2) == test.targets.argmax(0)).double().mean()
        assert outcome.levels.test_loss == pytest.approx(float(test.losses(at)), abs=1e-12)
        assert outcome.levels.test_accuracy == pytest.approx(float(right))
        assert all(hit.levels.test_loss is None for hit in outcome.hits[:1])


def test_held_out_samples_that_are_the_test_samples_are_looked_at_once():
    from dataclasses import replace

    held_out, rule = Tiny(samples=12).problem, Counting(GD)
    given = replace(task(Tiny(), held_out), valid_is_test=True)
    targets = Target(train_loss=0.8), Target(train_loss=0.4)
    how = Terms(targets, "end_of_epoch", Budget(epochs=150))
    (outcome,) = train(given, rule, how, (1,), gfopt.clock.Clock())
    assert rule.looks.count(id(held_out)) == 1
    assert outcome.hits[0].levels.valid_loss is None
    assert outcome.levels.valid_loss == outcome.hits[1].levels.valid_loss is not None


CONFIG = {
    "name": "race",
    "dataset": {"name": "digits", "scale": "unit", "validation": 300},
    "model": {"hidden": [6], "init": "fan_in_normal"},
    "loss": "cross_entropy",
    "optimizers": [{"name": "position_wise", "lr": 0.5}],
    "budget": {"epochs": 40},
}
ASKED = [{"train_loss": 1.5}, {"valid_accuracy": 0.6}, {"train_loss": 1e-6}]


@lru_cache
def record_of(out, *targets):
    target = [ASKED[i] for i in targets]
    config = CONFIG | {"target": target if len(target) > 1 else target[0]}
    (record,) = gfopt.run(config, out=out, path="plain").records
    return record


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("several")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_views_record_is_that_of_a_run_with_its_target_alone(out, number):
    view, alone = record_of(out, 0, 1, 2).views()[number], record_of(out, number)
    for name in (
        "status", "epochs", "updates", "loss", "forward_passes", "backward_passes", "passes",
        "flops", "train_accuracy", "valid_loss", "valid_accuracy", "target", "target_metric",
        "target_value", "chance", "class_prior", "reached",
    ):  # fmt: skip
        assert getattr(view, name) == getattr(alone, name), name


def test_a_record_of_several_targets_says_all_and_how_the_run_ended(out):
    record = record_of(out, 0, 1, 2)
    assert record.target == "train_loss < 1.5; valid_accuracy >= 0.6; train_loss < 1e-06"
    assert (record.status, record.epochs) == (Status.BUDGET, 40)
    assert [view.status for view in record.views()] == ["reached", "reached", "budget"]


def test_a_record_of_one_target_is_its_own_view(out):
    record = record_of(out, 0)
    assert record.hits == []
    assert record.views() == [record]


def test_a_table_of_several_targets_has_a_row_for_each(out):
    config = CONFIG | {"target": ASKED}
    rows = gfopt.run(config, out=out, path="plain").table.rows
    assert [(row["target"], row["reached"]) for row in rows] == [
        ("train_loss < 1.5", 1),
        ("valid_accuracy >= 0.6", 1),
        ("train_loss < 1e-06", 0),
    ]


class Dies(type(GD)):
    """Gradient descent that cuts the output layer off the others."""

    def step(self, problem, state, at):
        after = super().step(problem, state, at)
        return after | {"W3": after["W3"] * 0}


@pytest.mark.parametrize(("patience", "epochs"), [(1, 1), (4, 4)])
def test_a_network_with_one_output_for_all_samples_ends_after_so_many_readings(patience, epochs):
    how = Terms((MISSED,), "end_of_epoch", Budget(epochs=50, constant=patience))
    (outcome,) = run(Dies(lr=0.05), how, (1,))
    assert (outcome.status, outcome.history[-1].epoch) == (Status.CONSTANT, epochs)


def test_without_that_budget_it_goes_on():
    (outcome,) = run(Dies(lr=0.05), Terms((MISSED,), "end_of_epoch", Budget(epochs=50)), (1,))
    assert outcome.status is Status.BUDGET


def constant_after(readings, patience):
    """The number of the reading with which so many readings in a row were constant."""
    progress = Progress([], {"train": 10})
    for i, same in enumerate(readings):
        progress.read(reading(1.0), constant=same)
        if progress.constant >= patience:
            return i
    return None


def test_readings_with_one_output_for_all_samples_are_counted_in_a_row():
    assert constant_after([True, True, False, True, True, True], 3) == 5
    assert constant_after([False, True, True, False, True], 3) is None
