"""An experiment: everything that its YAML says, looked up, validated and frozen. No torch here.

All errors that can be found without torch or data are found here and reported together. What only
torch or a user's file can tell is checked in `Entry.make_optimizer`, when a run is due.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gfopt.config.entries import Entry
from gfopt.config.schema import Precision
from gfopt.datasets.base import Dataset
from gfopt.engine.budget import Budget
from gfopt.engine.target import Target
from gfopt.engine.terms import Reading, Terms
from gfopt.model.dense import DenseNetwork
from gfopt.model.initializers import Initializer, initializers
from gfopt.model.losses import Loss


@dataclass(frozen=True)
class Experiment:
    """All runs of one YAML file."""

    name: str
    dataset_name: str
    dataset: Dataset
    model: DenseNetwork
    initializer: Initializer
    loss_name: str
    loss: Loss
    entries: tuple[Entry, ...]
    targets: tuple[Target, ...]
    reading: Reading
    budget: Budget
    seeds: tuple[int, ...]
    precision: Precision
    evaluate_every: str
    tune: dict[str, tuple[float, float]]  # search ranges; they replace the optimizers' own

    @property
    def every_updates(self) -> int | None:
        """Updates between evaluations; None: an epoch."""
        number, unit = self.evaluate_every.split()
        return None if unit == "epoch" else int(number)

    @property
    def depth(self) -> int:
        """L, the number of layers with weights."""
        return len(self.model.hidden) + 1

    def terms(self) -> Terms:
        """When a run is evaluated and when it ends."""
        return Terms(self.targets, self.reading, self.budget, self.every_updates)

    def conditions(self) -> dict[str, Any]:
        """What all runs of the experiment share, as plain values: names, options, defaults."""
        parts = (self.dataset, self.model, self.initializer, self.loss, self.budget)
        dataset, model, init, loss, budget = (part.model_dump(mode="json") for part in parts)
        scheme = next(
            name for name, scheme in initializers.items() if type(self.initializer) is scheme
        )
        return {
            "dataset": {"name": self.dataset_name} | dataset,
            "model": model | {"init": init | {"scheme": scheme}},
            "loss": {"name": self.loss_name} | loss,
            "target": [target.model_dump(exclude_none=True) for target in self.targets],
            "reading": self.reading,
            "budget": budget,
            "precision": self.precision,
            "evaluate_every": self.evaluate_every,
        }
