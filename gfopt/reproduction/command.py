"""From a claims file to its report: gather the evidence, judge, draw, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gfopt.errors import ExitCode
from gfopt.race import Listener, Setting
from gfopt.records import write_whole
from gfopt.reproduction.claims import Claim, Claims, chosen, measures_in, with_seeds
from gfopt.reproduction.document import Finding, to_csv, to_json, to_markdown
from gfopt.reproduction.evidence import REPEATS, Collected
from gfopt.reproduction.gallery import draw_all
from gfopt.reproduction.verdicts import Missing, Reproduced, Verdict, not_run

QUICK_SEEDS, QUICK_REPEATS = 2, 3
_WATCHED = ("device", "threads", "cpu", "gpu")


@dataclass(frozen=True)
class Report:
    """What was found, and how the command ends."""

    findings: list[Finding]
    code: ExitCode
    folder: Path


def reproduce(
    claims: Claims,
    setting: Setting,
    listener: Listener,
    *,
    only: Sequence[str] = (),
    seeds: int | None = None,
    quick: bool = False,
) -> Report:
    """Judge the claims and write reproduction.md, .csv, .json and the figures into setting.out."""
    asked, shown = chosen(claims.claims, list(only)), claims.figures
    if seeds or quick:
        number, most = seeds or QUICK_SEEDS, not seeds
        asked = [with_seeds(claim, number, most=most) for claim in asked]
        shown = [with_seeds(figure, number, most=most) for figure in shown]
    run = [claim for claim in asked if not (quick and claim.long)]
    evidence = Collected(setting, listener, QUICK_REPEATS if quick else REPEATS)
    evidence.gather([measure for claim in run for measure in measures_in(claim)])
    found = [Finding(claim, _judged(claim, evidence, quick=quick)) for claim in asked]
    pictures = list(draw_all(shown, evidence, setting.out / "reproduction"))
    conditions = _asked(only, seeds, quick=quick) | _conditions(evidence)
    write_whole(setting.out / "reproduction.md", to_markdown(found, pictures, conditions))
    write_whole(setting.out / "reproduction.csv", to_csv(found))
    write_whole(setting.out / "reproduction.json", to_json(found, conditions))
    return Report(found, _code(found, evidence), setting.out)


def _judged(claim: Claim, evidence: Collected, *, quick: bool) -> Verdict:
    """The verdict, or why there is none."""
    if quick and claim.long:
        return not_run("it takes longer than --quick allows")
    try:
        return claim.judge(evidence)
    except Missing as reason:
        return not_run(str(reason))


def _code(findings: list[Finding], evidence: Collected) -> ExitCode:
    """Failed runs first, then an exact claim that failed, then missing data."""
    if evidence.failed:
        return ExitCode.RUN_FAILED
    if any(f.claim.exact and f.verdict.reproduced is Reproduced.NO for f in findings):
        return ExitCode.CONDITION_UNMET
    return ExitCode.DATA_MISSING if evidence.lacks_data else ExitCode.OK


def _asked(only: Sequence[str], seeds: int | None, *, quick: bool) -> dict[str, Any]:
    """What the command was asked for: a report of some claims must say that it is one."""
    given = {"--only": ", ".join(only), "--seeds": seeds, "--quick": "yes" if quick else None}
    return {key: value for key, value in given.items() if value}


def _conditions(evidence: Collected) -> dict[str, Any]:
    """The machine and software of the runs and times, each value once."""
    seen: dict[str, dict[str, None]] = {}
    for environment in evidence.environments:
        facts = {k: environment.get(k) for k in _WATCHED} | environment["versions"]
        for key, value in facts.items():
            seen.setdefault(key, {})[str(value)] = None
    return {
        key: " and ".join(v for v in values if v != "None") or None for key, values in seen.items()
    }
