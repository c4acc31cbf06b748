"""The budget: what ends a run that doesn't reach its targets. Each kind of budget is here."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from pydantic import Field

from gfopt.options import Count, Options, Positive
from gfopt.records.record import Status


class Usage(NamedTuple):
    """What one run has used at an evaluation."""

    updates: int
    updates_per_epoch: int
    seconds: float  # of training
    passes: float  # forward + backward, of single samples; 0 if they aren't counted
    samples: int  # of the training set
    constant_outputs: int  # evaluations in a row with one output for all samples


class Limit(NamedTuple):
    """The part of the budget that is used up."""

    status: Status
    words: str  # completes "not reached within …"


class Budget(Options):
    """A run ends without its target after so many epochs, passes or seconds of training."""

    epochs: Count = 1000
    seconds: Positive = 3600.0
    passes: Annotated[
        Positive | None,
        Field(description="over the training data, forward and backward passes together"),
    ] = None
    constant: Annotated[
        Count | None,
        Field(description="evaluations in a row with one output for all samples: dead units"),
    ] = None

    def find_limit(self, usage: Usage) -> Limit | None:
        """The limit that a run has used up; None: it goes on."""
        if self.constant and usage.constant_outputs >= self.constant:
            return Limit(
                Status.CONSTANT, f"{_count(self.constant, 'evaluation')} of constant outputs"
            )
        if self.count_updates_left(usage.updates, usage.updates_per_epoch) <= 0:
            return Limit(Status.BUDGET, _count(self.epochs, "epoch"))
        if usage.seconds >= self.seconds:
            return Limit(Status.BUDGET, _count(self.seconds, "second") + " of training")
        if self.passes and usage.passes >= self.passes * usage.samples:
            return Limit(Status.BUDGET, _count(self.passes, "pass") + " over the data")
        return None

    def count_updates_left(self, updates: int, updates_per_epoch: int) -> int:
        """Updates that the budget of epochs still allows after so many."""
        return self.epochs * updates_per_epoch - updates


def _count(number: float, noun: str) -> str:
    """A number and its noun: "1 epoch", "500 epochs"."""
    plural = "es" if noun.endswith("s") else "s"
    shown = str(number) if isinstance(number, int) else f"{number:g}"
    return f"{shown} {noun}{'' if number == 1 else plural}"
