"""What `ratio` and `ordering` share: two things compared seed by seed, and controls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, model_validator

from gfopt.analysis.statistics import take_median
from gfopt.studies.reproduce.checks.common import (
    SIGNIFICANCE,
    Better,
    CheckedClaim,
    check_pair,
    divide_values,
    has_easy_target,
    read_pairs,
)
from gfopt.studies.reproduce.evidence import Evidence
from gfopt.studies.reproduce.formatting import format_share, format_value
from gfopt.studies.reproduce.measures import Measure
from gfopt.studies.reproduce.verdicts import Supported

AS_GOOD = 0.05  # a control does as well if it is at most this share worse in the median
MIN_SEEDS = math.ceil(-math.log2(SIGNIFICANCE))  # with fewer no sign test is significant


class ComparisonClaim(CheckedClaim):
    """A claim that one thing is lower (or higher) than another, which controls may match."""

    than: Measure
    controls: Annotated[
        tuple[Measure, ...], Field(description="simpler things that may do as well as `of`")
    ] = ()
    better: Better = "lower"

    @model_validator(mode="after")
    def _check_pairs(self) -> ComparisonClaim:
        if isinstance(self.than, Measure):
            check_pair(self.of, self.than, "than")
        for i, control in enumerate(self.controls):
            check_pair(self.of, control, f"controls.{i}")
        return self

    def find_wins(self, evidence: Evidence) -> list[bool]:
        """Whether `of` is better, for each seed or repeat that both have; a tie is no win."""
        of, than = read_pairs(evidence, self.of, self.than)
        return [self.is_better(of[key], than[key]) for key in of]

    def judge_order(self, evidence: Evidence) -> Supported:
        """Whether the order holds over the seeds, by a one-sided sign test."""
        wins = self.find_wins(evidence)
        if 2 * sum(wins) <= len(wins):
            return Supported.NO
        return Supported.YES if compute_sign_test(wins) < SIGNIFICANCE else Supported.THIS_SEED

    def judge_support(self, evidence: Evidence) -> Supported:
        """The order, unless the target is easy or a control does as well."""
        order = self.judge_order(evidence)
        if order in (Supported.NO, Supported.IMPLEMENTATION):
            return order
        if has_easy_target(evidence, self.of):
            return Supported.CHANCE
        return Supported.CONTROL if self.describe_equal_controls(evidence) else order

    def describe_equal_controls(self, evidence: Evidence) -> list[str]:
        """A sentence for each control that does as well as `of`, by the median of their ratios."""
        sentences = []
        worst = math.inf if self.lower else 0
        for control in self.controls:
            ratios = divide_values(*read_pairs(evidence, control, self.of)).values()
            ratio = take_median([r for r in ratios if not math.isnan(r)] or [worst])
            if ratio <= 1 + AS_GOOD if self.lower else ratio >= 1 - AS_GOOD:
                names = f"{control.label} / {self.of.label}"
                sentences.append(
                    f"Control {control.label} does as well: median ratio {format_value(ratio)} "
                    f"in {self.of.quantity.words} ({names})."
                )
        return sentences

    def describe_wins(self, wins: Sequence[bool]) -> str:
        """In how many seeds the order holds, and the p of a sign test."""
        if self.of.timed:  # repeats of one seed are no sample of seeds
            return f"{format_share(wins)} repeats"
        p = compute_sign_test(wins)
        few = all(wins) and p >= SIGNIFICANCE
        advice = f"; at least {MIN_SEEDS} seeds are needed" if few else ""
        return f"{format_share(wins)} seeds (sign test p = {p:.2g}{advice})"

    @property
    def lower(self) -> bool:
        """Whether lower is better."""
        return self.better == "lower"

    def is_better(self, one: float, other: float) -> bool:
        """Whether one value is better than another."""
        return one < other if self.lower else one > other


def compute_sign_test(wins: Sequence[bool]) -> float:
    """The one-sided p of at least so many wins if both were equally good."""
    from scipy.stats import binomtest

    return float(binomtest(sum(wins), len(wins), alternative="greater").pvalue)
