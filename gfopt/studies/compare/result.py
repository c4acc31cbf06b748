"""The result of a comparison: its sentence, and everything as plain values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gfopt.report.column_styles import finite_or_none
from gfopt.studies.compare.changes import find_changes
from gfopt.studies.compare.sides import RowName, Side
from gfopt.studies.compare.verdicts import Answer, Question, RowVerdict, combine

SCHEMA = 1  # of the JSON


@dataclass(frozen=True)
class CompareResult:
    """The verdicts of all rows, and the two sides compared."""

    question: Question
    verdicts: list[RowVerdict]
    base: Side
    head: Side

    @property
    def answer(self) -> Answer:
        """The answer for all rows together."""
        return combine(self.verdicts, self.failed)

    @property
    def failed(self) -> tuple[str, ...]:
        """The messages of the runs that raised, each with its side."""
        sides = (("BASE", self.base), ("HEAD", self.head))
        return tuple(f"{name}: {message}" for name, side in sides for message in side.failed)

    @cached_property
    def changed(self) -> dict[str, list[str]]:
        """The changes from BASE to HEAD by row, and those of software and machine."""
        return find_changes({self.title(v.row.name): v.row for v in self.verdicts})

    def title(self, name: RowName) -> str:
        """A row's label; with data set and target if several rows have that label."""
        labels = Counter(verdict.row.name.label for verdict in self.verdicts)
        return name.label if labels[name.label] == 1 else str(name)

    @property
    def sentence(self) -> str:
        """The verdict in words, then the rows that decide it."""
        answer, on = self.answer, self.question.on
        tolerance = f"{100 * self.question.tolerance:g} %"
        rows = _count(len(self.verdicts), "row")
        deciding = [verdict for verdict in self.verdicts if verdict.answer is answer]
        share = f"{len(deciding)} of {rows}"
        reasons = "; ".join(f"{self.title(v.row.name)}: {v.reason}" for v in deciding)
        if answer is Answer.WORSE:
            return (
                f"{answer}: HEAD needs over {tolerance} more {on} than BASE in {share}. {reasons}."
            )
        if answer is Answer.INCONCLUSIVE:
            parts = [f"{share} can't be judged. {reasons}."] if deciding else []
            parts += [f"{_count(len(self.failed), 'run')} failed."] if self.failed else []
            return f"{answer}, not a pass: {' '.join(parts) or 'there is nothing to compare.'}"
        if answer is Answer.BETTER:
            return f"{answer}: HEAD needs fewer {on} than BASE in {share}."
        return (
            f"{answer}: HEAD needs at most {tolerance} more {on} than BASE "
            f"in {len(self.verdicts)} of {rows}."
        )

    def to_values(self) -> dict[str, Any]:
        """Everything, for programs; what is infinite is null."""
        return {
            "schema": SCHEMA,
            "verdict": str(self.answer),
            "sentence": self.sentence,
            "on": self.question.on,
            "tolerance": self.question.tolerance,
            "rows": [_to_values(verdict) for verdict in self.verdicts],
            "changed": self.changed,
            "failed": list(self.failed),
        }


def _to_values(verdict: RowVerdict) -> dict[str, Any]:
    ratio = verdict.ratio._asdict() if verdict.ratio else {}
    return {
        **verdict.row.name._asdict(),
        "verdict": str(verdict.answer),
        "reason": verdict.reason,
        "seeds": [base.seed for base, _ in verdict.row.pairs],
        "base": finite_or_none(verdict.base),
        "head": finite_or_none(verdict.head),
        "ratio": {key: finite_or_none(value) for key, value in ratio.items()} or None,
        "noise": verdict.row.noise,
    }


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
