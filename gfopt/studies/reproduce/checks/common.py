"""What all kinds of check share: measured values, what the target is worth, further sentences."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import ClassVar, Literal

from pydantic import model_validator

from gfopt.analysis.groups import is_accuracy, is_easy
from gfopt.options import Options
from gfopt.records.record import Record
from gfopt.studies.reproduce.claims import Claim
from gfopt.studies.reproduce.evidence import Evidence, MissingEvidence
from gfopt.studies.reproduce.formatting import format_count, format_range, format_share
from gfopt.studies.reproduce.measures import Measure

Better = Literal["lower", "higher"]

SIGNIFICANCE = 0.05  # of the sign test, and of a number outside the range of our seeds
RARE = 0.25  # if no larger share of our seeds gets as far, the published number was a lucky one


class FurtherMeasure(Options):
    """Another quantity of the same runs, or a ratio of two, and the words that introduce it."""

    words: str
    of: Measure
    than: Measure | None = None

    @model_validator(mode="after")
    def _check_pair(self) -> FurtherMeasure:
        if self.than:
            check_pair(self.of, self.than, "than")
        return self

    def describe(self, evidence: Evidence) -> str:
        """The words and the values; unlike the claim's own, these may be uncounted."""
        values = evidence.read_values(self.of)
        if self.than:
            values = divide_values(values, evidence.read_values(self.than))
        return f"{self.words} {format_range(list(values.values()))}."


class CheckedClaim(Claim):
    """A claim whose verdict also reports censored runs, the target and further measures."""

    also: tuple[FurtherMeasure, ...] = ()

    depends_on_target: ClassVar[bool] = True  # False: an easy target doesn't weaken the claim

    def describe_further(self, evidence: Evidence) -> list[str]:
        """Sentences on censored runs, on the target and on further measures."""
        infinite = [value == math.inf for value in read_counted(evidence, self.of).values()]
        noun = "repeats" if self.of.timed else "runs"
        said = f"{self.of.quantity.infinite}: {format_share(infinite)} {noun}."
        sentences = [said] if any(infinite) else []
        if self.depends_on_target:
            sentences += [s for run in evidence.read_records(self.of)[:1] for s in rate_target(run)]
        return [*sentences, *(further.describe(evidence) for further in self.also)]


def read_counted(evidence: Evidence, measure: Measure) -> dict[int, float]:
    """The values of a measure. Raises MissingEvidence if the runs don't count them."""
    values = evidence.read_values(measure)
    if any(map(math.isnan, values.values())):
        raise MissingEvidence(f"the {measure.quantity.words} of {measure.label} are not counted")
    return values


def read_pairs(
    evidence: Evidence, of: Measure, than: Measure
) -> tuple[dict[int, float], dict[int, float]]:
    """The values of two measures for the seeds or repeats that both have.

    Raises MissingEvidence if there are none.
    """
    one, other = read_counted(evidence, of), read_counted(evidence, than)
    keys = [key for key in one if key in other]
    if not keys:
        raise MissingEvidence(f"{of.label} and {than.label} have no seed in common")
    return {key: one[key] for key in keys}, {key: other[key] for key in keys}


def divide_values(values: dict[int, float], others: dict[int, float]) -> dict[int, float]:
    """The ratio for each seed or repeat that both have; NaN if both are zero or infinite."""
    return {key: _divide(values[key], others[key]) for key in values if key in others}


def _divide(one: float, other: float) -> float:
    if other:
        return one / other
    return math.copysign(math.inf, one) if one else math.nan


def check_pair(of: Measure, than: Measure, name: str) -> None:
    """Raise ValueError if two measures can't be compared value by value."""
    if of.timed != than.timed:
        raise ValueError(f"{name}: a time can only be compared with a time")
    if of.timed and of.runs != than.runs:
        raise ValueError(f"{name}: times can only be compared within one config and its settings")
    if not set(of.seeds) & set(than.seeds):
        raise ValueError(f"{name}: has no seed in common with `of`")


def has_easy_target(evidence: Evidence, measure: Measure) -> bool:
    """Whether a constant predictor reaches the target of these runs."""
    return any(is_easy(run) for run in evidence.read_records(measure))


def rate_target(run: Record) -> list[str]:
    """How far a loss target is below the loss of the constant-predictor baseline."""
    if run.target is None or run.target_value is None or not run.class_prior or is_accuracy(run):
        return []
    target, baseline = run.target_value, run.class_prior
    if is_easy(run):
        said = f"A constant predictor reaches the target {target:g}: its loss is {baseline:.6g}."
        return [said]
    below = f"{100 * (1 - target / baseline):.1f} %"
    return [
        f"The target {target:g} is {below} below the constant-predictor baseline {baseline:.6g}."
    ]


def name_quantity(measure: Measure) -> str:
    """The quantity's name at the start of a sentence."""
    return measure.quantity.words[:1].upper() + measure.quantity.words[1:]


def count_values(number: int, measure: Measure) -> str:
    """The number of seeds, or of repeats of the seed that is timed, in words."""
    if measure.timed:
        return f"{format_count(number, 'interleaved repeat')} of seed {measure.seeds[0]}"
    return format_count(number, "seed")


def compute_percentile(published: float, values: Sequence[float]) -> float:
    """The percentage of the values at or below the published one."""
    return 100 * sum(value <= published for value in values) / len(values)


def is_rare(as_far: Collection[bool]) -> bool:
    """Whether few of our seeds get as far as the published one."""
    return sum(as_far) <= RARE * len(as_far)
