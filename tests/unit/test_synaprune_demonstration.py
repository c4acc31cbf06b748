"""The author's demonstration of SynaPrune: its samples, and whether it succeeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gfopt.clock import Clock
from gfopt.config.finding import load_config
from gfopt.datasets import datasets, prepare
from gfopt.engine import train
from gfopt.task import build
from tests.unit.synaprune_program import Program


def largest_error(weights, dtype):
    """Over the five samples, the largest distance of an output from its target."""
    arrays = datasets["synaprune_demo"]().arrays(Path(), offline=True)
    a = torch.tensor(arrays.x, dtype=dtype).T
    for l in (1, 2):
        a = (weights[f"W{l}"] @ a + weights[f"b{l}"]).sigmoid()
    return float((a - torch.tensor(arrays.y, dtype=dtype).T).abs().max())


def demo_errors(precision, threshold):
    experiment = load_config(
        "synaprune_demo", [f"precision={precision}", f"optimizers.0.threshold={threshold}"]
    )
    data = prepare(experiment.dataset, Path(), precision=precision, offline=True)
    task = build(experiment, data, torch.device("cpu"))
    rule = experiment.entries[0].rule(2)
    outcomes = train(task, rule, experiment.terms(), experiment.seeds, Clock())
    return [largest_error(o.weights, getattr(torch, precision)) for o in outcomes]


def test_the_demonstration_succeeds_in_float32():
    errors = demo_errors("float32", 0.5)
    assert len(errors) == 10
    assert max(errors) < 0.02


def test_the_demonstration_fails_for_most_starts_in_float64():
    assert sum(error > 0.02 for error in demo_errors("float64", 0.5)) > 5


def test_a_threshold_that_no_cosine_equals_saves_it_in_float64():
    assert max(demo_errors("float64", 0.500001)) < 0.02


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_the_demonstration_rounds_as_the_plain_program(precision):
    """Its ties fall the same way in both: one that fell otherwise would show in the weights."""
    experiment = load_config("synaprune_demo", [f"precision={precision}"])
    data = prepare(experiment.dataset, Path(), precision=precision, offline=True)
    task = build(experiment, data, torch.device("cpu"))
    rule, start = experiment.entries[0].rule(2), task.start((3,))
    program = Program(rule, [torch.sigmoid] * 2, start)
    for _ in range(10):
        program.epoch(torch.from_numpy(data.x), torch.from_numpy(data.y).to(start["W1"].dtype))
    terms = replace(experiment.terms(), budget=experiment.budget.model_copy(update={"epochs": 10}))
    found = train(task, rule, terms, (3,), Clock())[0].weights
    tolerance = {"float32": 2e-5, "float64": 1e-12}[precision]
    expected = {key: tensor[0] for key, tensor in program.parameters().items()}
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def test_the_demonstrations_samples_are_the_published_ones():
    arrays = datasets["synaprune_demo"]().arrays(Path(), offline=True)
    rows = ["".join(str(int(v)) for v in row) for row in arrays.x]
    assert rows == ["001", "000", "010", "011", "100"]
    assert arrays.y.ravel().tolist() == [1, 0, 1, 0, 1]
