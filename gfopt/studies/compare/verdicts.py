"""The verdict of a row from its pairs, and one verdict for all rows.

With r the ratio HEAD / BASE of a pair and t the tolerance, a row is worse if the whole interval of
r lies above 1 + t, not worse if it ends at or below 1 + t, better if it ends below 1, and otherwise
inconclusive. The interval is that of the geometric mean; if a run missed its target, that of the
median, a miss counting as infinite. With fewer than `MIN_RUNS_FOR_INTERVAL` pairs it runs from the
smallest to the largest ratio. Pairs that both missed have no ratio.

Two rules besides: HEAD is worse if it misses the target on significantly more seeds than BASE (sign
test); and seconds are only worse if the difference exceeds the timing noise and a sign test over
all turns of the two sides is significant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from gfopt.analysis.groups import list_seeds
from gfopt.analysis.statistics import (
    CONFIDENCE,
    MIN_RUNS_FOR_INTERVAL,
    Costs,
    compare,
    take_median,
)
from gfopt.errors import ExitCode
from gfopt.records.record import Record, Status
from gfopt.studies.compare.matching import (
    MIN_PAIRS,
    MatchedRow,
    Quantity,
    find_obstacles,
    get_cost,
)

if TYPE_CHECKING:
    from gfopt.analysis.statistics import Estimate

Pairs = list[tuple[Record, Record]]
LEVEL = (1 - CONFIDENCE) / 2  # of one end of an interval


class Answer(StrEnum):
    """A verdict in a word; the last in this order among several is the answer to all."""

    BETTER = "better"
    NOT_WORSE = "not worse"
    INCONCLUSIVE = "inconclusive"
    WORSE = "worse"

    @property
    def code(self) -> ExitCode:
        """The exit code of the command."""
        if self is Answer.WORSE:
            return ExitCode.CONDITION_UNMET
        return ExitCode.INCONCLUSIVE if self is Answer.INCONCLUSIVE else ExitCode.OK


@dataclass(frozen=True)
class Question:
    """The quantity to compare, and the accepted increase: 0.05 is 5 %."""

    on: Quantity
    tolerance: float

    @property
    def limit(self) -> float:
        """The largest ratio HEAD / BASE that is not worse, with an allowance for rounding."""
        return (1 + self.tolerance) * (1 + 1e-12)


@dataclass(frozen=True)
class RowVerdict:
    """The answer for one row, the reason, and the numbers behind it if there are any."""

    row: MatchedRow
    answer: Answer
    reason: str
    base: float | None = None  # medians over the pairs; infinite if most missed the target
    head: float | None = None
    ratio: Estimate | None = None  # HEAD / BASE


def combine(verdicts: list[RowVerdict], failed: tuple[str, ...] = ()) -> Answer:
    """Worse beats inconclusive beats not worse; failed runs, or no rows, are inconclusive."""
    answers = [verdict.answer for verdict in verdicts]
    if failed or not answers:
        answers.append(Answer.INCONCLUSIVE)
    return max(answers, key=list(Answer).index)


def judge(row: MatchedRow, question: Question) -> RowVerdict:
    """The row's verdict."""
    obstacles = find_obstacles(row, question.on)
    if obstacles:
        return RowVerdict(row, Answer.INCONCLUSIVE, "; ".join(obstacles))
    base, head = (take_median(_list_costs(row, side, question.on)) for side in (0, 1))
    compared = [pair for pair in row.pairs if any(map(_is_complete, pair))]
    if len(compared) < MIN_PAIRS:
        missed = len(row.pairs) - len(compared)
        reason = f"both sides missed the target on {missed} of {len(row.pairs)} seeds"
        return RowVerdict(row, Answer.INCONCLUSIVE, reason, base, head)
    ratio = _estimate_ratio(compared, question.on)
    evidence = _describe_ratio(row, ratio, compared, question.on)
    answer, more = _decide(row, compared, ratio, question)
    return RowVerdict(row, answer, evidence + more, base, head, ratio)


def format_ratio(ratio: float | None) -> str:
    """A ratio for readers; infinite if a miss stands against a target that was reached."""
    if ratio is None:
        return "unknown"
    return "∞" if math.isinf(ratio) else f"{ratio:.4g}"


