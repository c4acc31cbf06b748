"""gfopt check on make_model and train_step: the checks that need no state of tensors."""

import pytest

from gfopt.studies.check.run_check import STATE_CHECKS, load_optimizer_under_test, run_checks

FILE = """\
import torch
from torch import nn


def make_model(width=4):
    return nn.Sequential({layers})


def train_step(model, batch, state):
    model.zero_grad()
    {loss}.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= 0.1 * p.grad
"""
CLASSES = "nn.functional.cross_entropy(model(batch.x), batch.y)"
VALUES = "(model(batch.x) - batch.y).square().mean()"
LINEAR = "nn.Linear(13, width), nn.ReLU(), nn.Linear(width, 3)"


def run_all(folder, layers=LINEAR, loss=CLASSES, change=("", "")):
    path = folder / "mine.py"
    path.write_text(FILE.format(layers=layers, loss=loss).replace(*change))
    return {r.check: r for r in run_checks(load_optimizer_under_test(str(path), []))}


@pytest.mark.parametrize(
    ("layers", "loss"),
    [
        (LINEAR, CLASSES),
        ("nn.LazyLinear(14)", CLASSES),
        ("nn.Linear(7, 2)", VALUES),
        ("nn.Linear(7, 1)", VALUES),
        ("nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10)", CLASSES),
        ("nn.Conv2d(3, 2, 5, 3), nn.Flatten(), nn.Linear(200, 10)", CLASSES),
    ],
)
def test_a_module_is_checked_on_samples_of_a_shape_that_it_accepts(tmp_path, layers, loss):
    results = run_all(tmp_path, layers, loss)
    assert [r.sentence for r in results.values() if r.passed is False] == []
    skipped = results.pop(STATE_CHECKS)
    assert skipped.passed is None
    assert skipped.sentence.startswith("skipped (")
    assert all(r.passed for r in results.values())


@pytest.mark.parametrize(
    ("change", "check", "fact"),
    [
        (
            ("model.zero_grad()", "raise KeyError('no')"),
            "complete state",
            "step raised KeyError: 'no' (mine.py:10)",
        ),
        (
            ("return nn", "raise KeyError('no')\n    return nn"),
            "complete state",
            "make_model raised KeyError: 'no' (mine.py:6)",
        ),
        (("0.1", "float('nan')"), "finite numbers", "not finite after step 1"),
        (
            ("model.zero_grad()", "batch.x.add_(1); model.zero_grad()"),
            "pass, inputs and targets not modified in place",
            "step changed the inputs in place: make new tensors",
        ),
        (
            ("p -= 0.1", "import random; p -= random.random()"),
            "deterministic",
            "draw from torch's generator",
        ),
        (("p -= 0.1", "0.1"), "parameters change", "3 steps changed no parameter"),
    ],
)
def test_a_broken_promise_fails_its_check_alone(tmp_path, change, check, fact):
    failed = [r for r in run_all(tmp_path, change=change).values() if r.passed is False]
    assert [r.check for r in failed] == [check]
    assert fact in failed[0].sentence


def test_a_module_that_accepts_no_shape_fails_with_the_shapes_tried(tmp_path):
    layers = "nn.Unflatten(1, (3, 7)), nn.Conv1d(9, 1, 1)"
    result = run_all(tmp_path, layers)["complete state"]
    assert result.passed is False
    assert result.sentence.startswith("the module accepts none of these sample shapes: (5,), (1, 8")
