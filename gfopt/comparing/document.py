"""An outcome as Markdown: the sentence first, then the table, what changed, and the notes."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gfopt.comparing.outcome import Outcome
from gfopt.comparing.rows import Quantity
from gfopt.comparing.verdicts import Verdict, ratio_text
from gfopt.formats import significant
from gfopt.statistics import ENOUGH


def to_markdown(outcome: Outcome) -> str:
    """The whole document."""
    on = outcome.question.on
    lines = [f"### gfopt compare: {outcome.answer}", "", _escaped(outcome.sentence), ""]
    head = ["row", "pairs", f"BASE {on}", f"HEAD {on}", "HEAD / BASE", "verdict"]
    rows = [_cells(outcome, verdict) for verdict in outcome.verdicts]
    rule = ["---", *["---:"] * 4, "---"]
    if rows:
        lines += [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)] + [""]
    lines += ["What changed from BASE to HEAD:", "", *_changed(outcome), ""]
    lines += [f"- {_escaped(note)}" for note in _notes(outcome)]
    return "\n".join(lines) + "\n"


def _cells(outcome: Outcome, verdict: Verdict) -> list[str]:
    on, ratio = outcome.question.on, verdict.ratio
    cells = [outcome.title(verdict.row.name), str(len(verdict.row.pairs))]
    cells += [_cost(verdict.base, on), _cost(verdict.head, on)]
    told = "{} ({}–{})".format(*map(ratio_text, ratio)) if ratio else ""  # noqa: RUF001
    return [_escaped(cell) for cell in (*cells, told, str(verdict.answer))]


def _cost(value: float | None, on: Quantity) -> str:
    if value is None:
        return ""
    if math.isinf(value):
        return "not reached"
    return significant(value, 3) if on == "seconds" else f"{value:.2f}".rstrip("0").rstrip(".")


def _changed(outcome: Outcome) -> list[str]:
    told = [
        f"- {_escaped(title)}: {_escaped('; '.join(said))}"
        for title, said in outcome.changed.items()
    ]
    return told or ["- nothing: the same options, source, software and machine"]


def _notes(outcome: Outcome) -> Iterator[str]:
    """What the numbers are, and what is to be known of the runs."""
    judged = [verdict for verdict in outcome.verdicts if verdict.ratio]
    for verdict in outcome.verdicts:
        yield f"{outcome.title(verdict.row.name)}: {verdict.answer}: {verdict.reason}."
    if judged:
        yield from _statistics(judged)
    if outcome.question.on == "seconds":
        yield (
            "Noise: (largest - smallest) / median of the repeats of one side and seed, the median "
            "over seeds, the larger of both sides. A difference within it is not called worse, nor "
            "one that too few turns of the two sides show: a sign test over all repeats."
        )
    for side, runs in (("BASE", outcome.base), ("HEAD", outcome.head)):
        yield from (f"{side}: {note}" for note in runs.notes)
    yield from (f"failed, {message}" for message in outcome.failed)


def _statistics(judged: list[Verdict]) -> Iterator[str]:
    yield (
        "Medians over seeds; HEAD / BASE is the geometric mean of the ratios, seed by seed, or "
        "their median where a run missed the target; in brackets its 95 % interval, below "
        f"{ENOUGH} pairs smallest and largest."
    )
    if any(len(verdict.row.pairs) < ENOUGH for verdict in judged):
        yield f"Fewer than {ENOUGH} pairs of seeds: a small difference may be chance."
    if len(judged) > 1:
        yield (
            f"{len(judged)} rows were looked at, each by itself: from {ENOUGH} pairs on, a row "
            "that is worse by the tolerance and no more is called worse in about 2.5 % of cases."
        )


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
