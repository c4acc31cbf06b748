"""Write reproduction.md, .csv and .json: every claim with both verdicts. No torch here."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gfopt.analysis.statistics import take_median
from gfopt.report.column_styles import finite_or_none
from gfopt.report.markup import write_table
from gfopt.studies.reproduce.claims import Claim
from gfopt.studies.reproduce.draw_figures import DrawnFigure
from gfopt.studies.reproduce.formatting import format_value
from gfopt.studies.reproduce.verdicts import ClaimVerdict

SCHEMA = 1  # of reproduction.csv and .json; raised when the meaning of a column changes

_HEADER = ("claim", "published", "ours", "number reproduced", "claim supported", "why")


@dataclass(frozen=True)
class JudgedClaim:
    """A claim and its verdict."""

    claim: Claim
    verdict: ClaimVerdict


def make_rows(judged: Sequence[JudgedClaim]) -> list[dict[str, Any]]:
    """A flat row for each claim, at full precision; None if there is no number."""
    return [_make_row(one.claim, one.verdict) for one in judged]


def _make_row(claim: Claim, verdict: ClaimVerdict) -> dict[str, Any]:
    low, high = verdict.interval
    return {
        "id": claim.id,
        "system": claim.system,
        "claim": claim.says,
        "source": claim.source,
        "published": claim.describe_published(),
        "unit": claim.unit,
        "ours": verdict.ours,
        "ours_median": verdict.median,
        "ours_lo": low,
        "ours_hi": high,
        "values": len(verdict.values),
        "percentile": verdict.percentile,
        "number_reproduced": str(verdict.reproduced),
        "claim_supported": str(verdict.supported),
        "sentence": verdict.sentence,
    }


def write_csv(judged: Sequence[JudgedClaim]) -> str:
    """Comma-separated values: a row for each claim, in the last column the schema version."""
    text, rows = io.StringIO(), [row | {"schema": SCHEMA} for row in make_rows(judged)]
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_json(judged: Sequence[JudgedClaim], conditions: dict[str, Any]) -> str:
    """An object of schema version, conditions and rows; null for what is not finite."""
    rows = [{key: finite_or_none(v) for key, v in row.items()} for row in make_rows(judged)]
    report = {"schema": SCHEMA, "conditions": conditions, "claims": rows}
    return json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def write_markdown(
    judged: Sequence[JudgedClaim], figures: Sequence[DrawnFigure], conditions: dict[str, Any]
) -> str:
    """The report: a summary, a table for each system, the figures, how to read it."""
    parts = ["# Published claims and what our runs show", write_summary(judged)]
    for system in dict.fromkeys(one.claim.system for one in judged):
        rows = [_make_cells(one.claim, one.verdict) for one in judged if one.claim.system == system]
        parts += [f"## {system[:1].upper()}{system[1:]}", write_table(_HEADER, rows)]
    if figures:
        parts += ["## Figures of the publications, from our runs"]
        parts += [f"![{figure.caption}]({figure.file})\n\n{figure.caption}" for figure in figures]
    known = ", ".join(f"{key} {value}" for key, value in conditions.items() if value is not None)
    parts += ["## How to read this report", _HOW_TO_READ]
    parts += [f"Run with {known}."] if known else []
    return "\n\n".join(parts) + "\n"


def write_summary(judged: Sequence[JudgedClaim]) -> str:
    """The number of claims, and of verdicts of each kind."""
    numbers = _count(str(one.verdict.reproduced) for one in judged)
    claims = _count(str(one.verdict.supported) for one in judged)
    head = "1 claim" if len(judged) == 1 else f"{len(judged)} claims"
    return f"{head}. Number reproduced: {numbers}. Claim supported: {claims}."


def _count(verdicts: Iterable[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in Counter(verdicts).most_common())


def format_ours(verdict: ClaimVerdict) -> str:
    """Our number: that of the published seed, then the median, its interval and the count."""
    if verdict.ours is None:
        return "—"
    seed = [] if verdict.seed_value is None else [format_value(verdict.seed_value)]
    if seed and len(verdict.values) == 1:
        return seed[0]
    low, high = verdict.interval
    median = format_value(take_median(verdict.values))
    if low is not None and high is not None and low != high:
        median += f" ({format_value(low)} to {format_value(high)})"
    if len(verdict.values) > 1:
        median += f", n = {len(verdict.values)}"
    return "; median over seeds ".join([*seed, median])


def _make_cells(claim: Claim, verdict: ClaimVerdict) -> tuple[str, ...]:
    numbers, equals, ratio = claim.describe_published().partition(" =")
    return (
        f"**{' '.join(claim.says.split())}** ({claim.source}; `{claim.id}`)",
        f"{numbers} {claim.unit}".rstrip() + equals + ratio,
        format_ours(verdict),
        str(verdict.reproduced),
        f"**{verdict.supported}**",
        verdict.sentence,
    )


_HOW_TO_READ = """\
- *Ours* is our number for the published seed, if there is one; then the median over seeds with its
  interval. With fewer than six seeds the interval is minimum to maximum, else the 95 % interval of
  the median by order statistics. Times have interleaved repeats on the plain backend, not seeds. A
  run that did not reach its target (censored) or diverged counts as `inf`.
- *Number reproduced* has another meaning for each kind of claim:
  - a number published with its seed: *yes* if our run gives it, else *no*;
  - a number published without a seed: within or outside the spread, which is minimum to maximum
    over our seeds;
  - a ratio: *yes* if our median is within the claim's tolerance, else within or outside the spread;
  - an order: *yes* if most seeds have it, else *no*.
- *Claim supported* says whether our runs support the claim's sentence. Besides *yes* and *no*:
  - *only for this seed*: other seeds do not support it (at most a quarter of them get as far as the
    published number), or there are too few seeds to decide;
  - *target at chance level*: a constant predictor reaches the target;
  - *matched by a control*: a simpler method does as well from the same initial weights (at most 5 %
    worse in the median);
  - *depends on implementation*: it holds with other settings than those claimed, or it is a time of
    another machine and program;
  - *not run*: the last column gives the reason.
- An order over seeds needs p < 0.05 in a one-sided sign test, in which ties count against it: at
  least 5 seeds.
- A number beyond all of ours counts against a claim if one more seed would fall there with a
  probability below 0.05: from 20 seeds on, or 40 if either side counts.
- Times depend on the machine. The report compares ratios of interleaved repeats, in CPU seconds as
  published, next to ratios of wall-clock seconds and of forward + backward passes."""
