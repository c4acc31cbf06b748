"""A row's verdict from its pairs, and one verdict for all rows.

With r the ratio HEAD / BASE of a pair and t the tolerance, a row is worse where the whole interval
of r lies above 1 + t, not worse where it ends at or below it, better where it ends below 1, and
else inconclusive. The interval is that of the geometric mean; where a run missed its target, that
of the median, a miss being infinite. Below `ENOUGH` pairs it runs from the smallest to the largest
ratio. Pairs that both missed have no ratio. Two things besides: HEAD is worse where it misses the
target on more seeds than chance explains; and seconds are only worse beyond their noise, and where
they are in more turns of the two sides than chance explains.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from gfopt.comparing.rows import FEWEST, Quantity, Row, cost, obstacles
from gfopt.errors import ExitCode
from gfopt.records import Record, Status
from gfopt.rows import seeds
from gfopt.statistics import CONFIDENCE, Costs, compare, middle

if TYPE_CHECKING:
    from gfopt.statistics import Estimate

Pairs = list[tuple[Record, Record]]
LEVEL = (1 - CONFIDENCE) / 2  # of one end of an interval


class Answer(StrEnum):
    """What a comparison comes to; of several, the last in this order is that of all."""

    BETTER = "better"
    NOT_WORSE = "not worse"
    INCONCLUSIVE = "inconclusive"
    WORSE = "worse"

    @property
    def code(self) -> ExitCode:
        """How the command ends."""
        if self is Answer.WORSE:
            return ExitCode.CONDITION_UNMET
        return ExitCode.INCONCLUSIVE if self is Answer.INCONCLUSIVE else ExitCode.OK


@dataclass(frozen=True)
class Question:
    """By which quantity, and how much more of it is still not worse: 0.05 is 5 %."""

    on: Quantity
    tolerance: float

    @property
    def limit(self) -> float:
        """The largest ratio HEAD / BASE that is not worse, rounding allowed for."""
        return (1 + self.tolerance) * (1 + 1e-12)


@dataclass(frozen=True)
class Verdict:
    """Of one row: the answer, why, and what it rests on where there was something to compute."""

    row: Row
    answer: Answer
    reason: str
    base: float | None = None  # medians over the pairs; infinite where most missed the target
    head: float | None = None
    ratio: Estimate | None = None  # HEAD / BASE


def overall(verdicts: list[Verdict], failed: tuple[str, ...] = ()) -> Answer:
    """Worse beats inconclusive beats not worse; a failed run, or nothing to look at, is no pass."""
    answers = [verdict.answer for verdict in verdicts]
    if failed or not answers:
        answers.append(Answer.INCONCLUSIVE)
    return max(answers, key=list(Answer).index)


def judge(row: Row, question: Question) -> Verdict:
    """The row's verdict."""
    against = obstacles(row, question.on)
    if against:
        return Verdict(row, Answer.INCONCLUSIVE, "; ".join(against))
    base, head = (middle(_counted(row, side, question.on)) for side in (0, 1))
    told = [pair for pair in row.pairs if any(map(_done, pair))]
    if len(told) < FEWEST:
        both = len(row.pairs) - len(told)
        why = f"both sides missed the target on {both} of {len(row.pairs)} seeds"
        return Verdict(row, Answer.INCONCLUSIVE, why, base, head)
    ratio = _ratio(told, question.on)
    answer, why = _answer(row, told, ratio, question)
    return Verdict(row, answer, _words(row, ratio, told, question.on) + why, base, head, ratio)


def _answer(row: Row, told: Pairs, ratio: Estimate, question: Question) -> tuple[Answer, str]:
    """The answer, and what the reason adds to the ratio."""
    lost = [base.seed for base, head in told if _done(base) and not _done(head)]
    won = [base.seed for base, head in told if _done(head) and not _done(base)]
    misses = f"; HEAD missed the target on {seeds(lost)}, where BASE reached it" if lost else ""
    limit, beyond = question.limit, f"above {question.limit:.4g}"
    value, lo, hi = (math.nan if number is None else number for number in ratio)
    if len(lost) > len(won) and _beyond_chance(len(lost), len(lost) + len(won)):
        return Answer.WORSE, misses
    if lo > limit:
        doubt = _doubt(row, value, limit)
        answer = Answer.INCONCLUSIVE if doubt else Answer.WORSE
        return answer, f", all of it {beyond}{misses}{doubt}"
    if len(lost) > len(won):
        return Answer.INCONCLUSIVE, f"{misses}: more seeds would decide"
    if hi <= limit:
        return (Answer.BETTER if hi < 1 else Answer.NOT_WORSE), f", none of it {beyond}{misses}"
    return Answer.INCONCLUSIVE, f", partly {beyond}{misses}: more seeds would decide"


def _doubt(row: Row, ratio: float, limit: float) -> str:
    """Why seconds above the limit may be the machine's doing; nothing for counts.

    A busy machine slows whole runs by any factor, so the ratio's size is no proof. But both sides
    take turns, so that of the turns of equal programs as many come out for HEAD as against it.
    """
    turns = [turn for each in row.repeats.values() for turn in each]
    above = sum(head > limit * base for base, head in turns)
    if turns and ratio <= 1 + row.noise:
        return ", but within the noise"
    if turns and not _beyond_chance(above, len(turns)):
        return f", but in {above} of {len(turns)} turns only: more seeds or repeats would decide"
    return ""


def _beyond_chance(count: int, of: int) -> bool:
    """Whether heads come up so often in `of` tosses in `LEVEL` of all cases at most (sign test)."""
    from scipy.stats import binomtest

    return bool(binomtest(count, of, alternative="greater").pvalue <= LEVEL)


def _ratio(told: Pairs, on: Quantity) -> Estimate:
    """HEAD / BASE with its interval, over pairs of which at least one side reached the target."""
    base, head = (_costs([pair[side] for pair in told], on) for side in (0, 1))
    compared = compare(head, base)
    whole = all(base.reached) and all(head.reached)
    return compared.ratio_mean if whole else compared.ratio_median


def _costs(runs: list[Record], on: Quantity) -> Costs:
    """A miss is worse than any ratio, even where a larger budget would have been enough."""
    done = tuple(map(_done, runs))
    return Costs(tuple(_spent(run, on) for run in runs), done, tuple(not one for one in done))


def _spent(run: Record, on: Quantity) -> float:
    spent = cost(run, on)
    assert spent is not None  # an obstacle
    return spent


def _counted(row: Row, side: int, on: Quantity) -> list[float]:
    """What each run of BASE (0) or HEAD (1) took; a miss is infinite."""
    runs = [pair[side] for pair in row.pairs]
    return [_spent(run, on) if _done(run) else math.inf for run in runs]


def _done(run: Record) -> bool:
    """Whether what a run spent is what it takes: its target reached or, without one, all done."""
    return run.reached if run.target else run.status is not Status.DIVERGED


def _words(row: Row, ratio: Estimate, told: Pairs, on: Quantity) -> str:
    """The ratio in words, with the noise where there is some and the pairs that have no ratio."""
    value, lo, hi = map(ratio_text, ratio)
    none = len(row.pairs) - len(told)
    besides = f", {none} more missed by both" if none else ""
    besides += f", noise {100 * row.noise:.2g} %" if on == "seconds" else ""
    return f"{value} times BASE's {on} ({lo} to {hi}, {len(told)} pairs{besides})"


def ratio_text(ratio: float | None) -> str:
    """A ratio for readers; infinite where a miss stands against a target that was reached."""
    if ratio is None:
        return "not to be told"
    return "inf" if math.isinf(ratio) else f"{ratio:.4g}"