def _decide(
    row: MatchedRow, compared: Pairs, ratio: Estimate, question: Question
) -> tuple[Answer, str]:
    """The answer, and what the reason adds to the ratio."""
    lost = [base.seed for base, head in compared if _is_complete(base) and not _is_complete(head)]
    won = [base.seed for base, head in compared if _is_complete(head) and not _is_complete(base)]
    misses = (
        f"; HEAD missed the target on {list_seeds(lost)}, where BASE reached it" if lost else ""
    )
    limit = question.limit
    value, lo, hi = (math.nan if number is None else number for number in ratio)
    if len(lost) > len(won) and _is_beyond_chance(len(lost), len(lost) + len(won)):
        return Answer.WORSE, misses
    if lo > limit:
        doubt = _find_doubt(row, value, limit)
        answer = Answer.INCONCLUSIVE if doubt else Answer.WORSE
        return answer, f", entirely above {limit:.4g}{misses}{doubt}"
    if len(lost) > len(won):
        return Answer.INCONCLUSIVE, f"{misses}: use more seeds"
    if hi <= limit:
        answer = Answer.BETTER if hi < 1 else Answer.NOT_WORSE
        return answer, f", not above {limit:.4g}{misses}"
    return Answer.INCONCLUSIVE, f", partly above {limit:.4g}{misses}: use more seeds"


def _find_doubt(row: MatchedRow, ratio: float, limit: float) -> str:
    """Why the machine may explain seconds above the limit; empty for counts.

    A busy machine slows whole runs by any factor, so the size of the ratio proves nothing. But both
    sides take turns: of equal programs, HEAD is the slower one in half of the turns.
    """
    turns = [turn for each in row.repeats.values() for turn in each]
    above = sum(head > limit * base for base, head in turns)
    if turns and ratio <= 1 + row.noise:
        return ", but within the timing noise"
    if turns and not _is_beyond_chance(above, len(turns)):
        return (
            f", but only in {above} of {len(turns)} turns, which chance may explain: "
            "use more seeds or repeats"
        )
    return ""


def _is_beyond_chance(count: int, of: int) -> bool:
    """Whether so many heads in `of` tosses have a probability of at most `LEVEL` (sign test)."""
    from scipy.stats import binomtest

    return bool(binomtest(count, of, alternative="greater").pvalue <= LEVEL)


def _estimate_ratio(compared: Pairs, on: Quantity) -> Estimate:
    """HEAD / BASE with its interval, over pairs of which at least one side reached the target."""
    base, head = (_count_costs([pair[side] for pair in compared], on) for side in (0, 1))
    found = compare(head, base)
    whole = all(base.reached) and all(head.reached)
    return found.ratio_mean if whole else found.ratio_median


def _count_costs(runs: list[Record], on: Quantity) -> Costs:
    """A miss is worse than any ratio, even if a larger budget would have been enough."""
    done = tuple(map(_is_complete, runs))
    return Costs(tuple(_spent(run, on) for run in runs), done, tuple(not one for one in done))


def _list_costs(row: MatchedRow, side: int, on: Quantity) -> list[float]:
    """The cost of each run of BASE (0) or HEAD (1); a miss is infinite."""
    runs = [pair[side] for pair in row.pairs]
    return [_spent(run, on) if _is_complete(run) else math.inf for run in runs]


def _spent(run: Record, on: Quantity) -> float:
    cost = get_cost(run, on)
    assert cost is not None  # find_obstacles refuses it
    return cost


def _is_complete(run: Record) -> bool:
    """Whether the run's cost is complete: it reached its target or, without one, didn't diverge."""
    return run.reached if run.target else run.status is not Status.DIVERGED


def _describe_ratio(row: MatchedRow, ratio: Estimate, compared: Pairs, on: Quantity) -> str:
    """The ratio with its interval, the number of pairs, and the noise of seconds."""
    value, lo, hi = map(format_ratio, ratio)
    kind = "95 % CI" if len(compared) >= MIN_RUNS_FOR_INTERVAL else "range"
    missed = len(row.pairs) - len(compared)
    more = f", {missed} more missed the target on both sides" if missed else ""
    more += f", noise {100 * row.noise:.2g} %" if on == "seconds" else ""
    return f"{on} HEAD / BASE = {value} [{kind} {lo}, {hi}] ({len(compared)} pairs{more})"
