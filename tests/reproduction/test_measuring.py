"""What is measured beside the runs: layers of an update, outputs of weights, interleaved times."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from gfopt.config.experiment import load
from gfopt.datasets import prepare
from gfopt.outcomes import Levels, Outcome, Row
from gfopt.race import Setting, Silence, machine_of, race
from gfopt.records import Status
from gfopt.reproduction import measuring
from gfopt.reproduction.verdicts import Missing
from gfopt.runs import Machine
from gfopt.target import Budget

RACE = """\
name: small
dataset: {name: digits, scale: unit}
model: {hidden: [4, 3], activation: [tanh, relu]}
loss: cross_entropy
optimizers:
  - {name: gradient_descent, lr: 0.5, label: descent}
  - {name: position_wise, lr: 0.5, label: positions}
  - {name: gradient_descent, lr: 0.5, multipliers: [1, 2, 3], label: rates}
  - {name: evolution_strategy, members: 4, label: evolution}
  - {name: random_search, label: search}
  - {name: adam, label: adam}
budget: {epochs: 2}
precision: float64
"""


@pytest.fixture
def experiment(tmp_path):
    return load(RACE, "small.yaml", tmp_path)


@pytest.fixture
def machine(tmp_path):
    return Machine(torch.device("cpu"), tmp_path, offline=True)


def only(experiment, *labels):
    entries = {entry.label: entry for entry in experiment.entries}
    return replace(experiment, entries=tuple(entries[label] for label in labels))


@pytest.mark.parametrize(
    ("label", "layers"),
    [
        ("descent", [[1, 2, 3]]),
        ("rates", [[1, 2, 3]]),
        ("positions", [[3], [2, 3], [1, 2, 3]]),
        ("adam", [[1, 2, 3]]),
    ],
)
def test_the_layers_of_each_update_within_an_epoch_are_traced(experiment, label, layers):
    assert measuring.layers_in_an_epoch(experiment, label) == layers


@pytest.mark.parametrize("label", ["evolution", "search"])
def test_without_a_backward_pass_the_layers_can_not_be_told(experiment, label):
    with pytest.raises(Missing, match=f"{label} makes no backward pass"):
        measuring.layers_in_an_epoch(experiment, label)


@pytest.mark.parametrize(
    ("loss", "dataset"),
    [("bce", "{name: cat}"), ("softmax_bce", "{name: digits}"), ("mse", "{name: diabetes}")],
)
def test_layers_are_traced_for_every_kind_of_loss(tmp_path, loss, dataset):
    text = RACE.replace("cross_entropy", loss).replace("{name: digits, scale: unit}", dataset)
    found = measuring.layers_in_an_epoch(load(text, "small.yaml", tmp_path), "positions")
    assert found == [[3], [2, 3], [1, 2, 3]]


def test_layers_are_traced_without_hidden_layers_and_without_an_output_bias(tmp_path):
    text = RACE.replace("hidden: [4, 3], activation: [tanh, relu]", "output_bias: false")
    text = text.replace(", multipliers: [1, 2, 3]", "")
    assert measuring.layers_in_an_epoch(load(text, "small.yaml", tmp_path), "positions") == [[1]]


def test_outputs_are_those_of_the_run_s_weights(tmp_path, experiment, machine):
    text = """\
