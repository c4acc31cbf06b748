"""gfopt run: run what is missing of each config, and print its table."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gfopt.cli.options import (
    CodePath,
    Configs,
    Data,
    Debug,
    Device,
    Memory,
    Offline,
    Out,
    Quiet,
    Seeds,
    Set,
    Threads,
    Timed,
    load_all,
)
from gfopt.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from gfopt.race import Result
    from gfopt.runs import Failure


def run(
    configs: Configs = None,
    settings: Set = None,
    seeds: Seeds = None,
    device: Device = "auto",
    threads: Threads = None,
    memory: Memory = "1GiB",
    path: CodePath = "auto",
    timing: Timed = "auto",
    data: Data = None,
    out: Out = Path("results"),
    force: Annotated[bool, typer.Option("--force", help="Run all again, finished or not.")] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first run that fails.")
    ] = False,
    require_target: Annotated[
        bool,
        typer.Option(
            "--require-target", help="Exit with 4 unless every run but controls' reaches it."
        ),
    ] = False,
    offline: Offline = False,
    quiet: Quiet = False,
    json: Annotated[
        bool, typer.Option("--json", help="Tables and records as JSON on stdout.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Run what is missing of each CONFIG (default: the digits race), then print the table.

    CONFIG is a YAML file or the name of a packaged config (`gfopt list configs`). Finished runs are
    not run again. Data go to stdout, progress and messages to stderr.
    """
    from gfopt.cli.display import display
    from gfopt.race import Setting, data_folder, parse_memory, race

    experiments = load_all(configs, settings, seeds)
    aimless = [e.name for e in experiments if require_target and not e.targets]
    if aimless:
        raise UsageError(f"--require-target: {', '.join(aimless)} has no target")
    setting = Setting(
        out,
        data_folder(data),
        device,
        threads,
        memory=parse_memory(memory),
        offline=offline,
        force=force,
        fail_fast=fail_fast,
        path=path,
        timing=timing,
    )
    results = []
    for experiment in experiments:
        # a rule may print: stdout is for data
        with display(quiet=quiet) as listener, redirect_stdout(sys.stderr):
            results.append(race(experiment, setting, listener))
        if not json:
            print_table(results[-1], quiet=quiet)
        for failure in results[-1].failures:
            tell(failure, debug=debug)
        if fail_fast and results[-1].failures:
            break
    if json:
        import json as text

        typer.echo(text.dumps([as_values(result) for result in results], indent=1))
    exit_with(results, require_target=require_target)


def print_table(result: Result, *, quiet: bool) -> None:
    """The table on stdout; where it lies on stderr."""
    from gfopt.terminal import show

    if result.records:
        show(result.table)
    if result.records and not quiet:
        typer.echo(
            f"table: {result.folder / 'table.md'}   picture: {result.folder / 'curves.png'}",
            err=True,
        )


def tell(failure: Failure, *, debug: bool) -> None:
    """A failed run once more, after the table, where it isn't overlooked."""
    typer.echo(f"error: {failure.message}", err=True)
    if debug:
        typer.echo(failure.trace, err=True)


def as_values(result: Result) -> dict[str, Any]:
    """An experiment for --json: name, table and records."""
    import json

    from gfopt.formats import formats

    return {
        "experiment": result.experiment.name,
        "table": json.loads(formats["json"](result.table)),
        "records": [json.loads(record.model_dump_json()) for record in result.records],
        "failed": [failure.message for failure in result.failures],
    }


def exit_with(results: list[Result], *, require_target: bool) -> None:
    """The exit code: failed runs first, then what was asked for."""
    if any(result.failures for result in results):
        raise typer.Exit(int(ExitCode.RUN_FAILED))
    records = [r for result in results for r in result.records if not r.control_of]
    missed = [r for r in records if not r.reached]
    if require_target and missed:
        names = ", ".join(f"{r.label} seed {r.seed} ({r.status})" for r in missed)
        typer.echo(f"--require-target: the target was not reached by {names}", err=True)
        raise typer.Exit(int(ExitCode.CONDITION_UNMET))
