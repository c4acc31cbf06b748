"""Checks that compare two things seed by seed, or repeat by repeat: ratio, ordering."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, model_validator

from gfopt.options import NonNegative, Positive
from gfopt.reproduction.checks.told import (
    SURE,
    Better,
    Told,
    check_pair,
    divided,
    easy,
    known,
    lucky,
    many,
    opening,
    share,
    shared,
    words,
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

MATCHED = 0.05  # a control within this share of the method does as well


class Compared(Told):
    """A claim that one thing is less (or more) than another, which controls may match."""

    than: Measure
    controls: Annotated[
        tuple[Measure, ...], Field(description="simpler things that may do as well as `of`")
    ] = ()
    better: Better = "lower"

    @model_validator(mode="after")
    def _fits(self) -> Compared:
        if isinstance(self.than, Measure):
            check_pair(self.of, self.than, "than")
        for i, control in enumerate(self.controls):
            check_pair(self.of, control, f"controls.{i}")
        return self

    def wins(self, evidence: Evidence) -> list[bool]:
        """Whether `of` is better, for each seed or repeat that both have; a tie is no win."""
        of, than = shared(evidence, self.of, self.than)
        return [self._better(of[key], than[key]) for key in of]

    def order(self, evidence: Evidence) -> Supported:
        """Whether the order holds over the seeds, by a one-sided sign test."""
        wins = self.wins(evidence)
        if 2 * sum(wins) <= len(wins):
            return Supported.NO
        return Supported.YES if sign_test(wins) < SURE else Supported.THIS_SEED

    def supported(self, evidence: Evidence) -> Supported:
        """The order, unless target or controls take its meaning away."""
        order = self.order(evidence)
        if order in (Supported.NO, Supported.IMPLEMENTATION):
            return order
        if easy(evidence, self.of):
            return Supported.CHANCE
        return Supported.CONTROL if self.matching(evidence) else order

    def matching(self, evidence: Evidence) -> list[str]:
        """A sentence for each control that does as well as `of`, by the median of their ratios."""
        found = []
        for control in self.controls:
            ratios = divided(*shared(evidence, control, self.of)).values()
            ratio = middle([r for r in ratios if not math.isnan(r)] or [self._worst])
            if ratio <= 1 + MATCHED if self._lower else ratio >= 1 - MATCHED:
                found.append(
                    f"The control {control.label} does as well: {worded(ratio)} times "
                    f"{self.of.label}'s {words(self.of)} in the median."
                )
        return found

    def tested(self, wins: Sequence[bool]) -> str:
        """In how many seeds the order holds, and what a sign test makes of it."""
        if self.of.timed:  # repeats of one seed are no sample of seeds
            return f"{share(wins)} repeats"
        p = sign_test(wins)
        few = ", too few to tell" if all(wins) and p >= SURE else ""
        return f"{share(wins)} seeds (sign test p = {p:.2g}{few})"

    @property
    def _lower(self) -> bool:
        return self.better == "lower"

    @property
    def _worst(self) -> float:
        return math.inf if self._lower else 0

    @property
    def _side(self) -> str:
        return "below" if self._lower else "above"

    def _better(self, one: float, other: float) -> bool:
        return one < other if self._lower else one > other


@checks.register("ratio")
class Ratio(Compared):
    """Two published numbers, `of` and `than`: their ratio, seed by seed or repeat by repeat."""

    published: tuple[Positive, Positive]
    tolerance: Annotated[NonNegative, Field(description="relative, of the ratio")] = 0.05

    def judge(self, evidence: Evidence) -> Verdict:
        """The ratio within tolerance, or where it stands in our spread; then the order."""
        ratios = self._ratios(evidence)
        order = f"{self._side} 1 in {self.tested(self.wins(evidence))}"
        as_far = f"as far as published in {sum(self._as_far(ratios))}"
        told = [f"{self._found(ratios)}; {order}, {as_far}."]
        return Verdict(
            self._reproduced(ratios),
            self.supported(evidence),
            " ".join([*told, *self.matching(evidence), *self.extras(evidence)]),
            ratios,
            percentile(self._said, ratios),
        )

    def said(self) -> str:
        """Both numbers and their ratio."""
        one, other = map(published, self.published)
        return f"{one} / {other} = {worded(self._said)}"

    def order(self, evidence: Evidence) -> Supported:
        """The order, and how far it goes; of repeats, all must agree."""
        if self.of.timed:
            return Supported.YES if all(self.wins(evidence)) else Supported.NO
        order, as_far = super().order(evidence), self._as_far(self._ratios(evidence))
        if order is Supported.NO:
            return order
        return Supported.THIS_SEED if lucky(as_far) else order

    def _ratios(self, evidence: Evidence) -> list[float]:
        return list(divided(*shared(evidence, self.of, self.than)).values())

    @property
    def _said(self) -> float:
        return self.published[0] / self.published[1]

    def _found(self, ratios: list[float]) -> str:
        """The ratio in words and numbers, beside the published one."""
        names = f"{self.of.label} / {self.than.label}"
        over = f"{spanned(ratios)} over " if len(ratios) > 1 else ""
        return (
            f"{opening(self.of)}, {names}: {worded(middle(ratios))} "
            f"({over}{many(len(ratios), self.of)}), published {worded(self._said)}"
        )

    def _as_far(self, ratios: list[float]) -> list[bool]:
        """Which ratios reach the published one, within the tolerance."""
        if self._lower:
            return [ratio <= self._said * (1 + self.tolerance) for ratio in ratios]
        return [ratio >= self._said * (1 - self.tolerance) for ratio in ratios]

    def _reproduced(self, ratios: list[float]) -> Reproduced:
        if abs(middle(ratios) / self._said - 1) <= self.tolerance:
            return Reproduced.YES
        low, high = (pick(ratios, key=_finite_last) for pick in (min, max))
        inside = low * (1 - self.tolerance) <= self._said <= high * (1 + self.tolerance)
        return Reproduced.WITHIN if inside else Reproduced.OUTSIDE


def _kind(given: Any) -> str:
    """What `than` is; a name in brackets is left out of complaints."""
    return "[measure]" if isinstance(given, dict | Measure) else "[bound]"


Than = Annotated[
    Annotated[Measure, Tag("[measure]")] | Annotated[float, Tag("[bound]")], Discriminator(_kind)
]


@checks.register("ordering")
class Ordering(Compared):
    """A sentence that ranks: `of` is below (or above) `than`, or below a bound."""

    than: Than  # type: ignore[assignment]
    elsewhere: Annotated[
        Measure | None, Field(description="other settings under which it may hold instead")
    ] = None

    def judge(self, evidence: Evidence) -> Verdict:
        """In how many seeds the order holds."""
        wins, values = self.wins(evidence), list(known(evidence, self.of).values())
        told = [f"{self._compared(evidence, values)} in {self.tested(wins)}."]
        told += [*self._instead(evidence), *self.matching(evidence), *self.extras(evidence)]
        return Verdict(
            Reproduced.YES if 2 * sum(wins) > len(wins) else Reproduced.NO,
            self.supported(evidence),
            " ".join(told),
            values,
        )

    def said(self) -> str:
        """The order."""
        return f"{'<' if self._lower else '>'} {self._other()}"

    def wins(self, evidence: Evidence) -> list[bool]:
        """Whether `of` is better than the other, or than the bound."""
        if isinstance(self.than, Measure):
            return super().wins(evidence)
        return [self._better(v, self.than) for v in known(evidence, self.of).values()]

    def order(self, evidence: Evidence) -> Supported:
        """The order here, else under other settings."""
        order = super().order(evidence)
        elsewhere = self._moved()
        if order is Supported.NO and elsewhere and elsewhere.order(evidence) is not Supported.NO:
            return Supported.IMPLEMENTATION
        return order

    def _moved(self) -> Ordering | None:
        """The same claim about the other settings."""
        if not self.elsewhere:
            return None
        return self.model_copy(update={"of": self.elsewhere, "elsewhere": None})

    def _instead(self, evidence: Evidence) -> list[str]:
        """What the other settings give."""
        moved = self._moved()
        if not moved:
            return []
        found = moved.tested(moved.wins(evidence))
        return [f"With the settings of {moved.of.place} it is {self._side} in {found}."]

    def _compared(self, evidence: Evidence, values: list[float]) -> str:
        """What is compared, with the medians."""
        ours = f"{worded(middle(values))}{' in the median' if len(values) > 1 else ''}"
        head = f"{opening(self.of)}: {self.of.label} {ours}"
        if not isinstance(self.than, Measure):
            return f"{head}; {self._side} {self._other()}"
        other = worded(middle(list(known(evidence, self.than).values())))
        return f"{head}, {self._other()} {other}; {self.of.label} is {self._side}"

    def _other(self) -> str:
        """The other side of the comparison, in words."""
        if not isinstance(self.than, Measure):
            return published(self.than)
        alike = self.of.label == self.than.label
        if self.of.value != self.than.value:
            return f"the {words(self.than)}" + ("" if alike else f" of {self.than.label}")
        config = f" of {self.than.place}" if alike else ""
        return f"{self.than.label}{config}"


def _finite_last(ratio: float) -> float:
    """A key to sort by in which NaN counts as infinity."""
    return math.inf if math.isnan(ratio) else ratio


def sign_test(wins: Sequence[bool]) -> float:
    """The one-sided p of so many wins or more, were both equally good."""
    from scipy.stats import binomtest

    return float(binomtest(sum(wins), len(wins), alternative="greater").pvalue)
