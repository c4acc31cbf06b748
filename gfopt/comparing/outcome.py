"""What a comparison came to: its one sentence, and everything as plain values."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gfopt.comparing.changes import changes
from gfopt.comparing.sides import Name, Side
from gfopt.comparing.verdicts import Answer, Question, Verdict, overall


@dataclass(frozen=True)
class Outcome:
    """The verdicts of all rows, and the two sides that they are of."""

    question: Question
    verdicts: list[Verdict]
    base: Side
    head: Side

    @property
    def answer(self) -> Answer:
        """Of all rows together."""
        return overall(self.verdicts, self.failed)

    @property
    def failed(self) -> tuple[str, ...]:
        """The messages of runs that raised, each with its side."""
        sides = (("BASE", self.base), ("HEAD", self.head))
        return tuple(f"{name}: {said}" for name, side in sides for said in side.failed)

    @cached_property
    def changed(self) -> dict[str, list[str]]:
        """What changed from BASE to HEAD, by row, and around them."""
        return changes({self.title(v.row.name): v.row for v in self.verdicts})

    def title(self, name: Name) -> str:
        """What to call a row: its label, with data set and target where labels are not enough."""
        labels = Counter(verdict.row.name.label for verdict in self.verdicts)
        return name.label if labels[name.label] == 1 else str(name)

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        answer, on, rows = self.answer, self.question.on, _rows(len(self.verdicts))
        within = f"{100 * self.question.tolerance:g} %"
        told = [verdict for verdict in self.verdicts if verdict.answer is answer]
        of, each = f"{len(told)} of {rows}", "; ".join(map(self._reason, told))
        if answer is Answer.WORSE:
            return f"{answer}: HEAD needs over {within} more {on} than BASE on {of}: {each}."
        if answer is Answer.INCONCLUSIVE:
            parts = [f"{of} can't be judged: {each}"] if told else []
            parts += [f"{_count(len(self.failed), 'run')} failed"] if self.failed else []
            return f"{answer}, so no pass: {'; '.join(parts) or 'there is nothing to compare'}."
        return f"{answer}: HEAD needs at most {within} more {on} than BASE on all of {rows}."

    def _reason(self, verdict: Verdict) -> str:
        return f"{self.title(verdict.row.name)}: {verdict.reason}"

    def values(self) -> dict[str, Any]:
        """Everything, for programs; what is infinite is null."""
        return {
            "verdict": str(self.answer),
            "sentence": self.sentence,
            "on": self.question.on,
            "tolerance": self.question.tolerance,
            "rows": [_values(verdict) for verdict in self.verdicts],
            "changed": self.changed,
            "failed": list(self.failed),
        }


def _values(verdict: Verdict) -> dict[str, Any]:
    ratio = verdict.ratio._asdict() if verdict.ratio else {}
    return {
        **verdict.row.name._asdict(),
        "verdict": str(verdict.answer),
        "reason": verdict.reason,
        "seeds": [base.seed for base, _ in verdict.row.pairs],
        "base": _finite(verdict.base),
        "head": _finite(verdict.head),
        "ratio": {key: _finite(value) for key, value in ratio.items()} or None,
        "noise": verdict.row.noise,
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _rows(count: int) -> str:
    return f"{_count(count, 'row')} compared"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
