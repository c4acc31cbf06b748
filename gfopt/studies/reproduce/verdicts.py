"""The verdict on a claim: did its number come out, does its sentence hold, and why. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gfopt.analysis.statistics import order_interval, take_median


class Reproduced(StrEnum):
    """Whether the published number came out."""

    YES = "yes"
    NO = "no"
    WITHIN = "within spread"
    OUTSIDE = "outside spread"
    NOT_RUN = "not run"


class Supported(StrEnum):
    """Whether the runs support what the publication says."""

    YES = "yes"
    NO = "no"
    THIS_SEED = "only for this seed"
    CHANCE = "target at chance level"
    CONTROL = "matched by a control"
    IMPLEMENTATION = "depends on implementation"
    NOT_RUN = "not run"


@dataclass(frozen=True)
class ClaimVerdict:
    """Both verdicts on a claim, the values behind them, and the reason in sentences."""

    reproduced: Reproduced
    supported: Supported
    sentence: str
    values: Sequence[float] = field(default=())
    percentile: float | None = None  # percentage of our values at or below the published one
    seed_value: float | None = None  # our value for the published seed

    @property
    def ours(self) -> float | None:
        """The number next to the published one: that of its seed, else the median."""
        return self.median if self.seed_value is None else self.seed_value

    @property
    def median(self) -> float | None:
        """The median of our values."""
        return take_median(self.values) if self.values else None

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """The median's interval, as in every table."""
        return order_interval(self.values) if self.values else (None, None)


def make_not_run_verdict(reason: str) -> ClaimVerdict:
    """The verdict on a claim without evidence."""
    sentence = f"Not run: {reason.rstrip('.')}."
    return ClaimVerdict(Reproduced.NOT_RUN, Supported.NOT_RUN, sentence)
