"""gfopt check: check an optimizer against the optimizer contract."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated

import typer

from gfopt.cli.command import command
from gfopt.cli.options import Debug
from gfopt.errors import ExitCode

if TYPE_CHECKING:
    from gfopt.studies.check.base import CheckResult

_MARKS = {True: "ok", False: "FAIL", None: "--"}


@command(60)
def check(
    optimizer: Annotated[
        str,
        typer.Argument(metavar="OPTIMIZER", help="A file, my_optimizer.py, or a registered name."),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set a hyperparameter: lr=0.1"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print results as JSON on stdout.")] = False,
    debug: Debug = False,
) -> None:
    """Check an optimizer against the optimizer contract.

    This includes what the optimizer declares of itself, such as gradient_free. Prints a line per
    check: ok, FAIL with the fault, or -- if skipped. Exit code 4 if a check fails. Needs no data
    and takes seconds.
    """
    from gfopt.studies.check.run_check import load_optimizer_under_test, run_checks

    results = []
    with redirect_stdout(sys.stderr):  # an optimizer may print: stdout is for results
        for result in run_checks(load_optimizer_under_test(optimizer, settings or [])):
            results.append(result)
            if debug and result.trace:
                typer.echo(result.trace, err=True)
    if json:
        typer.echo(_format_json(results))
    else:
        lines = [*map(_format_line, results), f"{optimizer}: {_summarize(results)}"]
        typer.echo("\n".join(lines))
    if any(result.passed is False for result in results):
        raise typer.Exit(int(ExitCode.CONDITION_UNMET))


def _format_line(result: CheckResult) -> str:
    line = f"{_MARKS[result.passed]:<4}  {result.check}"
    if not result.sentence:
        return line
    return f"{line} ({result.sentence})" if result.passed else f"{line}: {result.sentence}"


def _summarize(results: list[CheckResult]) -> str:
    """The counts, such as "1 failed, 8 passed, 2 skipped"."""
    counts = {
        "failed": sum(result.passed is False for result in results),
        "passed": sum(result.passed is True for result in results),
        "skipped": sum(result.passed is None for result in results),
    }
    return ", ".join(f"{n} {word}" for word, n in counts.items() if n or word == "passed")


def _format_json(results: list[CheckResult]) -> str:
    import json

    return json.dumps(
        [{"check": r.check, "holds": r.passed, "sentence": r.sentence} for r in results], indent=1
    )
