"""What a user's own data can't be used for is an error before anything runs."""

from __future__ import annotations

import numpy as np
import pytest

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


def run(gfopt, file, loss, target):
    np.savez(gfopt.folder / f"{file}.npz", **FILES[file])
    (gfopt.folder / "own.yaml").write_text(f"""
dataset: {{file: {file}.npz}}
loss: {loss}
model: {{hidden: [3]}}
optimizers: [gradient_descent]
target: {{{target}}}
budget: {{epochs: 3}}
""")
    return gfopt("run", "own.yaml")


@pytest.mark.parametrize(
    ("file", "loss", "target", "facts"),
    [
        ("classes", "cross_entropy", "valid_loss: 0.1", ["target.valid_loss", "held-out"]),
        ("values", "mse", "train_accuracy: 0.5", ["target.train_accuracy", "values"]),
        ("values", "cross_entropy", "train_loss: 0.1", ["loss: ", "classes"]),
        ("classes", "bce", "train_loss: 0.1", ["loss: ", "two classes", "3"]),
    ],
)
def test_a_target_or_loss_that_does_not_suit_the_data_is_refused(gfopt, file, loss, target, facts):
    ran = run(gfopt, file, loss, target)
    assert ran.exit_code == 2
    (error,) = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
    assert all(fact in error for fact in facts)


def test_a_class_that_only_held_out_samples_have_gets_its_output(gfopt):
    ran = run(gfopt, "more", "cross_entropy", "valid_loss: 0.1")
    assert ran.exit_code == 0, ran.stderr
