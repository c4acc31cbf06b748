"""`frozen_hidden`: hidden layers keep their initial weights, the output layer learns alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

import gfopt
from gfopt.config.entries import Entry
from gfopt.config.loading import load
from gfopt.engine.budget import Budget
from gfopt.engine.target import Target
from gfopt.engine.terms import Terms
from gfopt.errors import UsageError
from gfopt.optimizers import optimizers
from gfopt.runner.backend_choice import PLAIN
from gfopt.runner.identity import identify
from gfopt.runner.train import train_seeds
from tests.tiny import Tiny

WIDTHS, SAMPLES, EPOCHS = (6, 5, 4, 3), 24, 7
# multiply-adds of a sample, by hand: 6*5 + 5*4 + 4*3 forward; dW of all layers (62) and dA of the
# second and third (20 + 12) backward
FORWARD, BACKWARD, HIDDEN, OUTPUT = 62, 94, 50, 12


def task(**more):
    tiny = Tiny(WIDTHS, samples=SAMPLES, **more)
    return replace(tiny.task(), valid=Tiny(WIDTHS, samples=9).problem)


def entry(name, **options):
    optimizer = optimizers[name](**options)
    return Entry(
        name, name, optimizer.model_dump(mode="json"), optimizer=optimizer, frozen_hidden=True
    )


def trained(
    name, seeds=(1,), backend=PLAIN, target=None, epochs=EPOCHS, batch_size=None, **options
):
    how = Terms((target,) if target else (), "end_of_epoch", Budget(epochs=epochs))
    one = entry(name, **options)
    if batch_size:
        one = Entry(
            name, name, one.options, batch_size, optimizer=one.optimizer, frozen_hidden=True
        )
    return train_seeds(task(), one, one.optimizer, backend, how, list(seeds))[0]


def by_multipliers(updates, lr, seed=1):
    """The oracle: gradient descent of the whole network whose hidden layers have the rate 0."""
    given = task()
    optimizer = optimizers["gradient_descent"](lr=lr, multipliers=(0.0, 0.0, 1.0))
    with torch.no_grad():
        state = given.initial_weights([seed]) | {"lr": torch.tensor([lr], dtype=torch.float64)}
        for _ in range(updates):
            state = optimizer.step(given.train, state, given.train.forward(state))
    return {key: p[0] for key, p in state.items() if key != "lr"}


def assert_close(weights, expected):
    assert set(weights) == set(expected)
    for key, tensor in expected.items():
        assert torch.allclose(weights[key], tensor, rtol=0, atol=1e-10), key


RULES = [
    ("gradient_descent", {"lr": 0.3, "momentum": 0.5}),
    ("position_wise", {"lr": 0.3}),
    ("adam", {"lr": 0.01}),
    ("evolution_strategy", {"members": 6, "lr": 0.1}),
    ("random_search", {"members": 5}),
    ("parameter_search", {}),
]


@pytest.mark.parametrize(("name", "options"), RULES, ids=[name for name, _ in RULES])
def test_hidden_layers_keep_their_initial_weights_bit_for_bit_and_the_output_layer_moves(
    name, options
):
    (outcome,), start = trained(name, (3,), **options), task().initial_weights([3])
    assert set(outcome.weights) == set(start)
    for key in ("W1", "b1", "W2", "b2"):
        assert torch.equal(outcome.weights[key], start[key][0])
    assert not torch.equal(outcome.weights["W3"], start["W3"][0])


def test_gradient_descent_is_that_of_the_whole_network_with_hidden_rates_of_zero():
    (outcome,) = trained("gradient_descent", lr=0.3)
    assert_close(outcome.weights, by_multipliers(EPOCHS, 0.3))


def test_position_wise_gives_the_output_layer_as_many_updates_an_epoch_as_layers():
    (outcome,) = trained("position_wise", lr=0.3)
    assert_close(outcome.weights, by_multipliers(3 * EPOCHS, 0.3))
    assert outcome.history[-1].epoch == outcome.history[-1].updates == EPOCHS


@pytest.mark.parametrize(("name", "updates"), [("gradient_descent", 1), ("position_wise", 3)])
def test_evaluations_are_those_of_the_whole_network(name, updates):
    (outcome,), given = trained(name, lr=0.3, target=Target(valid_loss=1e-9)), task()
    for row in outcome.history:
        weights = by_multipliers(updates * row.updates, 0.3)
        params = {key: w[None] for key, w in weights.items()}
        for problem, read in ((given.train, row.loss), (given.valid, row.valid_loss)):
            assert read == pytest.approx(float(problem.losses(problem.forward(params))), abs=1e-10)


@pytest.mark.parametrize("name", ["gradient_descent", "position_wise"])
def test_numba_gives_what_plain_does(name):
    (plain,), (loops,) = (trained(name, backend=b, lr=0.3) for b in (PLAIN, "numba"))
    assert_close(loops.weights, plain.weights)
    costs = [
        [(r.epoch, r.forward_passes, r.backward_passes) for r in o.history] for o in (plain, loops)
    ]
    assert costs[0] == costs[1]


@pytest.mark.parametrize("backend", [PLAIN, "numba"])
@pytest.mark.parametrize("name", ["gradient_descent", "position_wise"])
def test_several_seeds_give_what_each_gives_alone(name, backend):
    how = {"backend": backend, "lr": 0.3, "target": Target(valid_loss=0.7), "epochs": 99}
    together = trained(name, (2, 5, 1), **how)
    assert [outcome.seed for outcome in together] == [2, 5, 1]
    for outcome in together:
        (alone,) = trained(name, (outcome.seed,), **how)
        assert_same_run(outcome, alone)
    assert len({outcome.history[-1].epoch for outcome in together}) > 1


@pytest.mark.parametrize(("name", "options"), RULES, ids=[name for name, _ in RULES])
def test_vectorized_seeds_give_every_optimizer_what_single_seeds_do(name, options):
    for outcome in trained(name, (4, 2), epochs=2, **options):  # rounding grows with updates
        (alone,) = trained(name, (outcome.seed,), epochs=2, **options)
        assert_same_run(outcome, alone)


def test_each_vectorized_seed_has_mini_batches_of_its_own_hidden_outputs():
    for outcome in trained("gradient_descent", (4, 2), lr=0.3, batch_size=5):
        (alone,) = trained("gradient_descent", (outcome.seed,), lr=0.3, batch_size=5)
        assert_same_run(outcome, alone)


def assert_same_run(one, other):
    """Up to rounding: products of vectorized seeds are made in another order."""
    assert [row.epoch for row in one.history] == [row.epoch for row in other.history]
    costs = [[(r.forward_passes, r.backward_passes) for r in o.history] for o in (one, other)]
    assert costs[0] == costs[1]
    losses = [[row.loss for row in outcome.history] for outcome in (one, other)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-10)
    levels = [[v for v in outcome.metrics if v is not None] for outcome in (one, other)]
    assert levels[0] == pytest.approx(levels[1], abs=1e-10)
    assert_close(one.weights, other.weights)


@pytest.mark.parametrize(("name", "steps"), [("gradient_descent", 1), ("position_wise", 3)])
def test_passes_are_those_of_the_whole_network_its_hidden_layers_passed_once(name, steps):
    (outcome,) = trained(name, lr=0.3)
    for epoch, row in enumerate(outcome.history):
        forward = (HIDDEN + OUTPUT * steps * epoch) * SAMPLES / FORWARD
        assert row.forward_passes == pytest.approx(forward, rel=1e-14)
        backward = OUTPUT * steps * epoch * SAMPLES / BACKWARD
        assert row.backward_passes == pytest.approx(backward, rel=1e-14)


def test_a_population_passes_the_output_layer_alone():
    (outcome,) = trained("evolution_strategy", members=6)
    forward = (HIDDEN + OUTPUT * 6 * EPOCHS) * SAMPLES / FORWARD
    assert outcome.history[-1].forward_passes == pytest.approx(forward, rel=1e-14)


def test_mini_batches_are_samples_of_the_hidden_layers_outputs():
    (outcome,), start = (
        trained("gradient_descent", lr=0.3, batch_size=5),
        task().initial_weights([1]),
    )
    assert torch.equal(outcome.weights["W2"], start["W2"][0])
    assert outcome.history[-1].updates == EPOCHS * 5  # of 24 samples
    forward = (HIDDEN + OUTPUT * EPOCHS) * SAMPLES / FORWARD
    assert outcome.history[-1].forward_passes == pytest.approx(forward, rel=1e-14)


CONFIG = """\
dataset: {name: digits, scale: unit}
model: {hidden: [5], init: fan_in_normal}
loss: cross_entropy
optimizers: [{name: position_wise, lr: 0.5}]
target: {train_loss: 1.0}
budget: {epochs: 30}
precision: float64
"""


def experiment(folder, *changes):
    return load(CONFIG, "c.yaml", folder, list(changes))


def entries_of(folder, optimizer, *changes):
    changes = f"optimizers=[{optimizer}]", *changes
    return experiment(folder, *changes).entries


def test_it_is_refused_where_there_is_no_hidden_layer(tmp_path):
    with pytest.raises(UsageError, match=r"^--set .*frozen_hidden: position_wise moves no hidden"):
        entries_of(tmp_path, "{name: position_wise, frozen_hidden: true}", "model.hidden=[]")


def test_it_is_refused_to_optimizers_that_train_the_output_layer_alone(tmp_path):
    with pytest.raises(UsageError, match="frozen_hidden: random_features moves no hidden layers"):
        entries_of(tmp_path, "{name: random_features, frozen_hidden: true}")


MODULE = """\
from torch import nn


