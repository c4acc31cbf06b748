"""An evaluation: loss, metrics and the costs of training until then.

This is the only list of an evaluation's values. The training loop makes them, history.csv has a
line for each evaluation, and a record has the values of the last one.
"""

from __future__ import annotations

from typing import NamedTuple


class Evaluation(NamedTuple):
    """One evaluation of one run. Metrics are None where no target is on them."""

    epoch: float
    updates: int
    loss: float  # on the training samples
    train_accuracy: float | None
    valid_loss: float | None
    valid_accuracy: float | None
    seconds: float  # of training, as all costs here
    cpu_seconds: float
    forward_passes: float | None  # of single samples; None if the passes aren't counted
    backward_passes: float | None
    stage: int | None = None  # of an optimizer with several stages, from 1

    def value(self, metric: str) -> float | None:
        """A metric such as train_loss or valid_accuracy; None if it wasn't evaluated."""
        value: float | None = self.loss if metric == "train_loss" else getattr(self, metric)
        return value

    @property
    def passes(self) -> float | None:
        """Forward + backward passes, of single samples; None if they aren't counted."""
        return add_passes(self.forward_passes, self.backward_passes)


OPTIONAL_METRICS = ("train_accuracy", "valid_loss", "valid_accuracy")  # only if targets need them


def add_passes(forward: float | None, backward: float | None) -> float | None:
    """Forward + backward passes; None if either isn't counted."""
    return None if forward is None or backward is None else forward + backward
