"""Findings -> reproduction.md, .csv and .json: every claim with its verdicts. No torch here."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gfopt.reproduction.claims import Claim
from gfopt.reproduction.verdicts import Verdict, worded
from gfopt.statistics import middle

_HEADER = ("claim", "published", "ours", "number reproduced", "claim supported", "why")


@dataclass(frozen=True)
class Finding:
    """A claim and what became of it."""

    claim: Claim
    verdict: Verdict


@dataclass(frozen=True)
class Picture:
    """A drawn figure: its path from the document, and what it shows."""

    file: str
    caption: str


def rows(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """A flat row for each claim, at full precision; None where there is no number."""
    return [_row(finding.claim, finding.verdict) for finding in findings]


def _row(claim: Claim, verdict: Verdict) -> dict[str, Any]:
    low, high = verdict.interval
    return {
        "id": claim.id,
        "system": claim.system,
        "claim": claim.says,
        "source": claim.source,
        "published": claim.said(),
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


def to_csv(findings: Sequence[Finding]) -> str:
    """Comma-separated values."""
    text, found = io.StringIO(), rows(findings)
    writer = csv.DictWriter(text, found[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)
    return text.getvalue()


def to_json(findings: Sequence[Finding], conditions: dict[str, Any]) -> str:
    """The rows and the conditions they were found under; what is not finite is null."""
    claims = [{k: _finite(v) for k, v in row.items()} for row in rows(findings)]
    found = {"conditions": conditions, "claims": claims}
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_markdown(
    findings: Sequence[Finding], pictures: Sequence[Picture], conditions: dict[str, Any]
) -> str:
    """The report: a summary, a table for each system, the pictures, how to read it."""
    systems = dict.fromkeys(finding.claim.system for finding in findings)
    parts = ["# What stands of the published claims", summary(findings)]
    for system in systems:
        parts += [f"## {system[:1].upper()}{system[1:]}"]
        parts += [_table([f for f in findings if f.claim.system == system])]
    if pictures:
        parts += ["## The systems' figures, from these runs"]
        parts += [f"![{p.caption}]({p.file})\n\n{p.caption}" for p in pictures]
    return "\n\n".join([*parts, "## How to read this", _reading(conditions)]) + "\n"


def summary(findings: Sequence[Finding]) -> str:
    """How many verdicts of each kind."""
    numbers = Counter(str(finding.verdict.reproduced) for finding in findings)
    claims = Counter(str(finding.verdict.supported) for finding in findings)
    head = "1 claim" if len(findings) == 1 else f"{len(findings)} claims"
    found = f"Number reproduced: {_counted(numbers)}. Claim supported: {_counted(claims)}."
    return f"{head}. {found}"


def ours(verdict: Verdict) -> str:
    """Our number: that of the published seed, then the median, its interval, how many there are."""
    if verdict.ours is None:
        return "—"
    parts = [] if verdict.seeded is None else [worded(verdict.seeded)]
    if len(verdict.values) > 1 or not parts:
        parts.append(_middle(verdict))
    return "; over seeds ".join(parts)


def _middle(verdict: Verdict) -> str:
    """Median, interval and number of our values."""
    low, high = verdict.interval
    told = worded(middle(verdict.values))
    if low is not None and high is not None and low != high:
        told += f" ({worded(low)} to {worded(high)})"
    return f"{told}, n = {n}" if (n := len(verdict.values)) > 1 else told


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())


def _table(findings: list[Finding]) -> str:
    lines = [_HEADER, ("---",) * len(_HEADER)]
    lines += [_cells(finding.claim, finding.verdict) for finding in findings]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(claim: Claim, verdict: Verdict) -> tuple[str, ...]:
    numbers, equals, ratio = claim.said().partition(" =")
    cells = (
        f"**{claim.says}** ({claim.source}; `{claim.id}`)",
        f"{numbers} {claim.unit}".rstrip() + equals + ratio,
        ours(verdict),
        str(verdict.reproduced),
        f"**{verdict.supported}**",
        verdict.sentence,
    )
    return tuple(" ".join(cell.split()).replace("|", "\\|") for cell in cells)


def _reading(conditions: dict[str, Any]) -> str:
    """What the words mean, and where the runs were made."""
    made = ", ".join(f"{key} {value}" for key, value in conditions.items() if value is not None)
    return f"{_HOW_TO_READ}- Made with {made}." if made else _HOW_TO_READ.rstrip()


_HOW_TO_READ = """\
- *Ours* is our number for the published seed, where there is one; then the median over seeds with
  its interval: minimum and maximum below six seeds, from six on the 95 % interval of the median by
  order statistics. For times the values are interleaved repeats on the plain code path, not seeds.
  A run that missed its target or diverged stays in, as `inf`.
- *Number reproduced*: a number published with its seed must come out (yes, no); one without is
  within or outside the spread, from the least to the largest, of our seeds; a ratio is *yes* where
  our median is within the claim's tolerance, else within or outside the spread; for an order the
  word says whether most seeds have it.
- *Claim supported*: what the numbers say of the sentence, beside *yes* and *no*:
  - *only for this seed*: other starts don't bear it out (at most a quarter of them get as far as
    the published number), or those run are too few to tell;
  - *target at chance level*: the best constant output reaches the target;
  - *matched by a control*: something simpler does as well (at most 5 % worse in the median) from
    the same starts;
  - *depends on implementation*: it holds under other settings than those claimed, or it is a time
    of another machine and program;
  - *not run*, and why.
- Too few to tell: an order over seeds counts as one where a one-sided sign test, ties against it,
  gives p < 0.05 (from five seeds on); a number beyond all of ours counts against a claim where one
  seed more would fall there with a probability below 0.05 (from 20 seeds on, 40 for either side).
- A time can't be reproduced on another machine: ratios of interleaved repeats are compared, in CPU
  seconds as published, with those in wall-clock and in sample-passes beside them.
"""


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
