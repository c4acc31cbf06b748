"""Handmade records and histories: only what a test is about has to be given."""

from __future__ import annotations

import hashlib
from typing import Any

from gfopt.records.evaluation import Evaluation
from gfopt.records.record import Record, Status

_RUN: dict[str, Any] = {
    "optimizer": "gradient_descent",
    "label": "gradient_descent",
    "seed": 1,
    "status": Status.REACHED,
    "epochs": 40.0,
    "seconds": 1.25,
    "loss": 0.5,
    "id": "",
    "experiment": "digits",
    "dataset": "digits",
    "target": "train_loss < 0.5",
    "target_metric": "train_loss",
    "target_value": 0.5,
    "reading": "end_of_epoch",
    "updates": 40,
    "cpu_seconds": 1.0,
    "forward_passes": 40.0,
    "backward_passes": 40.0,
    "train_accuracy": 0.95,
    "valid_loss": 0.6,
    "valid_accuracy": 0.9,
    "chance": 2.3026,
    "class_prior": 2.301,
    "levels": {},
    "phases": {},
    "cpu_phases": {},
    "config": {},
    "hashes": {},
    "environment": {
        "versions": {"torch": "2.9.0"},
        "cpu": "A",
        "gpu": None,
        "threads": 4,
        "device": "cpu",
    },
}


def record(**given: Any) -> Record:
    """A run that reached its target; `options` go into its identity."""
    options = given.pop("options", {"lr": 0.1})
    seed = given.get("seed", 1)
    identity = {"seed": seed, "optimizer": {"options": options}}
    values = _RUN | {"identity": identity} | given
    values["id"] = given.get("id") or hashlib.sha256(repr(values).encode()).hexdigest()
    return Record.model_validate(values)


def missed(**given: Any) -> Record:
    """A run that ended at its budget."""
    end = {"status": Status.BUDGET, "limit": "1000 epochs", "epochs": 1000.0, "seconds": 30.0}
    return record(**end | given)


def history(losses: list[float], **given: Any) -> list[Evaluation]:
    """One evaluation an epoch, a hundredth of a second and ten passes of each kind apart."""
    return [
        Evaluation(
            **{
                "epoch": float(i),
                "updates": i,
                "loss": loss,
                "train_accuracy": None,
                "valid_loss": None,
                "valid_accuracy": None,
                "seconds": i / 100,
                "cpu_seconds": i / 100,
                "forward_passes": 10.0 * i,
                "backward_passes": 10.0 * i,
            }
            | given
        )
        for i, loss in enumerate(losses)
    ]
