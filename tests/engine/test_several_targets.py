"""Several targets in one run: one training, and each target as if it had been the only one."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import pytest

import gfopt
from gfopt.engine.budget import Budget
from gfopt.engine.clock import Clock
from gfopt.engine.loop import train
from gfopt.engine.outcome import Metrics
from gfopt.engine.target import Target
from gfopt.engine.targets_reached import TargetsReached
from gfopt.engine.terms import Terms
from gfopt.optimizers import optimizers
from gfopt.records.evaluation import Evaluation
from gfopt.records.record import Status
from tests.engine.test_loop import run, task, terms
from tests.tiny import Tiny

GD, PW = (optimizers[name](lr=0.05) for name in ("gradient_descent", "position_wise"))
TARGETS = (Target(train_loss=0.8), Target(valid_accuracy=1.0), Target(train_loss=0.4))
MISSED = Target(train_loss=1e-9)


def together(optimizer, *targets, epochs=150, seeds=(1,), **more):
    how = Terms(targets, "end_of_epoch", Budget(epochs=epochs))
    return run(optimizer, how, seeds, valid=Tiny(samples=9).problem, **more)


def show(row):
    """An evaluation without what depends on the clock or on the metrics of other targets."""
    return row.epoch, row.updates, row.loss, row.forward_passes, row.backward_passes


@pytest.mark.parametrize("optimizer", [GD, PW], ids=["gradient_descent", "position_wise"])
@pytest.mark.parametrize("seeds", [(1,), (1, 2, 3)])
def test_each_target_is_reached_as_in_a_run_that_has_no_other(optimizer, seeds):
    for outcome in together(optimizer, *TARGETS, seeds=seeds):
        assert outcome.status is Status.REACHED
        for target, hit in zip(TARGETS, outcome.hits, strict=True):
            (alone,) = together(optimizer, target, seeds=(outcome.seed,))
            assert show(hit.evaluation) == pytest.approx(show(alone.history[-1]), rel=0, abs=1e-12)
            if len(seeds) == 1:
                assert (show(hit.evaluation), hit.metrics) == (
                    show(alone.history[-1]),
                    alone.metrics,
                )


def test_a_run_goes_on_to_the_last_of_its_targets_and_trains_once():
    (outcome,) = together(GD, *TARGETS)
    epochs = [hit.evaluation.epoch for hit in outcome.hits]
    assert len(set(epochs)) == 3
    assert outcome.history[-1].epoch == max(epochs)
    assert [row.epoch for row in outcome.history] == list(range(int(max(epochs)) + 1))


def test_the_order_of_the_targets_does_not_matter():
    one, other = (together(GD, *order)[0].hits for order in (TARGETS, TARGETS[::-1]))
    assert [(show(h.evaluation), h.metrics) for h in one] == [
        (show(h.evaluation), h.metrics) for h in other[::-1]
    ]


def test_a_missed_target_is_no_hit_and_the_others_are():
    (outcome,) = together(GD, TARGETS[0], MISSED)
    assert outcome.status is Status.BUDGET
    assert outcome.history[-1].epoch == 150
    assert [hit is not None for hit in outcome.hits] == [True, False]


def test_a_target_that_is_reached_is_not_reached_again_when_the_loss_comes_back():
    row = lambda epoch, loss: evaluate(loss)._replace(epoch=epoch)  # noqa: E731
    reached = TargetsReached([Target(train_loss=1.0), Target(train_loss=0.0)], {"train": 10})
    for epoch, loss in enumerate([2.0, 0.5, 2.0, 0.5]):
        new = reached.update(row(epoch, loss))
        reached.record(new, row(epoch, loss), Metrics(None, None, None))
    assert reached.hits[0].evaluation.epoch == 1
    assert reached.hits[1] is None
    assert not all(reached.hits)


def evaluate(loss, accuracy=None):
    return Evaluation(0, 0, loss, accuracy, None, None, 0.0, 0.0, 0.0, 0.0, None)


def reached_at(target, values):
    """The index of the first evaluation that reaches the target; None if none does."""
    reached = TargetsReached([target], {"train": 10})
    rows = [
        evaluate(v if target.metric == "train_loss" else 9.0, v if target.on_accuracy else None)
        for v in values
    ]
    return next((i for i, row in enumerate(rows) if reached.update(row)), None)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([5, 0, 0, 0, 0], 3),  # the third in a row
        ([0, 0, 0], 2),  # the start counts
        ([0, 0, 5, 0, 0, 0], 5),  # one bounce, and it begins anew
        ([0, 0, 1.0, 0, 0], None),  # a loss equal to the target is no longer below
        ([0, 5, 0, 5, 0, 5], None),
    ],
)
def test_a_target_held_for_three_evaluations_needs_three_in_a_row(losses, expected):
    assert reached_at(Target(train_loss=1.0, hold=3), losses) == expected


def test_an_accuracy_is_held_by_whole_counts():
    target = Target(train_accuracy=0.7, hold=2)
    assert reached_at(target, [0.7, 0.6, 0.7, 0.7]) == 3


def test_targets_are_held_apart_from_one_another():
    reached = TargetsReached(
        [Target(train_loss=1.0, hold=2), Target(train_loss=2.0)], {"train": 10}
    )
    seen = []
    for loss in (1.5, 0.5, 0.5):
        new = reached.update(evaluate(loss))
        reached.record(new, evaluate(loss), Metrics(None, None, None))
        seen.append(new)
    assert seen == [[1], [], [0]]
    assert reached.hits
    assert all(reached.hits)


def test_a_held_target_is_reached_later_by_as_many_evaluations_where_losses_only_fall():
    (once,), (held,) = (together(GD, Target(train_loss=0.8, hold=n))[0].hits for n in (1, 4))
    assert held.evaluation.epoch == once.evaluation.epoch + 3


def test_the_budget_of_passes_ends_a_run_at_the_first_evaluation_at_or_past_it():
    for passes, epochs in ((6, 3), (6.5, 4), (7, 4), (0.1, 1)):  # two passes an epoch
        (outcome,) = run(GD, Terms((), "end_of_epoch", Budget(epochs=40, passes=passes)))
        assert (outcome.status, outcome.history[-1].epoch) == (Status.BUDGET, epochs)


def test_a_target_reached_with_the_evaluation_that_spends_the_budget_is_reached():
    (free,) = run(GD, terms(Target(train_loss=0.8)))
    epochs = free.history[-1].epoch
    how = Terms((Target(train_loss=0.8),), "end_of_epoch", Budget(passes=2 * epochs))
    assert run(GD, how)[0].status is Status.REACHED


class Counting:
    """A optimizer that counts how often its outputs are asked for, by problem."""

    def __init__(self, optimizer):
        self.optimizer, self.looks = optimizer, []

    def __getattr__(self, name):
        return getattr(self.optimizer, name)

    def outputs(self, problem, state):
        self.looks.append(id(problem))
        return self.optimizer.outputs(problem, state)


@pytest.mark.parametrize("seeds", [(1,), (1, 2, 3)])
def test_test_samples_are_evaluated_once_for_each_seed_and_at_the_end(seeds):
    test, optimizer = Tiny(samples=12).problem, Counting(GD)
    given = replace(task(Tiny(), Tiny(samples=9).problem), test=test)
    how = Terms(TARGETS, "end_of_epoch", Budget(epochs=150))
    outcomes = train(given, optimizer, how, seeds, Clock())
    assert optimizer.looks.count(id(test)) == len(seeds)
    for outcome in outcomes:
        params = {key: w[None] for key, w in outcome.weights.items()}
        at = test.forward(params)
        right = (at.z[-1].argmax(-2) == test.targets.argmax(0)).double().mean()
        assert outcome.metrics.test_loss == pytest.approx(float(test.losses(at)), abs=1e-12)
        assert outcome.metrics.test_accuracy == pytest.approx(float(right))
        assert all(hit.metrics.test_loss is None for hit in outcome.hits[:1])


def test_held_out_samples_that_are_the_test_samples_are_evaluated_once():
    held_out, optimizer = Tiny(samples=12).problem, Counting(GD)
    given = replace(task(Tiny(), held_out), valid_is_test=True)
    targets = Target(train_loss=0.8), Target(train_loss=0.4)
    how = Terms(targets, "end_of_epoch", Budget(epochs=150))
    (outcome,) = train(given, optimizer, how, (1,), Clock())
    assert optimizer.looks.count(id(held_out)) == 1
    assert outcome.hits[0].metrics.valid_loss is None
    assert outcome.metrics.valid_loss == outcome.hits[1].metrics.valid_loss is not None


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
def make_record(out, *targets):
    target = [ASKED[i] for i in targets]
    config = CONFIG | {"target": target if len(target) > 1 else target[0]}
    (record,) = gfopt.run(config, out=out, backend="plain").records
    return record


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("several")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_views_record_is_that_of_a_run_with_its_target_alone(out, number):
    view, alone = make_record(out, 0, 1, 2).views()[number], make_record(out, number)
    for name in (
        "status", "epochs", "updates", "loss", "forward_passes", "backward_passes", "passes",
        "flops", "train_accuracy", "valid_loss", "valid_accuracy", "target", "target_metric",
        "target_value", "chance", "class_prior", "reached",
    ):  # fmt: skip
        assert getattr(view, name) == getattr(alone, name), name


def test_a_record_of_several_targets_says_all_and_how_the_run_ended(out):
    record = make_record(out, 0, 1, 2)
    assert record.target == "train_loss < 1.5; valid_accuracy >= 0.6; train_loss < 1e-06"
    assert (record.status, record.epochs) == (Status.BUDGET, 40)
    assert [view.status for view in record.views()] == ["reached", "reached", "budget"]


def test_a_record_of_one_target_is_its_own_view(out):
    record = make_record(out, 0)
    assert record.hits == []
    assert record.views() == [record]


def test_a_table_of_several_targets_has_a_row_for_each(out):
    config = CONFIG | {"target": ASKED}
    rows = gfopt.run(config, out=out, backend="plain").table.rows
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
def test_a_network_with_one_output_for_all_samples_ends_after_so_many_evaluations(patience, epochs):
    how = Terms((MISSED,), "end_of_epoch", Budget(epochs=50, constant=patience))
    (outcome,) = run(Dies(lr=0.05), how, (1,))
    assert (outcome.status, outcome.history[-1].epoch) == (Status.CONSTANT, epochs)


def test_without_that_budget_it_goes_on():
    (outcome,) = run(Dies(lr=0.05), Terms((MISSED,), "end_of_epoch", Budget(epochs=50)), (1,))
    assert outcome.status is Status.BUDGET


def constant_after(flags, patience):
    """The index of the evaluation with which so many in a row were constant."""
    reached = TargetsReached([], {"train": 10})
    for i, same in enumerate(flags):
        reached.update(evaluate(1.0), constant=same)
        if reached.constant_outputs >= patience:
            return i
    return None


def test_evaluations_with_one_output_for_all_samples_are_counted_in_a_row():
    assert constant_after([True, True, False, True, True, True], 3) == 5
    assert constant_after([False, True, True, False, True], 3) is None
