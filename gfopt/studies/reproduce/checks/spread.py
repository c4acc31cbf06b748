"""The check `spread`: a published number without a seed."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from gfopt.analysis.statistics import take_median
from gfopt.studies.reproduce.checks.common import (
    SIGNIFICANCE,
    Better,
    CheckedClaim,
    compute_percentile,
    count_values,
    has_easy_target,
    is_rare,
    read_counted,
)
from gfopt.studies.reproduce.claims import checks
from gfopt.studies.reproduce.evidence import Evidence
from gfopt.studies.reproduce.formatting import (
    format_published,
    format_range,
    format_share,
    format_value,
)
from gfopt.studies.reproduce.measures import Measure
from gfopt.studies.reproduce.verdicts import ClaimVerdict, Reproduced, Supported


@checks.register("spread")
class Spread(CheckedClaim):
    """A number published without a seed: its place among ours."""

    published: float
    better: Annotated[
        Better | None,
        Field(description="the claim is to get at least as far; none: to give this number"),
    ] = None
    elsewhere: Annotated[
        Measure | None, Field(description="other settings that may give the number instead")
    ] = None

    def judge(self, evidence: Evidence) -> ClaimVerdict:
        """Within the range of our seeds or not; then how many seeds get as far."""
        values = list(read_counted(evidence, self.of).values())
        inside = min(values) <= self.published <= max(values)
        sentences = [*self._describe_place(values), *self._describe_elsewhere(evidence)]
        sentences += self.describe_further(evidence)
        return ClaimVerdict(
            Reproduced.WITHIN if inside else Reproduced.OUTSIDE,
            self._judge_support(evidence, values),
            " ".join(sentences),
            values,
            compute_percentile(self.published, values),
        )

    def describe_published(self) -> str:
        """The number."""
        return format_published(self.published)

    def _describe_place(self, values: list[float]) -> list[str]:
        """Where the published number is among ours."""
        published = f"the published {self.describe_published()}"
        if len(values) == 1:
            relation = "as published" if values[0] == self.published else f"not {published}"
            said = f"One run gives {format_value(values[0])}, {relation}."
            return [said, "One run shows no spread."]
        low = [value <= self.published for value in values]
        percent = f"{compute_percentile(self.published, values):.0f} %"
        median = f"{format_value(take_median(values))} (range {format_range(values)})"
        sentences = [
            f"Median of {count_values(len(values), self.of)}: {median}.",
            f"At or below {published}: {format_share(low)} ({percent}).",
        ]
        if self.better == "higher":
            sentences.append(f"At or above it: {format_share(self._find_as_far(values))}.")
        if not self.of.timed and not self._is_within_reach(values):
            where = "get as far" if self.better else "fall outside this range"
            odds = f"{self._compute_odds(values):.2g}"
            sentences.append(f"One more seed would {where} with probability {odds}.")
        return sentences

    def _describe_elsewhere(self, evidence: Evidence) -> list[str]:
        """What other settings give; what a time depends on."""
        sentences = ["Times depend on the machine and the program."] if self.of.timed else []
        if self.elsewhere:
            found = format_range(list(read_counted(evidence, self.elsewhere).values()))
            sentences.append(f"With the settings of {self.elsewhere.place}: {found}.")
        return sentences

    def _compute_odds(self, values: list[float]) -> float:
        """The probability that one more value is beyond all of these, on one side or either."""
        return (1 if self.better else 2) / (len(values) + 1)

    def _is_within_reach(self, values: list[float]) -> bool:
        """Whether the published number is among ours, or one of ours gets as far."""
        if self.better:
            return any(self._find_as_far(values))
        return min(values) <= self.published <= max(values)

    def _find_as_far(self, values: list[float]) -> list[bool]:
        """Which values are at least as good as the published one."""
        sign = -1 if self.better == "higher" else 1
        return [sign * value <= sign * self.published for value in values]

    def _judge_support(self, evidence: Evidence, values: list[float]) -> Supported:
        if self._is_within_reach(values):
            if has_easy_target(evidence, self.of):
                return Supported.CHANCE
            rare = self.better and is_rare(self._find_as_far(values))
            return Supported.THIS_SEED if rare else Supported.YES
        if self.of.timed or self._is_given_elsewhere(evidence):
            return Supported.IMPLEMENTATION
        # few seeds show little: the published one may be the luckiest of as many
        sure = self._compute_odds(values) < SIGNIFICANCE or math.isinf(min(values))
        return Supported.NO if sure else Supported.THIS_SEED

    def _is_given_elsewhere(self, evidence: Evidence) -> bool:
        """Whether other settings give the published number."""
        if not self.elsewhere:
            return False
        return self.published in read_counted(evidence, self.elsewhere).values()
