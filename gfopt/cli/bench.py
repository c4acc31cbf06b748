"""gfopt bench: how fast each code path is here, against programs as the originals were."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gfopt.cli.options import Data, Debug, Offline, Quiet, Threads
from gfopt.errors import ExitCode


def bench(
    repeats: Annotated[int, typer.Option(min=1, help="Interleaved stretches of each way.")] = 5,
    only: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Workloads with this in their name: cat.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the document here too.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Raw values as JSON on stdout.")] = False,
    threads: Threads = None,
    data: Data = None,
    offline: Offline = False,
    quiet: Quiet = False,
    debug: Debug = False,  # noqa: ARG001 - read where errors are answered
) -> None:
    """Time each workload on the compiled and the plain path and as the original program had it.

    First the ways must agree: exit code 3 where they don't. Minutes on two cores; leave the machine
    alone meanwhile.
    """
    import json as text

    from gfopt.benchmark.command import run_bench
    from gfopt.race import Setting, data_folder, machine_of
    from gfopt.records import write_whole

    machine = machine_of(
        Setting(data=data_folder(data), threads=threads, offline=offline, device="cpu")
    )
    report = run_bench(
        machine,
        repeats,
        only,
        lambda said: None if quiet else typer.echo(f"bench: {said}", err=True),
    )
    typer.echo(text.dumps(report.values(), indent=1) if json else report.markdown())
    if out:
        write_whole(out, report.markdown())
    if not report.agrees:
        raise typer.Exit(int(ExitCode.RUN_FAILED))
