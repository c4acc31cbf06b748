"""gfopt reproduce: run what published claims need, and say what of each stands."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gfopt.cli.options import Data, Debug, Device, Memory, Offline, Out, Quiet, Threads
from gfopt.errors import ExitCode

if TYPE_CHECKING:
    from gfopt.reproduction.command import Report


def reproduce(
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Claims or systems whose name begins so; repeatable."),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="So many seeds for each claim over several."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out what takes long; at most two seeds.")
    ] = False,
    claims: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own claims, in YAML.")
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    memory: Memory = "1GiB",
    data: Data = None,
    out: Out = Path("results"),
    offline: Offline = False,
    quiet: Quiet = False,
    json: Annotated[bool, typer.Option("--json", help="The findings as JSON on stdout.")] = False,
    debug: Debug = False,  # noqa: ARG001 - read where errors are answered
) -> None:
    """Run what each published claim needs, and write the verdicts to OUT/reproduction.md.

    Finished runs are not run again. Exit code 4: a number published with its seed did not come out;
    5: data was missing, so some claims were not run.
    """
    from gfopt.cli.display import display
    from gfopt.race import Setting, data_folder, parse_memory
    from gfopt.reproduction.command import reproduce as judge
    from gfopt.reproduction.loading import PACKAGED, load_claims

    read = load_claims(claims or PACKAGED)
    size = parse_memory(memory)
    setting = Setting(out, data_folder(data), device, threads, memory=size, offline=offline)
    with display(quiet=quiet) as listener, redirect_stdout(sys.stderr):
        report = judge(read, setting, listener, only=only or (), seeds=seeds, quick=quick)
    if json:
        typer.echo((out / "reproduction.json").read_text("utf-8"), nl=False)
    else:
        _print(report)
    if not quiet:
        typer.echo(f"report: {out / 'reproduction.md'}", err=True)
    if report.code is not ExitCode.OK:
        raise typer.Exit(int(report.code))


def _print(report: Report) -> None:
    """A line a claim: what was published, what came out, both verdicts."""
    from rich.console import Console
    from rich.table import Table

    from gfopt.reproduction.document import ours, summary

    table = Table("claim", "published", "ours", "number reproduced", "claim supported", box=None)
    for finding in report.findings:
        claim, verdict = finding.claim, finding.verdict
        cells = (claim.said(), ours(verdict), str(verdict.reproduced), str(verdict.supported))
        table.add_row(claim.id, *cells)
    console = Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else 140)
    console.print(table)
    console.print(f"\n{summary(report.findings)}", soft_wrap=True)
