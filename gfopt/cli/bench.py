"""gfopt bench: the speed of each backend on this machine, next to reference programs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gfopt.cli.command import command, with_run_settings
from gfopt.cli.options import Debug, Json, Quiet
from gfopt.errors import ExitCode
from gfopt.runner.settings import RunSettings


@command(110)
@with_run_settings("threads", "data", "offline")
def bench(
    repeats: Annotated[
        int, typer.Option(min=1, help="Timed repeats of each program, interleaved.")
    ] = 5,
    only: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Only workloads with TEXT in their name, e.g. cat."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the report to this file too.")] = None,
    *,
    run_settings: RunSettings,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,  # noqa: ARG001 - read where errors are answered
) -> None:
    """Time each backend next to reference programs.

    The reference programs do the work of the original programs in NumPy. All programs must first
    agree with the plain backend: exit code 3 if they don't. Takes minutes on two cores; run nothing
    else meanwhile.
    """
    from json import dumps

    from gfopt.records.atomic import write_atomically
    from gfopt.studies.bench.report import collect_values, write_document
    from gfopt.studies.bench.run_bench import run_bench

    settings = replace(run_settings, device="cpu")
    settings.set_up_process()
    report = run_bench(
        settings,
        repeats,
        only,
        lambda name: None if quiet else typer.echo(f"bench: {name}", err=True),
    )
    document = write_document(report)
    typer.echo(dumps(collect_values(report), indent=1) if json else document)
    if out:
        write_atomically(out, document)
    if not report.agrees:
        raise typer.Exit(int(ExitCode.RUN_FAILED))
