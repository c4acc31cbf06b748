"""gfopt check on make_model and train_step: what can be tried without a state of tensors."""

import pytest

from gfopt.checking.command import OF_MODULES, subject_of, verdicts

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


def found(folder, layers=LINEAR, loss=CLASSES, change=("", "")):
    path = folder / "mine.py"
    path.write_text(FILE.format(layers=layers, loss=loss).replace(*change))
    return {v.check: v for v in verdicts(subject_of(str(path), []))}


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
def test_a_module_is_tried_on_samples_of_a_shape_that_it_takes(tmp_path, layers, loss):
    told = found(tmp_path, layers, loss)
    assert [v.sentence for v in told.values() if v.holds is False] == []
    assert told.pop(OF_MODULES).holds is None
    assert all(v.holds for v in told.values())


@pytest.mark.parametrize(
    ("change", "check", "said"),
    [
        (
            ("model.zero_grad()", "raise KeyError('no')"),
            "init and step return the whole state",
            "step raised KeyError: 'no' (mine.py:10)",
        ),
        (
            ("return nn", "raise KeyError('no')\n    return nn"),
            "init and step return the whole state",
            "make_model raised KeyError: 'no' (mine.py:6)",
        ),
        (("0.1", "float('nan')"), "numbers stay finite", "not finite after step 1"),
        (
            ("model.zero_grad()", "batch.x.add_(1); model.zero_grad()"),
            "the given pass, inputs and targets are left alone",
            "step changed the inputs in place: make new tensors",
        ),
        (
            ("p -= 0.1", "import random; p -= random.random()"),
            "same seed, same bits",
            "draw from torch's generator, which each step starts from its seed",
        ),
        (("p -= 0.1", "0.1"), "parameters move", "3 steps changed no parameter"),
    ],
)
def test_what_goes_wrong_is_told(tmp_path, change, check, said):
    failed = [v for v in found(tmp_path, change=change).values() if v.holds is False]
    assert [v.check for v in failed] == [check]
    assert said in failed[0].sentence


def test_a_module_that_takes_none_of_the_shapes_is_told_which_were_tried(tmp_path):
    layers = "nn.Unflatten(1, (3, 7)), nn.Conv1d(9, 1, 1)"
    told = found(tmp_path, layers)["init and step return the whole state"]
    assert told.holds is False
    assert told.sentence.startswith("the module takes samples of none of these shapes: (5,), (1, 8")
