"""Checks of one published number: exact, spread, property."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

from pydantic import Field

from gfopt.options import NonNegative
from gfopt.reproduction.checks.told import (
    SURE,
    Better,
    Told,
    counted,
    easy,
    known,
    lucky,
    many,
    opening,
    share,
)
from gfopt.reproduction.claims import Measure, checks
from gfopt.reproduction.verdicts import (
    Evidence,
    Reproduced,
    Supported,
    Verdict,
    percentile,
    published,
    spanned,
    worded,
)
from gfopt.statistics import middle


@checks.register("exact")
class Exact(Told):
    """A number that was published with its seed, `of.seeds[0]`; other seeds show its spread."""

    published: float
    tolerance: Annotated[NonNegative, Field(description="relative")] = 0.0

    exact: ClassVar[bool] = True

    def judge(self, evidence: Evidence) -> Verdict:
        """Equal or not; then whether other seeds say the same."""
        (seed, ours), *rest = known(evidence, self.of).items()
        others = [value for _, value in rest]
        equal = abs(ours - self.published) <= self.tolerance * abs(self.published)
        told = [f"Seed {seed} gives {worded(ours)}{self._beside(ours, equal=equal)}."]
        told += [self._others(others), *self.extras(evidence)]
        return Verdict(
            Reproduced.YES if equal else Reproduced.NO,
            self._supported(evidence, others, equal=equal),
            " ".join(told),
            [ours, *others],
            percentile(self.published, [ours, *others]) if others else None,
            seeded=ours,
        )

    def said(self) -> str:
        """The number."""
        return published(self.published)

    def _beside(self, ours: float, *, equal: bool) -> str:
        """How our number stands to the published one."""
        if ours == self.published:
            return ", as published"
        within = f"within {100 * self.tolerance:g} % of" if equal else "not"
        return f", {within} the published {self.said()}"

    def _others(self, others: list[float]) -> str:
        if not others:
            return "No other start was run."
        verb = "gives" if len(others) == 1 else "give"
        return f"{counted(len(others), 'other start')} {verb} {spanned(others)}."

    def _supported(self, evidence: Evidence, others: list[float], *, equal: bool) -> Supported:
        if not equal:
            return Supported.NO
        if easy(evidence, self.of):
            return Supported.CHANCE
        if others and not min(others) <= self.published <= max(others):
            return Supported.THIS_SEED
        return Supported.YES


@checks.register("spread")
class Spread(Told):
    """A number that was published without a seed: its place among ours."""

    published: float
    better: Annotated[
        Better | None,
        Field(description="the claim is to get as far; none: the number itself"),
    ] = None
    elsewhere: Annotated[
        Measure | None, Field(description="other settings that may give the number instead")
    ] = None

    def judge(self, evidence: Evidence) -> Verdict:
        """Within our spread or not; then how many seeds get as far."""
        values = list(known(evidence, self.of).values())
        inside = min(values) <= self.published <= max(values)
        told = [self._place(values), *self._elsewhere(evidence), *self.extras(evidence)]
        return Verdict(
            Reproduced.WITHIN if inside else Reproduced.OUTSIDE,
            self._supported(evidence, values),
            " ".join(told),
            values,
            percentile(self.published, values),
        )

    def said(self) -> str:
        """The number."""
        return published(self.published)

    def _place(self, values: list[float]) -> str:
        """Where the published number stands among ours."""
        if len(values) == 1:
            same = ", as published" if values[0] == self.published else f"; {self._said()}"
            return f"One run gives {worded(values[0])}{same}: too few to tell a spread."
        runs, low = many(len(values), self.of), [v <= self.published for v in values]
        place = f"{share(low)} ({percentile(self.published, values):.0f} %) are at or below the "
        above = f", {share(self._reached(values))} at or above it" * (self.better == "higher")
        return (
            f"Over {runs} the median is {worded(middle(values))} ({spanned(values)}); "
            f"{place}{self._said()}{above}{self._odds(values)}."
        )

    def _odds(self, values: list[float]) -> str:
        """How often one seed more falls where the published number is, if that is beyond ours."""
        if self.of.timed or self._held(values):
            return ""
        where = "as far" if self.better else "outside of them"
        return f"; one seed more falls {where} with probability {self._chance(values):.2g}"

    def _chance(self, values: list[float]) -> float:
        """Of a further value beyond all of these, on one side or either, whatever they are."""
        return (1 if self.better else 2) / (len(values) + 1)

    def _held(self, values: list[float]) -> bool:
        """Whether the published number lies among ours, or one of ours gets as far."""
        if self.better:
            return any(self._reached(values))
        return min(values) <= self.published <= max(values)

    def _said(self) -> str:
        return f"published {self.said()}"

    def _elsewhere(self, evidence: Evidence) -> list[str]:
        """What other settings give; that a time is of its machine."""
        told = ["A time is of its machine and program."] if self.of.timed else []
        if self.elsewhere:
            found = list(known(evidence, self.elsewhere).values())
            told += [f"With the settings of {self.elsewhere.place} it is {spanned(found)}."]
        return told

    def _reached(self, values: list[float]) -> list[bool]:
        """Which values are at least as good as the published one."""
        sign = -1 if self.better == "higher" else 1
        return [sign * value <= sign * self.published for value in values]

    def _supported(self, evidence: Evidence, values: list[float]) -> Supported:
        if not self._held(values):
            return self._not_held(evidence, values)
        if easy(evidence, self.of):
            return Supported.CHANCE
        if self.better and lucky(self._reached(values)):
            return Supported.THIS_SEED
        return Supported.YES

    def _not_held(self, evidence: Evidence, values: list[float]) -> Supported:
        """Few seeds say little: the published one may be the lucky one among so many."""
        if self._moved(evidence):
            return Supported.IMPLEMENTATION
        sure = self._chance(values) < SURE or math.isinf(min(values))
        return Supported.NO if sure else Supported.THIS_SEED

    def _moved(self, evidence: Evidence) -> bool:
        """Whether the number is one of other settings, or of another machine."""
        if self.of.timed or not self.elsewhere:
            return self.of.timed
        return self.published in known(evidence, self.elsewhere).values()


@checks.register("property")
class Property(Told):
    """What a method is said to be, as a number: gradient-free means 0 backward passes."""

    published: float

    aims: ClassVar[bool] = False

    def judge(self, evidence: Evidence) -> Verdict:
        """Whether every run has that number."""
        values = list(known(evidence, self.of).values())
        holds = all(value == self.published for value in values)
        told = f"{opening(self.of)}: {self.of.label} {spanned(values)}; the claim needs "
        return Verdict(
            Reproduced.YES if holds else Reproduced.NO,
            Supported.YES if holds else Supported.NO,
            " ".join([f"{told}{self.said()}.", *self.extras(evidence)]),
            values,
        )

    def said(self) -> str:
        """The number that the property is."""
        return published(self.published)
