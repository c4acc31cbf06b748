"""The check `ratio`: two published numbers, one divided by the other."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from gfopt.analysis.statistics import take_median
from gfopt.options import NonNegative, Positive
from gfopt.studies.reproduce.checks.common import (
    compute_percentile,
    count_values,
    divide_values,
    is_rare,
    name_quantity,
    read_pairs,
)
from gfopt.studies.reproduce.checks.comparison import ComparisonClaim
from gfopt.studies.reproduce.claims import checks
from gfopt.studies.reproduce.evidence import Evidence
from gfopt.studies.reproduce.formatting import (
    format_published,
    format_range,
    format_share,
    format_value,
)
from gfopt.studies.reproduce.verdicts import ClaimVerdict, Reproduced, Supported


@checks.register("ratio")
class Ratio(ComparisonClaim):
    """Two published numbers, `of` and `than`: their ratio, seed by seed or repeat by repeat."""

    published: tuple[Positive, Positive]
    tolerance: Annotated[NonNegative, Field(description="relative, of the ratio")] = 0.05

    def judge(self, evidence: Evidence) -> ClaimVerdict:
        """Within tolerance of the published ratio, else its place among ours; then the order."""
        ratios = self._compute_ratios(evidence)
        wins, as_far = self.find_wins(evidence), self._find_as_far(ratios)
        low, within = "low" if self.lower else "high", f"{100 * self.tolerance:g} %"
        sentences = [
            self._describe_ratios(ratios),
            f"{self.of.label} is {low}er in {self.describe_wins(wins)}.",
            f"As {low} as published, within {within}: {format_share(as_far)}.",
            *self.describe_equal_controls(evidence),
            *self.describe_further(evidence),
        ]
        return ClaimVerdict(
            self._judge_number(ratios),
            self.judge_support(evidence),
            " ".join(sentences),
            ratios,
            compute_percentile(self._published_ratio, ratios),
        )

    def describe_published(self) -> str:
        """Both numbers and their ratio."""
        one, other = map(format_published, self.published)
        return f"{one} / {other} = {format_value(self._published_ratio)}"

    def judge_order(self, evidence: Evidence) -> Supported:
        """Whether the order holds, and as far as published; of repeats, all must agree."""
        if self.of.timed:
            return Supported.YES if all(self.find_wins(evidence)) else Supported.NO
        order = super().judge_order(evidence)
        if order is not Supported.NO and is_rare(self._find_as_far(self._compute_ratios(evidence))):
            return Supported.THIS_SEED
        return order

    def _compute_ratios(self, evidence: Evidence) -> list[float]:
        return list(divide_values(*read_pairs(evidence, self.of, self.than)).values())

    @property
    def _published_ratio(self) -> float:
        return self.published[0] / self.published[1]

    def _describe_ratios(self, ratios: list[float]) -> str:
        """The median ratio, its range, and the published ratio."""
        counts = count_values(len(ratios), self.of)
        several = len(ratios) > 1
        spread = f"{format_range(ratios)} over {counts}" if several else counts
        ours = f"{'median ' if several else ''}{format_value(take_median(ratios))} ({spread})"
        names = f"{self.of.label} / {self.than.label}"
        published = format_value(self._published_ratio)
        return f"{name_quantity(self.of)}, {names}: {ours}; published {published}."

    def _find_as_far(self, ratios: list[float]) -> list[bool]:
        """Which ratios reach the published one, within the tolerance."""
        if self.lower:
            return [ratio <= self._published_ratio * (1 + self.tolerance) for ratio in ratios]
        return [ratio >= self._published_ratio * (1 - self.tolerance) for ratio in ratios]

    def _judge_number(self, ratios: list[float]) -> Reproduced:
        if abs(take_median(ratios) / self._published_ratio - 1) <= self.tolerance:
            return Reproduced.YES
        low, high = (pick(ratios, key=_rank) for pick in (min, max))
        low, high = low * (1 - self.tolerance), high * (1 + self.tolerance)
        return Reproduced.WITHIN if low <= self._published_ratio <= high else Reproduced.OUTSIDE


def _rank(ratio: float) -> float:
    """A key to sort by in which NaN counts as infinity."""
    return math.inf if math.isnan(ratio) else ratio
