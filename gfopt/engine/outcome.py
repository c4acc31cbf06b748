"""The result of the training loop for each seed: its evaluations, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gfopt.model.state import State
    from gfopt.records.evaluation import Evaluation
    from gfopt.records.record import Status


class Metrics(NamedTuple):
    """Loss and accuracy on all parts of the data; None without such samples or classes."""

    train_accuracy: float | None
    valid_loss: float | None
    valid_accuracy: float | None
    test_loss: float | None = None
    test_accuracy: float | None = None


class Hit(NamedTuple):
    """The evaluation that reached a target, and all metrics there."""

    evaluation: Evaluation
    metrics: Metrics


@dataclass(frozen=True)
class Outcome:
    """How one seed ended."""

    seed: int
    status: Status
    limit: str | None  # of the budget, if that ended it
    history: list[Evaluation]
    hits: list[Hit | None]  # one for each target, None if it was not reached
    metrics: Metrics  # at the end
    notes: list[str]  # what the optimizer says of this run
    weights: State = field(repr=False)  # without the dimension of seeds
