"""gfopt tune: tune each optimizer at equal cost, then run all with the settings found."""

from __future__ import annotations

import shlex
import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gfopt.cli.command import command, with_run_settings
from gfopt.cli.options import (
    Debug,
    Quiet,
    Seeds,
    Set,
    load_all,
)
from gfopt.cli.run import exit_with, print_failure, print_table, to_values
from gfopt.errors import UsageError
from gfopt.runner.settings import RunSettings

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.studies.tune.result import TunedEntry, TunePlan

TUNING_SEEDS = "1001-1003"


@command(30)
@with_run_settings(
    "device", "threads", "memory", "backend", "path", "timing", "data", "out", "offline"
)
def tune(
    config: Annotated[
        str, typer.Argument(metavar="[CONFIG]", help="A YAML file or a packaged config's name.")
    ] = "digits",
    trials: Annotated[
        int,
        typer.Option(min=1, help="Trials per optimizer; the first uses the config's own settings."),
    ] = 20,
    budget: Annotated[
        float | None,
        typer.Option(
            metavar="PASSES",
            help="Full-data passes, forward + backward, per seed of a trial; default: the "
            "config's budget of passes, else two per epoch of its budget.",
        ),
    ] = None,
    tuning_seeds: Annotated[
        str, typer.Option(metavar="SEEDS", help="Seeds to tune on; none of the config's.")
    ] = TUNING_SEEDS,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the search itself.")] = 0,
    settings: Set = None,
    seeds: Seeds = None,
    *,
    run_settings: RunSettings,
    quiet: Quiet = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print table, records and tuning as JSON.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Tune all optimizers of CONFIG at equal cost.

    Then run all of them with the tuned settings.

    The search space is the one that an optimizer declares, or the ranges under `tune:` in the
    config. Finished trials are kept: repeat the command to continue an interrupted tuning. The
    settings found are written to CONFIG_tuned/config.yaml below --out.
    """
    from gfopt.cli.display import TuneLines
    from gfopt.studies.tune.result import TunePlan
    from gfopt.studies.tune.run_tune import find_default_passes, tune

    (experiment,) = load_all([config], settings, seeds)
    passes = find_default_passes(experiment) if budget is None else budget
    if passes <= 0:
        raise UsageError(f"--budget: must be > 0 (got {passes:g})")
    plan = TunePlan(trials, passes, _parse_tuning_seeds(tuning_seeds), seed)
    lines = TuneLines(experiment, plan, quiet=quiet)
    with redirect_stdout(sys.stderr):  # an optimizer may print: stdout is for data
        tuned = tune(experiment, plan, run_settings, lines)
    command = _format_command(config, plan, settings, seeds)
    _run_tuned(experiment, tuned, plan, run_settings, command, quiet=quiet, json=json, debug=debug)


def _parse_tuning_seeds(given: str) -> tuple[int, ...]:
    """The tuning seeds. Raises UsageError if they can't be read."""
    from pydantic import TypeAdapter, ValidationError

    from gfopt.config.schema import Seed, parse_seeds

    try:
        found = TypeAdapter(tuple[Seed, ...]).validate_python(parse_seeds(given))
    except ValidationError as error:
        raise UsageError(f"--tuning-seeds: {error.errors()[0]['msg']} (got {given!r})") from error
    except ValueError as error:
        raise UsageError(f"--tuning-seeds: {error}") from error
    if len(set(found)) < len(found):
        raise UsageError(f"--tuning-seeds: seeds must differ (got {given!r})")
    return found


def _run_tuned(
    experiment: Experiment,
    tuned: list[TunedEntry],
    plan: TunePlan,
    run_settings: RunSettings,
    command: str,
    *,
    quiet: bool,
    json: bool,
    debug: bool,
) -> None:
    """Write config, curves and trials; run the config as `gfopt run` does; print its table."""
    import json as text

    from gfopt.api import run_experiment
    from gfopt.cli.display import display
    from gfopt.studies.tune.run_tune import write_results

    written = write_results(experiment, tuned, plan, run_settings.out, command)
    with display(quiet=quiet) as listener, redirect_stdout(sys.stderr):
        result = run_experiment(written, run_settings, listener)
    if json:
        values = to_values(result) | {"tuning": [_describe_tuning(found) for found in tuned]}
        typer.echo(text.dumps([values], indent=1))
    else:
        print_table(result, quiet=quiet)
    if not quiet:
        typer.echo(f"curves: {result.folder / 'tuning.png'}", err=True)
        typer.echo(f"settings: {result.folder / 'config.yaml'}", err=True)
    for failure in result.failures:
        print_failure(failure, debug=debug)
    exit_with([result], require_target=False)


def _describe_tuning(result: TunedEntry) -> dict[str, Any]:
    """The tuning of an optimizer for --json."""
    cost = result.entry.tuned.model_dump() if result.entry.tuned else {}
    return {"label": result.entry.label, "best": asdict(result.best)} | cost


def _format_command(
    config: str, plan: TunePlan, settings: list[str] | None, seeds: str | None
) -> str:
    """The command line that gives the same result again."""
    words = ["gfopt", "tune", config, "--trials", f"{plan.trials}", "--budget", f"{plan.passes:g}"]
    words += ["--tuning-seeds", ",".join(map(str, plan.seeds)), "--seed", f"{plan.seed}"]
    words += [word for change in settings or [] for word in ("--set", change)]
    return shlex.join([*words, *(["--seeds", seeds] if seeds is not None else [])])
