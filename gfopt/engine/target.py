"""Targets: a metric and the value to reach. Each kind of target is here."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gfopt.options import Count, Options

Metric = Literal["train_loss", "valid_loss", "train_accuracy", "valid_accuracy"]
METRICS: tuple[Metric, ...] = ("train_loss", "valid_loss", "train_accuracy", "valid_accuracy")
Accuracy = Annotated[float, Field(gt=0, le=1, description="a fraction, not per cent")]


class Target(Options):
    """The value of one metric that a run must reach, at `hold` evaluations in a row."""

    train_loss: float | None = None
    valid_loss: float | None = None
    train_accuracy: Accuracy | None = None
    valid_accuracy: Accuracy | None = None
    skip_every: Annotated[
        Count | None,
        Field(description="evaluations whose number it divides don't count: as one program has it"),
    ] = None
    hold: Annotated[
        Count,
        Field(description="evaluations in a row that must meet it; reached with the last of them"),
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
        """The metric that is given."""
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

    def is_met(self, value: float, samples: int) -> bool:
        """Whether a loss, or a count of correct samples, reaches the target.

        A loss must be below; an accuracy at least the target, compared as whole counts.
        """
        if not self.on_accuracy:
            return value < self.value
        return Fraction(round(value)) >= Fraction(str(self.value)) * samples

    def __str__(self) -> str:
        sign = ">=" if self.on_accuracy else "<"
        held = f", {self.hold} evaluations in a row" if self.hold > 1 else ""
        return f"{self.metric} {sign} {self.value:g}{held}"
