"""gfopt run: run each config, skipping finished runs, and print its table."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gfopt.cli.command import command, with_run_settings
from gfopt.cli.options import Configs, Debug, Quiet, Seeds, Set, load_all
from gfopt.errors import ExitCode, UsageError
from gfopt.runner.settings import RunSettings

if TYPE_CHECKING:
    from gfopt.api import Result
    from gfopt.runner.execute import Failure


@command(10)
@with_run_settings(
    "device",
    "threads",
    "memory",
    "backend",
    "path",
    "timing",
    "data",
    "out",
    "force",
    "fail_fast",
    "offline",
)
def run(
    configs: Configs = None,
    settings: Set = None,
    seeds: Seeds = None,
    require_target: Annotated[
        bool,
        typer.Option(
            "--require-target",
            help="Exit with 4 unless every run except controls reaches the target.",
        ),
    ] = False,
    *,
    run_settings: RunSettings,
    quiet: Quiet = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print tables and records as JSON on stdout.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Run each CONFIG, skipping finished runs.

    Prints the table of each experiment on stdout, progress and messages on stderr. CONFIG is a
    YAML file or the name of a packaged config (`gfopt list configs`). Default: digits.
    """
    from gfopt.api import run_experiment
    from gfopt.cli.display import display

    experiments = load_all(configs, settings, seeds)
    without_target = [e.name for e in experiments if not e.targets]
    if require_target and without_target:
        raise UsageError(
            f"--require-target: {', '.join(without_target)} has no target: add `target:` to the "
            "config, or remove the option"
        )
    results = []
    for experiment in experiments:
        # an optimizer may print: stdout is for tables
        with display(quiet=quiet) as listener, redirect_stdout(sys.stderr):
            results.append(run_experiment(experiment, run_settings, listener))
        if not json:
            print_table(results[-1], quiet=quiet)
        for failure in results[-1].failures:
            print_failure(failure, debug=debug)
        if run_settings.fail_fast and results[-1].failures:
            break
    if json:
        import json as text

        typer.echo(text.dumps([to_values(result) for result in results], indent=1))
    exit_with(results, require_target=require_target)


def print_table(result: Result, *, quiet: bool) -> None:
    """Print the table on stdout and the paths of its files on stderr."""
    from gfopt.report.terminal import show

    if result.records:
        show(result.table)
    if result.records and not quiet:
        typer.echo(
            f"table: {result.folder / 'table.md'}   picture: {result.folder / 'curves.png'}",
            err=True,
        )


def print_failure(failure: Failure, *, debug: bool) -> None:
    """Print the error of a failed run, with its traceback if `debug`."""
    typer.echo(f"error: {failure.message}", err=True)
    if debug:
        typer.echo(failure.trace, err=True)


def to_values(result: Result) -> dict[str, Any]:
    """An experiment for --json: name, table, records and failures."""
    import json

    from gfopt.report.formats import formats

    return {
        "experiment": result.experiment.name,
        "table": json.loads(formats["json"](result.table)),
        "records": [json.loads(record.model_dump_json()) for record in result.records],
        "failed": [failure.message for failure in result.failures],
    }


def exit_with(results: list[Result], *, require_target: bool) -> None:
    """Exit with 3 if a run failed, with 4 if a required target wasn't reached; else return."""
    if any(result.failures for result in results):
        raise typer.Exit(int(ExitCode.RUN_FAILED))
    records = [r for result in results for r in result.records if not r.control_of]
    missed = [r for r in records if not r.reached]
    if require_target and missed:
        names = ", ".join(f"{r.label} seed {r.seed} ({r.status})" for r in missed)
        typer.echo(f"--require-target: target not reached by {names}", err=True)
        raise typer.Exit(int(ExitCode.CONDITION_UNMET))
