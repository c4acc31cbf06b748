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
    metric: float | None  # the target's, where it isn't the train loss
    seconds: float
    cpu_seconds: float
    forward_passes: float | None
    backward_passes: float | None
    stage: int | None  # of a rule that has several, from 1


@dataclass(frozen=True)
class Outcome:
    """What became of one replica."""

    seed: int
    status: Status
    history: list[Row]
    train_accuracy: float | None
    valid_loss: float | None
    valid_accuracy: float | None
    notes: list[str]  # what the rule has to say of this run
    weights: State = field(repr=False)  # without the replica dimension
