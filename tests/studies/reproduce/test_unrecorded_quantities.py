"""Quantities that no record holds: layers of an update, outputs of weights, interleaved times."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.torch import load_file

from gfopt.config.loading import load
from gfopt.datasets import prepare
from gfopt.engine.budget import Budget
from gfopt.runner.listener import Silent
from gfopt.runner.race import Race
from gfopt.runner.settings import RunSettings
from gfopt.studies.reproduce import unrecorded_quantities
from gfopt.studies.reproduce.evidence import MissingEvidence
from gfopt.studies.reproduce.unrecorded_quantities import (
    STRETCH,
    compute_outputs,
    find_largest_error,
    time_epochs,
    trace_layers,
)
from tests.record_factory import history

CONFIG = """\
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
    return load(CONFIG, "small.yaml", tmp_path)


@pytest.fixture
def settings(tmp_path):
    return RunSettings(tmp_path, tmp_path, "cpu", offline=True)


def run_first(experiment, settings):
    """The first run of an experiment, and its folder."""
    race = Race(experiment, settings, repeat_first=False)
    race.run(Silent())
    return race.records[0], race.folder / "runs" / race.records[0].id


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
    assert trace_layers(experiment, label) == layers


@pytest.mark.parametrize("label", ["evolution", "search"])
def test_without_a_backward_pass_the_layers_can_not_be_traced(experiment, label):
    with pytest.raises(MissingEvidence, match=f"{label} makes no backward pass"):
        trace_layers(experiment, label)


@pytest.mark.parametrize(
    ("loss", "dataset"),
    [("bce", "{name: cat}"), ("softmax_bce", "{name: digits}"), ("mse", "{name: diabetes}")],
)
def test_layers_are_traced_for_every_kind_of_loss(tmp_path, loss, dataset):
    text = CONFIG.replace("cross_entropy", loss).replace("{name: digits, scale: unit}", dataset)
    found = trace_layers(load(text, "small.yaml", tmp_path), "positions")
    assert found == [[3], [2, 3], [1, 2, 3]]


def test_layers_are_traced_without_hidden_layers_and_without_an_output_bias(tmp_path):
    text = CONFIG.replace("hidden: [4, 3], activation: [tanh, relu]", "output_bias: false")
    text = text.replace(", multipliers: [1, 2, 3]", "")
    assert trace_layers(load(text, "small.yaml", tmp_path), "positions") == [[1]]


def test_outputs_are_those_of_the_run_s_weights(tmp_path, experiment, settings):
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
    _, folder = run_first(experiment, settings)
    x, y, a = compute_outputs(experiment, settings, folder)
    w = {key: t.numpy() for key, t in load_file(folder / "weights.safetensors").items()}
    data = prepare(experiment.dataset, tmp_path, precision="float64", offline=True)
    hidden = np.tanh(w["W1"] @ data.x.reshape(len(data.x), -1).T + w["b1"])
    hidden = np.maximum(w["W2"] @ hidden + w["b2"], 0)
    outputs = w["W3"] @ hidden + w["b3"]
    np.testing.assert_array_equal(x, data.x.reshape(len(data.x), -1).T)
    np.testing.assert_array_equal(y[0], data.y.ravel())
    np.testing.assert_allclose(a, outputs, rtol=1e-12)
    assert a.std() > 0
    largest = max(abs(one - other) for one, other in zip(outputs[0], data.y.ravel(), strict=True))
    assert find_largest_error(experiment, settings, folder) == pytest.approx(largest, rel=1e-12)


def test_outputs_are_activated_as_the_loss_defines(tmp_path, experiment, settings):
    small = only(experiment, "descent")
    record, folder = run_first(small, settings)
    _, y, a = compute_outputs(small, settings, folder)
    np.testing.assert_allclose(a.sum(0), 1, rtol=1e-12)  # softmax
    right = float((a.argmax(0) == y.argmax(0)).mean())
    assert right == pytest.approx(record.train_accuracy)


class Train:
    """In place of the engine: logs what is trained; an epoch of the i-th call takes i seconds."""

    def __init__(self, epochs=20.0):
        self.log, self.epochs = [], epochs

    def __call__(self, task, entry, optimizer, backend, terms, seeds):
        self.log.append((type(optimizer).__name__, terms, tuple(seeds), backend))
        wall = len(self.log)
        (row,) = history([0.5])
        row = row._replace(
            epoch=self.epochs, seconds=self.epochs * wall, cpu_seconds=2 * self.epochs * wall
        )
        return [SimpleNamespace(history=[row])], None


def test_times_are_interleaved_a_b_b_a(monkeypatch, experiment, settings):
    train = Train()
    monkeypatch.setattr(unrecorded_quantities, "train_seeds", train)
    both = replace(only(experiment, "descent", "positions"), seeds=(4, 5))
    found = time_epochs(both, settings, 3)
    a, b = "GradientDescent", "PositionWise"
    assert [kind for kind, *_ in train.log] == [a, b, b, a, a, b]
    assert found == {
        "descent": [(1, 2), (4, 8), (5, 10)],
        "positions": [(2, 4), (3, 6), (6, 12)],
    }


def test_each_repeat_trains_the_first_seed_for_a_stretch_without_target(
    monkeypatch, experiment, settings
):
    train = Train()
    monkeypatch.setattr(unrecorded_quantities, "train_seeds", train)
    time_epochs(replace(only(experiment, "descent"), seeds=(4, 5)), settings, 2)
    for _, terms, seeds, backend in train.log:
        assert seeds == (4,)
        assert terms.targets == ()
        assert terms.budget == Budget(epochs=STRETCH)
        assert backend == "plain"


def test_an_optimizer_that_ends_before_its_first_epoch_has_no_times(
    monkeypatch, experiment, settings
):
    monkeypatch.setattr(unrecorded_quantities, "train_seeds", Train(epochs=0.0))
    with pytest.raises(MissingEvidence, match="descent ends before its first epoch"):
        time_epochs(only(experiment, "descent"), settings, 1)


def test_seconds_come_from_the_engine_s_own_clock(experiment, settings):
    found = time_epochs(only(experiment, "descent", "positions"), settings, 2)
    assert Counter(map(len, found.values())) == {2: 2}
    assert all(0 < wall < 60 and cpu > 0 for pairs in found.values() for wall, cpu in pairs)
