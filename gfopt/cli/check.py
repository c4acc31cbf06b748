"""gfopt check: a rule's manners before a race."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated

import typer

from gfopt.cli.options import Debug
from gfopt.errors import ExitCode

if TYPE_CHECKING:
    from gfopt.checking.base import Verdict

_MARKS = {True: "ok", False: "FAIL", None: "--"}


def check(
    rule: Annotated[
        str, typer.Argument(metavar="RULE", help="A file, my_rule.py, or a rule's name.")
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="An option of the rule: lr=0.1"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Verdicts as JSON on stdout.")] = False,
    debug: Debug = False,
) -> None:
    """Say whether RULE keeps what rules promise and what it claims, from small made problems.

    A line a check: ok, FAIL with what is wrong, or -- where a check couldn't be made. Exit code 4
    if one fails. Needs no data; takes seconds.
    """
    from gfopt.checking.command import subject_of, verdicts

    found = []
    with redirect_stdout(sys.stderr):  # a rule may print: stdout is for verdicts
        subject = subject_of(rule, settings or [])
        for verdict in verdicts(subject):
            found.append(verdict)
            if debug and verdict.trace:
                typer.echo(verdict.trace, err=True)
    typer.echo(_json(found) if json else "\n".join([*map(_line, found), _summary(rule, found)]))
    if any(verdict.holds is False for verdict in found):
        raise typer.Exit(int(ExitCode.CONDITION_UNMET))


def _line(verdict: Verdict) -> str:
    said = f"{_MARKS[verdict.holds]:<4}  {verdict.check}"
    if not verdict.sentence:
        return said
    return f"{said} ({verdict.sentence})" if verdict.holds else f"{said}: {verdict.sentence}"


def _summary(rule: str, found: list[Verdict]) -> str:
    """How many of the checks that were made hold."""
    made = [verdict for verdict in found if verdict.holds is not None]
    failed = sum(not verdict.holds for verdict in made)
    said = f"{failed} of {len(made)} checks failed" if failed else f"all {len(made)} checks hold"
    left = len(found) - len(made)
    return f"{rule}: {said}" + (f", {left} not made" if left else "")


def _json(found: list[Verdict]) -> str:
    import json

    keys = ("check", "holds", "sentence")
    return json.dumps([{key: getattr(v, key) for key in keys} for v in found], indent=1)
