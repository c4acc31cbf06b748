"""When a run ends, and by which reading: targets, budget, terms."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gfopt.options import Count, Options, Positive

Metric = Literal["train_loss", "valid_loss", "train_accuracy", "valid_accuracy"]
METRICS: tuple[Metric, ...] = ("train_loss", "valid_loss", "train_accuracy", "valid_accuracy")
Accuracy = Annotated[float, Field(gt=0, le=1, description="a fraction, not per cent")]


class Target(Options):
    """What a run is to reach: one metric and its value, at so many readings in a row."""

    train_loss: float | None = None
    valid_loss: float | None = None
    train_accuracy: Accuracy | None = None
    valid_accuracy: Accuracy | None = None
    skip_every: Annotated[
        Count | None,
        Field(description="readings whose number it divides can't stop: a quirk of one program"),
    ] = None
    hold: Annotated[
        Count,
        Field(description="readings in a row that must meet it; reached with the last of them"),
    ] = 1

    @model_validator(mode="after")
    def _one_metric(self) -> Target:
        given = [name for name in METRICS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"give one of {', '.join(METRICS)} (got {' and '.join(given) or 'none'})"
            )
        return self

    @property
    def metric(self) -> Metric:
        """Which metric is given."""
        return next(name for name in METRICS if getattr(self, name) is not None)

    @property
    def value(self) -> float:
        """The value to reach."""
        return float(getattr(self, self.metric))

    @property
    def part(self) -> str:
        """Which samples decide: train or valid."""
        return self.metric.partition("_")[0]

    @property
    def on_accuracy(self) -> bool:
        """Whether more is better."""
        return self.metric.endswith("accuracy")

    @property
    def on_validation(self) -> bool:
        """Whether the held-out samples decide."""
        return self.metric.startswith("valid")

    def met(self, value: float, samples: int) -> bool:
        """Whether a loss, or a count of right answers among the samples, reaches the target.

        A loss must be below; an accuracy at least the target, compared as whole counts.
        """
        if not self.on_accuracy:
            return value < self.value
        return Fraction(round(value)) >= Fraction(str(self.value)) * samples

    def __str__(self) -> str:
        sign = ">=" if self.on_accuracy else "<"
        held = f", {self.hold} readings in a row" if self.hold > 1 else ""
        return f"{self.metric} {sign} {self.value:g}{held}"


class Budget(Options):
    """When a run ends without its target: after so many epochs, passes or seconds of training."""

    epochs: Count = 1000
    seconds: Positive = 3600.0
    passes: Annotated[
        Positive | None,
        Field(description="over the training data, forward and backward ones together"),
    ] = None
    constant: Annotated[
        Count | None,
        Field(description="readings in a row with one output for all samples: dead units"),
    ] = None


Reading = Literal["end_of_epoch", "as_published"]


@dataclass(frozen=True)
class Terms:
    """How a run is read and when it ends: the same for every optimizer of an experiment."""

    targets: tuple[Target, ...]  # the run ends when all of them are reached
    reading: Reading
    budget: Budget
    every_updates: int | None = None  # between readings; None: an epoch
