"""gfopt reproduce: judge published claims by running what they need."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gfopt.cli.command import command, with_run_settings
from gfopt.cli.options import Debug, Json, Quiet
from gfopt.errors import ExitCode
from gfopt.runner.settings import RunSettings

if TYPE_CHECKING:
    from gfopt.studies.reproduce.run_reproduce import Reproduction


@command(50)
@with_run_settings("device", "threads", "memory", "data", "out", "offline")
def reproduce(
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Only claims whose id or system starts with NAME; repeatable."
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Number of seeds, for claims over several seeds."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Skip long claims; use at most two seeds.")
    ] = False,
    claims: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own claims, a YAML file.")
    ] = None,
    *,
    run_settings: RunSettings,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,  # noqa: ARG001 - read where errors are answered
) -> None:
    """Judge published claims by running what they need.

    The verdicts go to OUT/reproduction.md.

    Finished runs are not repeated. Exit code 4: a number published with its seed did not come out;
    5: data are missing, so some claims were not run.
    """
    from gfopt.cli.display import display
    from gfopt.studies.reproduce.loading import PACKAGED, load_claims
    from gfopt.studies.reproduce.run_reproduce import reproduce as judge

    loaded = load_claims(claims or PACKAGED)
    with display(quiet=quiet) as listener, redirect_stdout(sys.stderr):
        result = judge(loaded, run_settings, listener, only=only or (), seeds=seeds, quick=quick)
    if json:
        typer.echo((result.folder / "reproduction.json").read_text("utf-8"), nl=False)
    else:
        _print(result)
    if not quiet:
        typer.echo(f"report: {result.folder / 'reproduction.md'}", err=True)
    if result.code is not ExitCode.OK:
        raise typer.Exit(int(result.code))


def _print(result: Reproduction) -> None:
    """A line for each claim: the published number, ours, both verdicts."""
    from rich.console import Console
    from rich.table import Table

    from gfopt.studies.reproduce.document import format_ours, write_summary

    table = Table(box=None)
    for name in ("claim", "published", "ours", "number reproduced", "claim supported"):
        table.add_column(name, overflow="fold")
    for one in result.judged:
        claim, verdict = one.claim, one.verdict
        numbers = (claim.describe_published(), format_ours(verdict))
        table.add_row(claim.id, *numbers, str(verdict.reproduced), str(verdict.supported))
    console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else 140)
    console.print(table)
    console.print(f"\n{write_summary(result.judged)}", soft_wrap=True)
