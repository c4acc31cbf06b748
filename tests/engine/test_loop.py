"""The training loop: what an epoch counts, what ends a run, what is charged to training."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar

import pytest
import torch

from gfopt.engine.budget import Budget
from gfopt.engine.clock import Clock, Phase
from gfopt.engine.loop import train
from gfopt.engine.target import Target
from gfopt.engine.terms import Terms
from gfopt.optimizers import Optimizer, optimizers
from gfopt.records.record import Status
from tests.tiny import Tiny

GD = optimizers["gradient_descent"](lr=0.3)
PW = optimizers["position_wise"](lr=0.3)


def task(tiny, valid=None):
    return replace(tiny.task(), valid=valid)


def terms(target=None, reading="end_of_epoch", epochs=40, seconds=3600.0, every=None):
    return Terms(
        (target,) if target else (), reading, Budget(epochs=epochs, seconds=seconds), every
    )


def run(optimizer, how, seeds=(1,), tiny=None, clock=None, **more):
    return train(
        task(tiny or Tiny(), more.pop("valid", None)),
        optimizer,
        how,
        seeds,
        clock or Clock(),
        **more,
    )


def losses_by_hand(optimizer, epochs, seed=1):
    """The loss after 0, 1, ... epochs, and of the last pass that each step knew."""
    tiny = Tiny()
    known = []

    class Spy:
        def forward(self, rows, samples, first, made):
            known.append(made)

        def backward(self, *args):
            pass

    problem = tiny.problem.with_watcher(Spy())
    params = task(tiny).initial_weights((seed,))
    state = optimizer.init(problem, params, tiny.draw((seed,)))
    ends, lasts = [], []
    for _ in range(epochs):
        at = problem.forward(state)
        ends.append(float(problem.losses(at)))
        state = optimizer.step(problem, state, at)
        lasts.append(float(problem.losses(known[-1])))
    return ends, lasts


@pytest.mark.parametrize("optimizer", [GD, PW], ids=["gradient_descent", "position_wise"])
def test_end_of_epoch_evaluates_the_loss_of_the_resulting_parameters(optimizer):
    ends, _ = losses_by_hand(optimizer, 20)
    history = run(optimizer, terms(epochs=19))[0].history
    assert [row.loss for row in history] == ends
    assert [row.epoch for row in history] == list(range(20))


@pytest.mark.parametrize("optimizer", [GD, PW], ids=["gradient_descent", "position_wise"])
def test_as_published_evaluates_the_last_full_pass_that_the_step_knew(optimizer):
    _, lasts = losses_by_hand(optimizer, 20)
    history = run(optimizer, terms(reading="as_published", epochs=20))[0].history
    assert [row.loss for row in history] == lasts
    assert [row.epoch for row in history] == list(range(20))


def test_the_initialization_is_epoch_0():
    outcome = run(GD, terms(Target(train_loss=50.0)))[0]
    assert (outcome.status, outcome.history[-1].epoch, outcome.history[-1].updates) == (
        Status.REACHED,
        0,
        0,
    )
    assert outcome.history[-1].forward_passes == 0


def test_a_run_stops_at_the_first_loss_below_the_target():
    ends, _ = losses_by_hand(GD, 30)
    outcome = run(GD, terms(Target(train_loss=ends[12] + 1e-12)))[0]
    assert outcome.history[-1].epoch == 12


def test_a_loss_equal_to_the_target_is_not_below():
    ends, _ = losses_by_hand(GD, 30)
    assert run(GD, terms(Target(train_loss=ends[12])))[0].history[-1].epoch == 13


def test_evaluations_whose_number_skip_every_divides_cannot_stop():
    _, lasts = losses_by_hand(GD, 30)
    target = Target(train_loss=lasts[12] + 1e-12, skip_every=4)
    assert run(GD, terms(target, "as_published"))[0].history[-1].epoch == 13


def test_an_easier_target_never_takes_more_epochs():
    epochs = [
        run(GD, terms(Target(train_loss=t)))[0].history[-1].epoch for t in (0.9, 0.7, 0.5, 0.3)
    ]
    assert epochs == sorted(epochs)


def test_the_budget_of_epochs_ends_a_run():
    outcome = run(GD, terms(Target(train_loss=-1.0), epochs=7))[0]
    assert (outcome.status, outcome.history[-1].epoch) == (Status.BUDGET, 7)


def test_the_budget_of_epochs_is_as_many_steps_as_published():
    outcome = run(GD, terms(Target(train_loss=-1.0), "as_published", epochs=7))[0]
    assert (outcome.history[-1].epoch, outcome.history[-1].updates) == (6, 7)


def test_the_budget_of_seconds_is_training_time():
    clock = Clock(wall=Ticks(), cpu=lambda: 0.0)
    outcome = run(GD, terms(epochs=1000, seconds=5.0), clock=clock)[0]
    assert outcome.status is Status.BUDGET
    assert 5 <= outcome.history[-1].seconds < 7


class Ticks:
    """A clock that goes on by a second whenever it is asked."""

    now = 0.0

    def __call__(self):
        self.now += 1
        return self.now


def test_a_loss_that_is_not_finite_ends_a_run_at_once():
    tiny = Tiny(loss="mse", activation="relu")
    outcome = run(optimizers["gradient_descent"](lr=1e6), terms(), tiny=tiny)[0]
    assert outcome.status is Status.DIVERGED
    assert not math.isfinite(outcome.history[-1].loss)


def test_each_vectorized_seed_ends_as_alone():
    how = terms(Target(train_loss=0.4), epochs=200)
    together = {o.seed: o.history for o in run(GD, how, (1, 2, 3, 4))}
    for seed in (1, 2, 3, 4):
        alone = run(GD, how, (seed,))[0].history
        assert [r.epoch for r in alone] == [r.epoch for r in together[seed]]
        assert [r.forward_passes for r in alone] == [r.forward_passes for r in together[seed]]
    assert len({h[-1].epoch for h in together.values()}) > 1


def test_seeds_of_an_optimizer_that_cannot_be_vectorized_run_one_by_one():
    optimizer, how = (
        optimizers["lbfgs"](lr=0.1, max_iter=2),
        terms(Target(train_loss=0.4), epochs=99),
    )
    together = [(o.seed, o.history[-1].epoch) for o in run(optimizer, how, (3, 1, 2))]
    assert together == [(s, run(optimizer, how, (s,))[0].history[-1].epoch) for s in (3, 1, 2)]


def test_outcomes_come_in_the_order_of_the_seeds():
    assert [o.seed for o in run(GD, terms(Target(train_loss=0.4), epochs=99), (4, 2, 3))] == [
        4,
        2,
        3,
    ]


def test_an_epoch_of_gradient_descent_costs_one_pass_each_way_and_evaluations_nothing():
    row = run(GD, terms(epochs=9))[0].history[-1]
    assert (row.forward_passes, row.backward_passes) == (9 * 24, 9 * 24)


def test_the_last_pass_is_an_evaluation_and_off_the_training_clock():
    clock = Clock(wall=Ticks(), cpu=lambda: 0.0)
    outcome = run(GD, terms(epochs=3), clock=clock)[0]
    clock.enter(Phase.OTHER)
    assert (
        outcome.history[-1].seconds == clock.seconds[Phase.TRAIN] == 6
    )  # three passes, three steps


def test_phases_sum_to_the_wall_time_of_a_run():
    ticks = Ticks()
    clock = Clock(wall=ticks, cpu=lambda: 0.0)
    run(GD, terms(epochs=3), clock=clock)
    clock.enter(Phase.OTHER)
    assert sum(clock.seconds.values()) == ticks.now - 1


def test_right_answers_are_compared_as_counts():
    outcome = run(GD, terms(Target(train_accuracy=0.75), epochs=200))[0]
    assert outcome.status is Status.REACHED
    assert outcome.history[-1].train_accuracy >= 0.75 > outcome.history[-2].train_accuracy
    assert outcome.metrics.train_accuracy == outcome.history[-1].train_accuracy


def test_a_validation_target_evaluates_the_held_out_samples():
    tiny, valid = Tiny(), Tiny(samples=9).problem
    outcome = run(GD, terms(Target(valid_loss=0.5), epochs=200), tiny=tiny, valid=valid)[0]
    params = {key: w[None] for key, w in outcome.weights.items()}
    assert outcome.history[-1].valid_loss == float(valid.losses(valid.forward(params)))
    assert outcome.metrics.valid_loss == outcome.history[-1].valid_loss < 0.5


def test_mini_batches_show_every_sample_once_an_epoch():
    seen = []

    class Spy(Optimizer):
        takes: ClassVar = "batch"

        def init(self, problem, params, draw):
            return dict(params)

        def step(self, problem, state, at):
            seen.append(problem.inputs[..., 0, :].clone())
            return state

    tiny = Tiny()
    run(Spy(), terms(epochs=1), tiny=tiny, batch_size=7)
    first_epoch = torch.cat([s.flatten() for s in seen[1:]])  # seen[0] is the warm-up
    assert sorted(first_epoch.tolist()) == sorted(tiny.problem.inputs[0].tolist())


def test_evaluations_every_few_updates_count_fractional_epochs():
    outcome = run(GD, terms(epochs=2, every=3), batch_size=2)[0]
    assert [row.epoch for row in outcome.history] == [u / 12 for u in range(0, 25, 3)]


def test_the_budget_of_epochs_holds_between_evaluations_too():
    outcome = run(GD, terms(epochs=2, every=1000), batch_size=2)[0]
    assert (outcome.status, outcome.history[-1].updates) == (Status.BUDGET, 24)


def test_derivatives_that_an_optimizer_makes_itself_are_not_counted_rather_than_zero():
    class Own(Optimizer):
        def init(self, problem, params, draw):
            return dict(params)

        def step(self, problem, state, at):
            delta = at.a[-1] - problem.y
            return state | {"W3": state["W3"] - 0.01 * delta @ at.a[-2].mT}

    class Free(Own):
        gradient_free: ClassVar = True

    assert run(Own(), terms(epochs=3))[0].history[-1].backward_passes is None
    assert run(Free(), terms(epochs=3))[0].history[-1].backward_passes == 0


def test_an_optimizer_that_wants_no_pass_is_not_charged_for_evaluations():
    class Still(Optimizer):
        wants_pass: ClassVar = False

        def init(self, problem, params, draw):
            return dict(params)

        def step(self, problem, state, at):
            assert at is None
            return state

    clock = Clock(wall=Ticks(), cpu=lambda: 0.0)
    row = run(Still(), terms(epochs=4), clock=clock)[0].history[-1]
    assert (row.forward_passes, row.seconds) == (0, 4)  # four steps of a tick each


def test_an_optimizer_that_ends_itself_is_finished():
    class Three(Optimizer):
        def init(self, problem, params, draw):
            return params | {"n": draw.full(0)}

        def step(self, problem, state, at):
            return state | {"n": state["n"] + 1}

        def done(self, state):
            return state["n"] >= 3

    outcome = run(Three(), terms())[0]
    assert (outcome.status, outcome.history[-1].epoch) == (Status.FINISHED, 3)


def test_the_watch_sees_every_evaluation():
    seen = []
    outcome = run(GD, terms(epochs=5), watch=lambda seed, row: seen.append((seed, row)))[0]
    assert seen == [(1, row) for row in outcome.history]


def test_weights_at_the_stop_give_the_loss_at_the_stop():
    outcome, tiny = run(GD, terms(Target(train_loss=0.5), epochs=99))[0], Tiny()
    params = {key: w[None] for key, w in outcome.weights.items()}
    assert float(tiny.problem.losses(tiny.problem.forward(params))) == outcome.history[-1].loss