def make_model():
    return nn.Linear(64, 10)


def train_step(model, batch, state):
    pass
"""
ONE_BY_ONE = """\
from typing import ClassVar

from gfopt import Optimizer, descend


class Mine(Optimizer):
    batches_seeds: ClassVar = False

    def init(self, problem, params, draw):
        return params | {"lr": draw.full(0.5)}

    def step(self, problem, state, at):
        return descend(state, problem.gradient(state, at))
"""


def own(folder, text):
    (folder / "mine.py").write_text(text)
    (one,) = entries_of(folder, "{file: mine.py, frozen_hidden: true}")
    return one


def test_it_is_refused_to_torch_modules(tmp_path):
    with pytest.raises(UsageError, match="mine: frozen_hidden: torch modules"):
        own(tmp_path, MODULE).make_optimizer(2)


def test_an_optimizer_from_a_file_that_takes_seeds_one_by_one_is_no_torch_module(tmp_path):
    assert own(tmp_path, ONE_BY_ONE).make_optimizer(2).batches_seeds is False


def test_an_optimizer_from_a_file_has_its_hidden_layers_frozen_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(ONE_BY_ONE)
    optimizers_ = ("{file: mine.py, frozen_hidden: true}", "{name: gradient_descent, lr: 0.5}")
    of_own, named = (
        weights_of(tmp_path / str(i), optimizer) for i, optimizer in enumerate(optimizers_)
    )
    assert torch.equal(of_own["W1"], named["start"]["W1"])
    assert not torch.equal(named["W1"], named["start"]["W1"])


def weights_of(out, optimizer):
    """The weights at the end, and the initial ones by a run that ends there."""
    (out.parent / "c.yaml").write_text(CONFIG)
    changes = [f"optimizers=[{optimizer}]"]

    def run(*more):
        found = gfopt.run("c.yaml", settings=[*changes, *more], out=out)
        return load_file(found.folder / "runs" / found.records[0].id / "weights.safetensors")

    return run() | {"start": run("target.train_loss=99")}


def test_a_run_id_knows_whether_hidden_layers_are_frozen_and_how(tmp_path):
    for optimizer in ("name: position_wise", "file: mine.py"):
        (tmp_path / "mine.py").write_text(ONE_BY_ONE)
        made = experiment(
            tmp_path, f"optimizers=[{{{optimizer}}}, {{{optimizer}, frozen_hidden: true}}]"
        )
        free, frozen = (identify(made, one, 1, "cpu", PLAIN) for one in made.entries)
        assert free["optimizer"] != frozen["optimizer"]


def test_the_record_and_the_file_of_a_run_are_of_the_whole_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(CONFIG)
    changes = ["optimizers.0.frozen_hidden=true"]
    (record,) = gfopt.run("c.yaml", settings=changes, out=tmp_path).records
    assert record.products == (64 * 5 + 5 * 10, 64 * 5 + 5 * 10 + 5 * 10)
    assert record.config["optimizers"][0]["frozen_hidden"] is True
    (folder,) = (tmp_path / "c" / "runs").iterdir()
    shapes = {key: tuple(w.shape) for key, w in load_file(folder / "weights.safetensors").items()}
    assert shapes == {"W1": (5, 64), "b1": (5, 1), "W2": (10, 5), "b2": (10, 1)}
