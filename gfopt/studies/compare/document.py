"""A comparison as Markdown: the sentence first, then the table, the changes, and the footnotes."""

from __future__ import annotations

import math
from collections.abc import Iterator

from gfopt.analysis.statistics import MIN_RUNS_FOR_INTERVAL
from gfopt.report.column_styles import format_significant
from gfopt.report.markup import write_list, write_table
from gfopt.studies.compare.matching import Quantity
from gfopt.studies.compare.result import CompareResult
from gfopt.studies.compare.verdicts import RowVerdict, format_ratio


def to_markdown(result: CompareResult) -> str:
    """The whole document."""
    on = result.question.on
    parts = [f"### gfopt compare: {result.answer}", result.sentence]
    if result.verdicts:
        header = ("optimizer", "pairs", f"BASE {on}", f"HEAD {on}", "HEAD / BASE", "verdict")
        rows = [_format_row(result, verdict) for verdict in result.verdicts]
        parts.append(write_table(header, rows, (True, False, False, False, False, True)))
    changes = [f"{title}: {'; '.join(found)}" for title, found in result.changed.items()]
    changes = changes or ["nothing: same options, source, software and machine"]
    parts += ["Changes from BASE to HEAD:", write_list(changes)]
    if footnotes := write_list(_footnotes(result)):
        parts.append(footnotes)
    return "\n\n".join(parts) + "\n"


def _format_row(result: CompareResult, verdict: RowVerdict) -> list[str]:
    on = result.question.on
    ratio = "{} [{}, {}]".format(*map(format_ratio, verdict.ratio)) if verdict.ratio else ""
    return [
        result.title(verdict.row.name),
        str(len(verdict.row.pairs)),
        _format_cost(verdict.base, on),
        _format_cost(verdict.head, on),
        ratio,
        str(verdict.answer),
    ]


def _format_cost(value: float | None, on: Quantity) -> str:
    if value is None:
        return ""
    if math.isinf(value):
        return "not reached"
    if on == "seconds":
        return format_significant(value, 3)
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _footnotes(result: CompareResult) -> Iterator[str]:
    """The reasons of the verdicts, what the numbers mean, and what to know of the runs."""
    for verdict in result.verdicts:
        yield f"{result.title(verdict.row.name)}: {verdict.answer}: {verdict.reason}."
    if judged := [verdict for verdict in result.verdicts if verdict.ratio]:
        yield from _explain_statistics(judged)
    if result.question.on == "seconds":
        yield (
            "Noise: (largest - smallest) / median of the repeats of one side and seed, the median "
            "over seeds, the larger of both sides. A row is not called worse if its difference is "
            "within the noise, or if a sign test over all turns of both sides is not significant."
        )
    for side, runs in (("BASE", result.base), ("HEAD", result.head)):
        yield from (f"{side}: {note}" for note in runs.notes)
    yield from (f"failed: {message}" for message in result.failed)


def _explain_statistics(judged: list[RowVerdict]) -> Iterator[str]:
    yield (
        "BASE and HEAD: medians over seeds. HEAD / BASE: geometric mean of the ratios seed by "
        "seed, or their median if a run missed the target. In brackets: 95 % confidence interval, "
        f"or smallest and largest ratio below {MIN_RUNS_FOR_INTERVAL} pairs."
    )
    if any(math.isinf(number) for v in judged for number in v.ratio or () if number is not None):
        yield "∞: HEAD missed the target where BASE reached it."
    if any(len(verdict.row.pairs) < MIN_RUNS_FOR_INTERVAL for verdict in judged):
        yield f"Fewer than {MIN_RUNS_FOR_INTERVAL} pairs of seeds: small differences may be noise."
    if len(judged) > 1:
        yield (
            f"{len(judged)} rows are judged one by one, without correction. With at least "
            f"{MIN_RUNS_FOR_INTERVAL} pairs, a row exactly at the tolerance is called worse in "
            "about 2.5 % of comparisons."
        )
