"""Verdicts: what the runs say of a claim, in two words each and one sentence. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from gfopt.formats import significant
from gfopt.records import Record
from gfopt.reproduction.claims import Measure
from gfopt.statistics import middle, order_interval


class Reproduced(StrEnum):
    """Whether the number came out."""

    YES = "yes"
    NO = "no"
    WITHIN = "within spread"
    OUTSIDE = "outside spread"
    NOT_RUN = "not run"


class Supported(StrEnum):
    """Whether what is said of the method holds."""

    YES = "yes"
    NO = "no"
    THIS_SEED = "only for this seed"
    CHANCE = "target at chance level"
    CONTROL = "matched by a control"
    IMPLEMENTATION = "depends on implementation"
    NOT_RUN = "not run"


class Missing(Exception):  # noqa: N818 - no error: a reason for "not run"
    """Why something could not be measured."""


class Evidence(Protocol):
    """What has been measured. Raises Missing for what hasn't."""

    def values(self, measure: Measure) -> dict[int, float]:
        """A measure's value for each of its seeds; for a time, each of the repeats."""
        ...

    def records(self, measure: Measure) -> list[Record]:
        """The runs behind a measure, in the order of its seeds."""
        ...


@dataclass(frozen=True)
class Verdict:
    """What is found: the two verdicts, our values, the sentence that they force."""

    reproduced: Reproduced
    supported: Supported
    sentence: str
    values: Sequence[float] = field(default=())
    percentile: float | None = None  # per cent of our values at or below the published one
    seeded: float | None = None  # our value for the seed that was published

    @property
    def ours(self) -> float | None:
        """What stands beside the published number: the value of its seed, else the median."""
        return self.median if self.seeded is None else self.seeded

    @property
    def median(self) -> float | None:
        """The median of our values."""
        return middle(self.values) if self.values else None

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """Its interval, as in every table."""
        return order_interval(self.values) if self.values else (None, None)


def not_run(reason: str) -> Verdict:
    """The verdict on what could not be measured."""
    return Verdict(Reproduced.NOT_RUN, Supported.NOT_RUN, f"Not run: {reason.rstrip('.')}.")


def percentile(published: float, values: Sequence[float]) -> float:
    """How many per cent of the values lie at or below the published one."""
    return 100 * sum(value <= published for value in values) / len(values)


def worded(value: float) -> str:
    """A number of ours for readers, four digits of it."""
    if math.isnan(value):
        return "not counted"
    if math.isinf(value):
        return str(value)
    whole = value == round(value) and abs(value) < 1e7
    return f"{value:.0f}" if whole else significant(value, 4)


def published(value: float) -> str:
    """A published number with all its digits."""
    return f"{value:.12g}"


def spanned(values: Sequence[float]) -> str:
    """The least and the largest of some values, or the one that they all are."""
    if all(map(math.isnan, values)):
        return worded(math.nan)
    known = [math.inf if math.isnan(value) else value for value in values]
    low, high = min(known), max(known)
    return worded(low) if low == high else f"{worded(low)} to {worded(high)}"