name: fit
dataset: {name: diabetes, scale: unit}
model: {hidden: [4, 3], activation: [tanh, relu]}
loss: mse
optimizers: [{name: gradient_descent, lr: 1.0e-5}]
budget: {epochs: 3}
precision: float64
"""
    experiment = load(text, "fit.yaml", tmp_path)
    result = race(experiment, Setting(tmp_path, tmp_path, "cpu"), Silence(), write=False)
    folder = result.folder / "runs" / result.records[0].id
    x, y, a = measuring.outputs(experiment, machine, folder)
    w = {key: t.numpy() for key, t in load_file(folder / "weights.safetensors").items()}
    data = prepare(experiment.dataset, tmp_path, precision="float64", offline=True)
    hidden = np.tanh(w["W1"] @ data.x.reshape(len(data.x), -1).T + w["b1"])
    hidden = np.maximum(w["W2"] @ hidden + w["b2"], 0)
    made = w["W3"] @ hidden + w["b3"]
    np.testing.assert_array_equal(x, data.x.reshape(len(data.x), -1).T)
    np.testing.assert_array_equal(y[0], data.y.ravel())
    np.testing.assert_allclose(a, made, rtol=1e-12)
    assert a.std() > 0
    largest = max(abs(one - other) for one, other in zip(made[0], data.y.ravel(), strict=True))
    assert measuring.largest_error(experiment, machine, folder) == pytest.approx(largest, rel=1e-12)


def test_outputs_are_activated_as_the_loss_has_it(tmp_path, experiment, machine):
    small = only(experiment, "descent")
    result = race(small, Setting(tmp_path, tmp_path, "cpu"), Silence(), write=False)
    folder = result.folder / "runs" / result.records[0].id
    _, y, a = measuring.outputs(small, machine, folder)
    np.testing.assert_allclose(a.sum(0), 1, rtol=1e-12)  # softmax
    right = float((a.argmax(0) == y.argmax(0)).mean())
    assert right == pytest.approx(result.records[0].train_accuracy)


class Train:
    """In place of the engine: logs which rule is trained, an epoch of rule i takes i seconds."""

    def __init__(self, epochs=20.0):
        self.log, self.epochs = [], epochs

    def __call__(self, task, entry, rule, path, terms, seeds):
        self.log.append((type(rule).__name__, terms, tuple(seeds), path))
        wall = len(self.log)
        row = Row(
            self.epochs,
            20,
            0.5,
            None,
            None,
            None,
            self.epochs * wall,
            2 * self.epochs * wall,
            1,
            1,
            None,
        )
        return [Outcome(1, Status.BUDGET, [row], [], Levels(None, None, None), [], {})], None


def test_times_are_interleaved_a_b_b_a(monkeypatch, experiment, machine):
    train = Train()
    monkeypatch.setattr(measuring, "train_seeds", train)
    race = replace(only(experiment, "descent", "positions"), seeds=(4, 5))
    found = measuring.epoch_seconds(race, machine, 3)
    a, b = "GradientDescent", "PositionWise"
    assert [kind for kind, *_ in train.log] == [a, b, b, a, a, b]
    assert found == {
        "descent": [(1, 2), (4, 8), (5, 10)],
        "positions": [(2, 4), (3, 6), (6, 12)],
    }


def test_each_repeat_trains_the_first_seed_for_a_stretch_without_target(
    monkeypatch, experiment, machine
):
    train = Train()
    monkeypatch.setattr(measuring, "train_seeds", train)
    measuring.epoch_seconds(replace(only(experiment, "descent"), seeds=(4, 5)), machine, 2)
    for _, terms, seeds, path in train.log:
        assert seeds == (4,)
        assert terms.targets == ()
        assert terms.budget == Budget(epochs=measuring.STRETCH)
        assert path == "plain"


def test_a_rule_that_ends_at_its_start_has_no_seconds(monkeypatch, experiment, machine):
    monkeypatch.setattr(measuring, "train_seeds", Train(epochs=0.0))
    with pytest.raises(Missing, match="descent makes no epoch that could be timed"):
        measuring.epoch_seconds(only(experiment, "descent"), machine, 1)


def test_seconds_come_from_the_engine_s_own_clock(experiment, machine):
    found = measuring.epoch_seconds(only(experiment, "descent", "positions"), machine, 2)
    assert Counter(map(len, found.values())) == {2: 2}
    assert all(0 < wall < 60 and cpu > 0 for pairs in found.values() for wall, cpu in pairs)


def test_measuring_takes_the_threads_that_were_asked_for(tmp_path):
    machine_of(Setting(tmp_path, tmp_path, "cpu", threads=1))
    assert torch.get_num_threads() == 1
