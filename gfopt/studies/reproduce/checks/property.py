"""The check `property`: what a publication calls a method, as a number."""

from __future__ import annotations

from typing import ClassVar

from gfopt.studies.reproduce.checks.common import CheckedClaim, name_quantity, read_counted
from gfopt.studies.reproduce.claims import checks
from gfopt.studies.reproduce.evidence import Evidence
from gfopt.studies.reproduce.formatting import format_published, format_range
from gfopt.studies.reproduce.verdicts import ClaimVerdict, Reproduced, Supported


@checks.register("property")
class Property(CheckedClaim):
    """A property as a number that every run must have: gradient-free means 0 backward passes."""

    published: float

    depends_on_target: ClassVar[bool] = False

    def judge(self, evidence: Evidence) -> ClaimVerdict:
        """Whether every run has that number."""
        values = list(read_counted(evidence, self.of).values())
        holds = all(value == self.published for value in values)
        found = f"{name_quantity(self.of)}: {self.of.label} {format_range(values)}"
        said = f"{found}; the claim requires {self.describe_published()}."
        return ClaimVerdict(
            Reproduced.YES if holds else Reproduced.NO,
            Supported.YES if holds else Supported.NO,
            " ".join([said, *self.describe_further(evidence)]),
            values,
        )

    def describe_published(self) -> str:
        """The number that every run must have."""
        return format_published(self.published)
