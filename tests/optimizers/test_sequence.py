"""Sequences: each stage against its optimizer alone."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch

from gfopt.engine.budget import Budget
from gfopt.engine.clock import Clock
from gfopt.engine.loop import train
from gfopt.engine.target import Target
from gfopt.engine.terms import Terms
from gfopt.model.state import descend, parameters
from gfopt.numerics.noise import noise
from gfopt.optimizers import Optimizer, optimizers
from gfopt.options import Positive
from gfopt.records.record import Status
from tests.tiny import Tiny, run_steps

ADAM = {"name": "adam", "lr": 0.05}
GD = {"name": "gradient_descent", "lr": 0.3, "momentum": 0.5}
PW = {"name": "position_wise", "lr": 0.3}


class Counting(Optimizer):
    """Gradient descent that ends by itself after some steps."""

    lr: Positive = 0.1
    steps: int = 3

    def init(self, problem, params, draw):
        return params | {"lr": draw.full(self.lr), "n": draw.seed() * 0}

    def step(self, problem, state, at):
        return descend(state, problem.gradient(state, at)) | {"n": state["n"] + 1}

    def done(self, state):
        return state["n"] >= self.steps

    def remarks(self):
        return ["counting: it counts."]

    def notes(self, state):
        return [f"counted to {int(state['n'])}."]


class Noisy(Optimizer):
    """A random walk: what it draws can be seen in the weights."""

    wants_pass: ClassVar[bool] = False
    gradient_free: ClassVar[bool] = True

    def init(self, problem, params, draw):
        return params | {"seed": draw.seed(), "t": draw.seed() * 0}

    def step(self, problem, state, at):
        drawn = noise(state["seed"], state["t"], state["W1"])
        return state | {"W1": state["W1"] + drawn, "t": state["t"] + 1}


@pytest.fixture
def registered():
    """Both in the registry, for as long as the test lasts."""
    with (
        optimizers.register_temporarily("counting", Counting),
        optimizers.register_temporarily("noisy", Noisy),
    ):
        yield


def sequence(*stages):
    return optimizers["sequence"](stages=stages)


def optimizer_of(stage):
    return optimizers[stage["name"]](**{k: v for k, v in stage.items() if k not in EXTRA})


EXTRA = ("name", "epochs", "schedule")


def run(optimizer, seeds=(1,), epochs=9, target=None):
    terms = Terms((target,) if target else (), "end_of_epoch", Budget(epochs=epochs))
    return train(Tiny().task(), optimizer, terms, seeds, Clock())


def same_bits(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def stages_of(outcome):
    return [row.stage for row in outcome.history]


def without_stage_and_time(outcome):
    return [(r.epoch, r.loss, r.forward_passes, r.backward_passes) for r in outcome.history]


@pytest.mark.parametrize("second", [GD, ADAM, PW, {"name": "evolution_strategy", "members": 6}])
def test_a_first_stage_of_no_epochs_is_the_second_optimizer_alone_to_the_bit(second):
    (found,) = run(sequence(ADAM | {"epochs": 0}, second))
    (alone,) = run(optimizer_of(second))
    assert same_bits(found.weights, alone.weights)
    assert without_stage_and_time(found) == without_stage_and_time(alone)
    assert set(stages_of(found)) == {2}


@pytest.mark.parametrize("first", [GD, ADAM, PW, {"name": "evolution_strategy", "members": 6}])
def test_the_first_stage_is_its_optimizer_alone_to_the_bit(first):
    (found,) = run(sequence(first | {"epochs": 4}, GD))
    (alone,) = run(optimizer_of(first), epochs=4)
    assert without_stage_and_time(found)[:5] == without_stage_and_time(alone)


@pytest.mark.parametrize("second", [GD, ADAM, PW])
def test_the_second_stage_starts_from_the_firsts_parameters_and_nothing_else(tiny, second):
    weights = tiny.task().initial_weights((1,))
    with torch.no_grad():
        first = optimizer_of(ADAM).init(tiny.problem, weights, tiny.draw((1,)))
    half = parameters(run_steps(optimizer_of(ADAM), tiny, (1,), 4, first))
    afresh = optimizer_of(second).init(tiny.problem, half, tiny.draw((1,)))
    expected = run_steps(optimizer_of(second), tiny, (1,), 5, afresh)
    (found,) = run(sequence(ADAM | {"epochs": 4}, second))
    assert same_bits(found.weights, {k: p[0] for k, p in parameters(expected).items()})


def test_each_stage_has_its_epochs_and_the_history_names_the_stage_of_an_evaluation():
    (found,) = run(
        sequence(GD | {"epochs": 2}, PW | {"epochs": 0}, ADAM | {"epochs": 3}, PW), epochs=8
    )
    assert stages_of(found) == [1, 1, 1, 3, 3, 3, 4, 4, 4]
    assert [row.epoch for row in found.history] == list(range(9))


def test_an_optimizer_without_stages_has_none_in_its_history():
    assert set(stages_of(run(optimizer_of(GD))[0])) == {None}


@pytest.mark.usefixtures("registered")
def test_a_stage_that_ends_by_itself_hands_over_early():
    counting = {"name": "counting", "steps": 3}
    (found,) = run(sequence(counting | {"epochs": 6}, GD), epochs=6)
    assert stages_of(found) == [1, 1, 1, 1, 2, 2, 2]
    (unbounded,) = run(sequence(counting, GD), epochs=6)
    assert same_bits(found.weights, unbounded.weights)
    (cut,) = run(sequence(counting | {"epochs": 2}, GD), epochs=6)
    assert stages_of(cut) == [1, 1, 1, 2, 2, 2, 2]


def test_a_search_that_stands_still_hands_over():
    """A grid of two values: a sweep that changes nothing is the last."""
    search = {"name": "parameter_search", "low": -1.0, "high": 1.0, "count": 2}
    (alone,) = run(optimizer_of(search), epochs=99)
    assert alone.status is Status.FINISHED
    sweeps = int(alone.history[-1].epoch)
    (found,) = run(sequence(search | {"epochs": 90}, ADAM | {"epochs": 5}), epochs=99)
    assert stages_of(found) == [1] * (sweeps + 1) + [2] * 5
    assert found.history[sweeps].loss == alone.history[-1].loss
    assert found.status is Status.FINISHED


def test_a_closed_form_is_a_stage_of_one_epoch():
    (found,) = run(sequence({"name": "random_features"}, GD), epochs=3)
    assert stages_of(found) == [1, 1, 2, 2]
    (alone,) = run(optimizers["random_features"]())
    assert found.history[1].loss == alone.history[-1].loss


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize(
    ("last", "epochs", "status", "end"),
    [
        (GD | {"epochs": 3}, 9, Status.FINISHED, 5),
        ({"name": "counting", "steps": 4}, 9, Status.FINISHED, 6),
        (GD, 9, Status.BUDGET, 9),
        (GD | {"epochs": 30}, 9, Status.BUDGET, 9),
        (GD | {"epochs": 3}, 4, Status.BUDGET, 4),
        (GD | {"epochs": 3}, 1, Status.BUDGET, 1),
    ],
)
def test_a_run_is_finished_with_its_last_stage_or_ends_with_the_budget(last, epochs, status, end):
    (found,) = run(sequence(ADAM | {"epochs": 2}, last), epochs=epochs)
    assert (found.status, found.history[-1].epoch) == (status, end)


def test_stages_of_no_epochs_at_the_end_do_not_keep_a_run_going():
    (found,) = run(sequence(ADAM | {"epochs": 2}, GD | {"epochs": 0}))
    assert (found.status, found.history[-1].epoch) == (Status.FINISHED, 2)


def test_a_target_can_be_reached_in_any_stage():
    full = run(sequence(GD | {"epochs": 3}, ADAM))[0].history
    for epoch, stage in ((2, 1), (5, 2)):
        target = Target(train_loss=full[epoch].loss + 1e-12)
        (found,) = run(sequence(GD | {"epochs": 3}, ADAM), target=target)
        assert (found.status, stages_of(found)[-1]) == (Status.REACHED, stage)
        assert found.history[-1].epoch == epoch


def test_passes_are_the_sum_of_the_stages():
    stages = (GD, 2), (PW, 3), ({"name": "evolution_strategy", "members": 6}, 4), (ADAM, 1)
    (found,) = run(sequence(*(stage | {"epochs": epochs} for stage, epochs in stages)), epochs=10)
    alone = [run(optimizer_of(stage), epochs=epochs)[0].history[-1] for stage, epochs in stages]
    assert found.history[-1].epoch == 10
    for kind in ("forward_passes", "backward_passes"):
        expected = sum(getattr(row, kind) for row in alone)
        assert getattr(found.history[-1], kind) == pytest.approx(expected)


def test_before_any_gradient_backward_passes_are_zero():
    (found,) = run(sequence({"name": "evolution_strategy", "members": 6, "epochs": 2}, GD))
    assert [row.backward_passes for row in found.history[:4]] == [0, 0, 0, 24]


@pytest.mark.usefixtures("registered")
def test_no_noise_comes_twice(tiny):
    optimizer = sequence({"name": "noisy", "epochs": 3}, {"name": "noisy", "epochs": 3})
    weights = tiny.task().initial_weights((4,))
    steps, state = [], optimizer.init(tiny.problem, weights, tiny.draw((4,)))
    for _ in range(6):
        after = optimizer.step(tiny.problem, state, None)
        steps.append((after["W1"] - state["W1"]).flatten())
        state = after
    drawn = torch.stack(steps)
    assert len({tuple(row) for row in drawn.tolist()}) == 6
    assert torch.corrcoef(drawn).triu(1).abs().max() < 0.7  # thirty numbers each
    again = optimizer.init(tiny.problem, weights, tiny.draw((4,)))
    for _ in range(6):
        again = optimizer.step(tiny.problem, again, None)
    assert torch.equal(again["W1"], state["W1"])


def test_evolution_after_evolution_draws_anew():
    """With the same noise, both stages from the same weights would be the same."""
    one = {"name": "evolution_strategy", "members": 6, "epochs": 2}
    (found,) = run(sequence(one, one), epochs=4)
    (first,) = run(optimizer_of(one), epochs=2)
    tiny = Tiny()
    from_first = {key: w[None] for key, w in first.weights.items()}
    optimizer = optimizer_of(one)
    same_noise = optimizer.init(tiny.problem, from_first, tiny.draw((1,)))
    with torch.no_grad():
        for _ in range(2):
            same_noise = optimizer.step(tiny.problem, same_noise, None)
    assert not torch.allclose(found.weights["W1"], same_noise["W1"][0], atol=1e-6)


def test_seeds_end_as_they_do_alone():
    optimizer = sequence(GD | {"epochs": 3}, ADAM)
    target = Target(train_loss=0.4)
    together = run(optimizer, (3, 1, 2), 60, target)
    assert [o.seed for o in together] == [3, 1, 2]
    for outcome in together:
        (alone,) = run(optimizer, (outcome.seed,), 60, target)
        assert same_bits(outcome.weights, alone.weights)
        assert without_stage_and_time(outcome) == without_stage_and_time(alone)


@pytest.mark.usefixtures("registered")
def test_resumed_at_any_epoch_equals_run_on(tiny, tmp_path):
    from safetensors.torch import load_file, save_file

    plateau = {"name": "ReduceLROnPlateau", "patience": 0, "threshold": 0.4}
    optimizer = sequence(
        {"name": "counting", "steps": 2}, ADAM | {"epochs": 4, "schedule": plateau}, PW
    )
    state = run_steps(optimizer, tiny, (1,), 0)
    with torch.no_grad():
        state = optimizer.init(tiny.problem, tiny.initial_weights((1,)), tiny.draw((1,)))
    expected = run_steps(optimizer, tiny, (1,), 8, state)
    for epoch in range(8):
        half = run_steps(optimizer, tiny, (1,), epoch, state)
        save_file({k: t.contiguous() for k, t in half.items()}, tmp_path / f"{epoch}")
        resumed = run_steps(optimizer, tiny, (1,), 8 - epoch, load_file(tmp_path / f"{epoch}"))
        assert same_bits(resumed, expected)


def test_a_stages_schedule_is_that_of_its_optimizer_alone():
    from gfopt.optimizers.schedule import Schedule

    for options in (
        {"name": "ReduceLROnPlateau", "patience": 0, "threshold": 0.4},
        {"name": "StepLR", "step_size": 2, "gamma": 0.5},
    ):
        (found,) = run(sequence(PW | {"epochs": 0}, ADAM | {"schedule": options}))
        terms = Terms((), "end_of_epoch", Budget(epochs=9))
        (alone,) = train(
            Tiny().task(), optimizer_of(ADAM), terms, (1,), Clock(), schedule=Schedule(**options)
        )
        assert same_bits(found.weights, alone.weights)
        (plain,) = run(optimizer_of(ADAM))
        assert not same_bits(found.weights, plain.weights)


def test_a_schedule_begins_with_its_stage():
    """Three epochs before it don't count: the lr falls after two epochs of the second stage."""
    schedule = {"name": "StepLR", "step_size": 2, "gamma": 0.5}
    optimizer, tiny = sequence(PW | {"epochs": 3}, GD | {"schedule": schedule}), Tiny()
    state = optimizer.init(tiny.problem, tiny.initial_weights((1,)), tiny.draw((1,)))
    lrs = []
    for _ in range(7):
        state = run_steps(optimizer, tiny, (1,), 1, state)
        lrs.append(float(state["lr"]))
    assert lrs == [0.3, 0.3, 0.3, 0.3, 0.15, 0.15, 0.075]


@pytest.mark.usefixtures("registered")
def test_remarks_and_notes_are_those_of_the_stages():
    optimizer = sequence({"name": "counting", "steps": 2}, {"name": "lbfgs"}, {"name": "counting"})
    assert optimizer.remarks() == ["counting: it counts.", *optimizers["lbfgs"]().remarks()]
    (found,) = run(sequence(GD | {"epochs": 2}, {"name": "counting", "steps": 4}))
    assert found.notes == ["counted to 4."]
