"""What `gfopt reproduce` does: gather the evidence, judge the claims, draw, write the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gfopt.errors import ExitCode
from gfopt.records.atomic import write_atomically
from gfopt.runner.listener import RunListener
from gfopt.runner.settings import RunSettings
from gfopt.studies.reproduce.claims import Claim, Claims, select_claims
from gfopt.studies.reproduce.document import JudgedClaim, write_csv, write_json, write_markdown
from gfopt.studies.reproduce.draw_figures import draw_figures
from gfopt.studies.reproduce.evidence import Evidence, MissingEvidence
from gfopt.studies.reproduce.gathered_evidence import REPEATS, GatheredEvidence
from gfopt.studies.reproduce.measures import find_measures, set_seeds
from gfopt.studies.reproduce.verdicts import ClaimVerdict, Reproduced, make_not_run_verdict

QUICK_SEEDS, QUICK_REPEATS = 2, 3
_ENVIRONMENT = ("device", "threads", "cpu", "gpu")  # what the report gives of it, and all versions


@dataclass(frozen=True)
class Reproduction:
    """The judged claims, the exit code of the command, and the folder of the report."""

    judged: list[JudgedClaim]
    code: ExitCode
    folder: Path


def reproduce(
    claims: Claims,
    settings: RunSettings,
    listener: RunListener,
    *,
    only: Sequence[str] = (),
    seeds: int | None = None,
    quick: bool = False,
) -> Reproduction:
    """Judge the claims; write reproduction.md, .csv, .json and the figures into settings.out.

    Raises UsageError if `only` names no claim, or if the folder can't be written.
    """
    selected, figures = select_claims(claims.claims, list(only)), claims.figures
    if seeds or quick:
        count, at_most = seeds or QUICK_SEEDS, not seeds
        selected = [set_seeds(claim, count, at_most=at_most) for claim in selected]
        figures = [set_seeds(figure, count, at_most=at_most) for figure in figures]
    evidence = GatheredEvidence(settings, listener, QUICK_REPEATS if quick else REPEATS)
    run = [claim for claim in selected if not (quick and claim.long)]
    evidence.gather([measure for claim in run for measure in find_measures(claim)])
    judged = [JudgedClaim(claim, _judge(claim, evidence, quick=quick)) for claim in selected]
    drawn = list(draw_figures(figures, evidence, settings.out / "reproduction"))
    options = {"--only": ", ".join(only), "--seeds": seeds, "--quick": "yes" if quick else None}
    conditions = {key: value for key, value in options.items() if value}
    conditions |= _describe_environments(evidence.environments)
    write_atomically(settings.out / "reproduction.md", write_markdown(judged, drawn, conditions))
    write_atomically(settings.out / "reproduction.csv", write_csv(judged))
    write_atomically(settings.out / "reproduction.json", write_json(judged, conditions))
    return Reproduction(judged, _choose_exit_code(judged, evidence), settings.out)


def _judge(claim: Claim, evidence: Evidence, *, quick: bool) -> ClaimVerdict:
    """The verdict, or the reason why there is none."""
    if quick and claim.long:
        return make_not_run_verdict("skipped by --quick, which leaves out long claims")
    try:
        return claim.judge(evidence)
    except MissingEvidence as reason:
        return make_not_run_verdict(str(reason))


def _choose_exit_code(judged: list[JudgedClaim], evidence: GatheredEvidence) -> ExitCode:
    """The code of failed runs first, then of an exact claim that failed, then of missing data."""
    if evidence.failed:
        return ExitCode.RUN_FAILED
    if any(one.claim.exact and one.verdict.reproduced is Reproduced.NO for one in judged):
        return ExitCode.CONDITION_UNMET
    return ExitCode.DATA_MISSING if evidence.lacks_data else ExitCode.OK


def _describe_environments(environments: list[dict[str, Any]]) -> dict[str, Any]:
    """Machine and software of all runs and times, each distinct value once."""
    seen: dict[str, dict[str, None]] = {}
    for environment in environments:
        facts = {key: environment.get(key) for key in _ENVIRONMENT} | environment["versions"]
        for key, value in facts.items():
            seen.setdefault(key, {})[str(value)] = None
    return {
        key: " and ".join(v for v in values if v != "None") or None for key, values in seen.items()
    }
