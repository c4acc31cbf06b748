"""The check `exact`: a published number with its seed."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from gfopt.options import NonNegative
from gfopt.studies.reproduce.checks.common import (
    CheckedClaim,
    compute_percentile,
    has_easy_target,
    read_counted,
)
from gfopt.studies.reproduce.claims import checks
from gfopt.studies.reproduce.evidence import Evidence
from gfopt.studies.reproduce.formatting import (
    format_count,
    format_published,
    format_range,
    format_value,
)
from gfopt.studies.reproduce.verdicts import ClaimVerdict, Reproduced, Supported


@checks.register("exact")
class Exact(CheckedClaim):
    """A number published with its seed, `of.seeds[0]`; other seeds show how it varies."""

    published: float
    tolerance: Annotated[NonNegative, Field(description="relative")] = 0.0

    exact: ClassVar[bool] = True

    def judge(self, evidence: Evidence) -> ClaimVerdict:
        """Equal within the tolerance or not; then whether other seeds agree."""
        (seed, ours), *rest = read_counted(evidence, self.of).items()
        others = [value for _, value in rest]
        equal = abs(ours - self.published) <= self.tolerance * abs(self.published)
        sentences = [f"Seed {seed} gives {format_value(ours)}, {self._compare(ours, equal=equal)}."]
        sentences += [_describe_others(others), *self.describe_further(evidence)]
        return ClaimVerdict(
            Reproduced.YES if equal else Reproduced.NO,
            self._judge_support(evidence, others, equal=equal),
            " ".join(sentences),
            [ours, *others],
            compute_percentile(self.published, [ours, *others]) if others else None,
            seed_value=ours,
        )

    def describe_published(self) -> str:
        """The number."""
        return format_published(self.published)

    def _compare(self, ours: float, *, equal: bool) -> str:
        """Our number against the published one."""
        if ours == self.published:
            return "as published"
        relation = f"within {100 * self.tolerance:g} % of" if equal else "not"
        return f"{relation} the published {self.describe_published()}"

    def _judge_support(self, evidence: Evidence, others: list[float], *, equal: bool) -> Supported:
        if not equal:
            return Supported.NO
        if has_easy_target(evidence, self.of):
            return Supported.CHANCE
        if others and not min(others) <= self.published <= max(others):
            return Supported.THIS_SEED
        return Supported.YES


def _describe_others(others: list[float]) -> str:
    if not others:
        return "No other seed was run."
    verb = "gives" if len(others) == 1 else "give"
    return f"{format_count(len(others), 'other seed')} {verb} {format_range(others)}."
