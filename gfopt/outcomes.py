"""What the loop leaves of each replica: its readings, and how it ended. No torch at import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from gfopt.records import Status

if TYPE_CHECKING:
    from gfopt.problem import State


class Row(NamedTuple):
    """One reading of one replica. Costs are what training had used when it was made."""

    epoch: float
    updates: int
    loss: float
    train_accuracy: float | None  # this and the next two where a target is on them
    valid_loss: float | None
    valid_accuracy: float | None
    seconds: float
    cpu_seconds: float
    forward_passes: float | None
    backward_passes: float | None
    stage: int | None  # of a rule that has several, from 1

    def value(self, metric: str) -> float | None:
        """A metric of this reading; None where it wasn't read."""
        value: float | None = self.loss if metric == "train_loss" else getattr(self, metric)
        return value


class Levels(NamedTuple):
    """What a replica is worth at one reading; None where there are no such samples or classes."""

    train_accuracy: float | None
    valid_loss: float | None
    valid_accuracy: float | None
    test_loss: float | None = None
    test_accuracy: float | None = None


class Hit(NamedTuple):
    """A target reached: with which reading, and what the replica was worth there."""

    row: Row
    levels: Levels


@dataclass(frozen=True)
class Outcome:
    """What became of one replica."""

    seed: int
    status: Status
    history: list[Row]
    hits: list[Hit | None]  # a target each, None for a miss
    levels: Levels  # at the stop
    notes: list[str]  # what the rule has to say of this run
    weights: State = field(repr=False)  # without the replica dimension
