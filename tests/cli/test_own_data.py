"""What a user's own file can't be asked for is said before anything runs."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from gfopt.cli import app

DRAW = np.random.RandomState(0)
FILES = {
    "classes": {"x": DRAW.randn(60, 4), "y": DRAW.randint(0, 3, 60)},
    "values": {"x": DRAW.randn(60, 4), "y": DRAW.randn(60, 1)},
    "more": {
        "x": DRAW.randn(60, 4),
        "y": DRAW.randint(0, 2, 60),
        "x_valid": DRAW.randn(9, 4),
        "y_valid": np.arange(9) % 4,
    },
}


def run(folder, file, loss, target):
    np.savez(folder / f"{file}.npz", **FILES[file])
    (folder / "own.yaml").write_text(f"""
dataset: {{file: {file}.npz}}
loss: {loss}
model: {{hidden: [3]}}
optimizers: [gradient_descent]
target: {{{target}}}
budget: {{epochs: 3}}
""")
    return CliRunner().invoke(app, ["run", str(folder / "own.yaml"), "--out", str(folder / "out")])


@pytest.mark.parametrize(
    ("file", "loss", "target", "said"),
    [
        (
            "classes",
            "cross_entropy",
            "valid_loss: 0.1",
            "target.valid_loss: the data set has no held-out",
        ),
        ("values", "mse", "train_accuracy: 0.5", "target.train_accuracy: the data set has values"),
        ("values", "cross_entropy", "train_loss: 0.1", "loss: this one needs classes"),
        (
            "classes",
            "bce",
            "train_loss: 0.1",
            "loss: this one needs two classes, the data set has 3",
        ),
    ],
)
def test_a_target_or_loss_that_the_file_does_not_carry_is_refused(
    tmp_path, file, loss, target, said
):
    ran = run(tmp_path, file, loss, target)
    assert (ran.exit_code, said in ran.stderr) == (2, True), ran.stderr


def test_a_class_that_only_held_out_samples_have_gets_its_output(tmp_path):
    ran = run(tmp_path, "more", "cross_entropy", "valid_loss: 0.1")
    assert ran.exit_code == 0, ran.stderr
