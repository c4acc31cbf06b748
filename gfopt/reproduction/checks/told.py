"""What every kind of check tells: values that are known, the target, other readings of the runs."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import ClassVar, Literal

from pydantic import model_validator

from gfopt.options import Options
from gfopt.records import Record
from gfopt.reproduction.claims import Claim, Measure
from gfopt.reproduction.values import VALUES
from gfopt.reproduction.verdicts import Evidence, Missing, spanned
from gfopt.rows import is_accuracy, is_easy

Better = Literal["lower", "higher"]

SURE = 0.05  # what chance alone gives less often than this is taken to be no chance
LUCKY = 0.25  # a published number that no larger share of our seeds gets as far as was a lucky one


class Also(Options):
    """Another reading of the same runs, or a ratio of two, and what it is in words."""

    words: str
    of: Measure
    than: Measure | None = None

    @model_validator(mode="after")
    def _fits(self) -> Also:
        if self.than:
            check_pair(self.of, self.than, "than")
        return self

    def sentence(self, evidence: Evidence) -> str:
        """The words and the values; unlike a claim's own, they need not be known."""
        values = evidence.values(self.of)
        if self.than:
            values = divided(values, evidence.values(self.than))
        return f"{self.words} {spanned(list(values.values()))}."


class Told(Claim):
    """A claim whose verdict tells of misses, of the target and of other readings too."""

    also: tuple[Also, ...] = ()

    aims: ClassVar[bool] = True  # False: what the target is worth has no say

    def extras(self, evidence: Evidence) -> list[str]:
        """Sentences on misses, on the target and on other readings."""
        missed = [value == math.inf for value in known(evidence, self.of).values()]
        told = [f"{share(missed)} missed the target or diverged (inf)."] if any(missed) else []
        if self.aims:
            told += [s for run in evidence.records(self.of)[:1] for s in target_sentences(run)]
        return [*told, *(also.sentence(evidence) for also in self.also)]


def known(evidence: Evidence, measure: Measure) -> dict[int, float]:
    """The values of a measure; raises Missing where the runs don't tell them."""
    values = evidence.values(measure)
    if any(map(math.isnan, values.values())):
        raise Missing(f"the {words(measure)} of {measure.label} are not counted")
    return values


def shared(
    evidence: Evidence, of: Measure, than: Measure
) -> tuple[dict[int, float], dict[int, float]]:
    """The values of two measures for the seeds or repeats that both have; Missing if none."""
    one, other = known(evidence, of), known(evidence, than)
    keys = [key for key in one if key in other]
    if not keys:
        raise Missing(f"{of.label} and {than.label} have no seed in common")
    return {key: one[key] for key in keys}, {key: other[key] for key in keys}


def divided(values: dict[int, float], others: dict[int, float]) -> dict[int, float]:
    """The ratio for each seed or repeat that both have; NaN where both are zero or infinite."""
    return {key: _ratio(values[key], others[key]) for key in values if key in others}


def _ratio(one: float, other: float) -> float:
    if other:
        return one / other
    return math.copysign(math.inf, one) if one else math.nan


def check_pair(of: Measure, than: Measure, name: str) -> None:
    """Raise ValueError where two measures can't be compared value by value."""
    if of.timed != than.timed:
        raise ValueError(f"{name}: a time is compared with a time, a count with a count")
    if of.timed and of.runs != than.runs:
        raise ValueError(f"{name}: times are compared within one config: repeats alternate there")
    if not set(of.seeds) & set(than.seeds):
        raise ValueError(f"{name}: has no seed in common with `of`")


def easy(evidence: Evidence, measure: Measure) -> bool:
    """Whether the runs' target is no harder than the best constant output."""
    return any(is_easy(run) for run in evidence.records(measure))


def target_sentences(run: Record) -> list[str]:
    """How far a loss target is below the level that a constant output reaches."""
    if run.target is None or run.target_value is None or not run.class_prior or is_accuracy(run):
        return []
    level, name = run.class_prior, "the loss of the best constant output"
    if is_easy(run):
        return [f"The target {run.target_value:g} is no harder than {level:.6g}, {name}."]
    below = 100 * (1 - run.target_value / level)
    return [f"The target {run.target_value:g} is {below:.1f} % below {level:.6g}, {name}."]


def words(measure: Measure) -> str:
    """The quantity's name."""
    return VALUES[measure.value].words


def opening(measure: Measure) -> str:
    """The quantity's name at the start of a sentence."""
    return words(measure)[:1].upper() + words(measure)[1:]


def many(number: int, measure: Measure) -> str:
    """So many seeds, or repeats of the one that is timed."""
    if measure.timed:
        return f"{counted(number, 'interleaved repeat')} of seed {measure.seeds[0]}"
    return counted(number, "seed")


def counted(number: int, noun: str) -> str:
    """1 seed, 2 seeds."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def lucky(as_far: Collection[bool]) -> bool:
    """Whether few of our seeds get as far as the published one."""
    return sum(as_far) <= LUCKY * len(as_far)


def share(found: Collection[bool]) -> str:
    """How many of all hold."""
    return f"{sum(found)} of {len(found)}"
