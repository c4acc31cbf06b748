"""The check `ordering`: one thing is lower (or higher) than another, or than a bound."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from gfopt.analysis.statistics import take_median
from gfopt.studies.reproduce.checks.common import name_quantity, read_counted
from gfopt.studies.reproduce.checks.comparison import ComparisonClaim
from gfopt.studies.reproduce.claims import checks
from gfopt.studies.reproduce.evidence import Evidence
from gfopt.studies.reproduce.formatting import format_published, format_value
from gfopt.studies.reproduce.measures import Measure
from gfopt.studies.reproduce.verdicts import ClaimVerdict, Reproduced, Supported


def _choose_tag(given: Any) -> str:
    """The kind of `than`; messages leave out a name in brackets."""
    return "[measure]" if isinstance(given, dict | Measure) else "[bound]"


MeasureOrBound = Annotated[
    Annotated[Measure, Tag("[measure]")] | Annotated[float, Tag("[bound]")],
    Discriminator(_choose_tag),
]


@checks.register("ordering")
class Ordering(ComparisonClaim):
    """A sentence that ranks: `of` is lower (or higher) than `than`, or below (above) a bound."""

    than: MeasureOrBound  # type: ignore[assignment]
    elsewhere: Annotated[
        Measure | None, Field(description="other settings under which it may hold instead")
    ] = None

    def judge(self, evidence: Evidence) -> ClaimVerdict:
        """In how many seeds the order holds."""
        wins = self.find_wins(evidence)
        sentences = [
            self._describe_values(evidence),
            f"{self.of.label} is {self._side} in {self.describe_wins(wins)}.",
            *self._describe_elsewhere(evidence),
            *self.describe_equal_controls(evidence),
            *self.describe_further(evidence),
        ]
        return ClaimVerdict(
            Reproduced.YES if 2 * sum(wins) > len(wins) else Reproduced.NO,
            self.judge_support(evidence),
            " ".join(sentences),
            list(read_counted(evidence, self.of).values()),
        )

    def describe_published(self) -> str:
        """The order."""
        return f"{'<' if self.lower else '>'} {self._name_other()}"

    def find_wins(self, evidence: Evidence) -> list[bool]:
        """Whether `of` is better than the other, or than the bound."""
        if isinstance(self.than, Measure):
            return super().find_wins(evidence)
        return [self.is_better(v, self.than) for v in read_counted(evidence, self.of).values()]

    def judge_order(self, evidence: Evidence) -> Supported:
        """The order with these settings, else with other settings."""
        order, other = super().judge_order(evidence), self._move_elsewhere()
        if order is Supported.NO and other and other.judge_order(evidence) is not Supported.NO:
            return Supported.IMPLEMENTATION
        return order

    def _move_elsewhere(self) -> Ordering | None:
        """The same claim about the other settings."""
        if not self.elsewhere:
            return None
        return self.model_copy(update={"of": self.elsewhere, "elsewhere": None})

    def _describe_elsewhere(self, evidence: Evidence) -> list[str]:
        """In how many seeds the order holds with the other settings."""
        other = self._move_elsewhere()
        if not other:
            return []
        found = other.describe_wins(other.find_wins(evidence))
        return [f"With the settings of {other.of.place} it is {self._side} in {found}."]

    @property
    def _side(self) -> str:
        if isinstance(self.than, Measure):
            return "lower" if self.lower else "higher"
        return f"{'below' if self.lower else 'above'} {format_published(self.than)}"

    def _describe_values(self, evidence: Evidence) -> str:
        """Both sides of the comparison, or the one that is compared with the bound."""
        values = list(read_counted(evidence, self.of).values())
        ours = f"{name_quantity(self.of)}: {self.of.label} {format_value(take_median(values))}"
        if not isinstance(self.than, Measure):
            return f"{ours}{' (median)' if len(values) > 1 else ''}."
        others = list(read_counted(evidence, self.than).values())
        medians = " (medians)" if len(values) > 1 or len(others) > 1 else ""
        return f"{ours}, {self._name_other()} {format_value(take_median(others))}{medians}."

    def _name_other(self) -> str:
        """The other side of the comparison, in words."""
        if not isinstance(self.than, Measure):
            return format_published(self.than)
        alike = self.of.label == self.than.label
        if self.of.value != self.than.value:
            return self.than.quantity.words + ("" if alike else f" of {self.than.label}")
        return self.than.label + (f" of {self.than.place}" if alike else "")
