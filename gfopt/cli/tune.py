"""gfopt tune: search each rule's options at equal cost, then race all at the settings found."""

from __future__ import annotations

import shlex
import sys
import time
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gfopt.cli.options import (
    CodePath,
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
from gfopt.cli.run import as_values, exit_with, print_table, tell
from gfopt.errors import UsageError

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.outcomes import Row
    from gfopt.race import Setting
    from gfopt.space import Space
    from gfopt.tuning.command import Found, Plan
    from gfopt.tuning.studies import Trial

TUNING_SEEDS = "1001-1003"


def tune(
    config: Annotated[
        str, typer.Argument(metavar="[CONFIG]", help="A YAML file or a packaged config's name.")
    ] = "digits",
    trials: Annotated[int, typer.Option(min=1, help="Of each rule, its own settings first.")] = 20,
    budget: Annotated[
        float | None,
        typer.Option(
            metavar="PASSES",
            help="Full-data passes, forward and backward, that a seed of a trial may take; "
            "default: the config's, else two for each epoch of its budget.",
        ),
    ] = None,
    tuning_seeds: Annotated[
        str, typer.Option(metavar="SEEDS", help="To tune on; none of those that are reported.")
    ] = TUNING_SEEDS,
    seed: Annotated[int, typer.Option(min=0, help="Of the search itself.")] = 0,
    settings: Set = None,
    seeds: Seeds = None,
    device: Device = "auto",
    threads: Threads = None,
    memory: Memory = "1GiB",
    path: CodePath = "auto",
    timing: Timed = "auto",
    data: Data = None,
    out: Out = Path("results"),
    offline: Offline = False,
    quiet: Quiet = False,
    json: Annotated[
        bool, typer.Option("--json", help="Table, records and tuning as JSON on stdout.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Tune every rule of CONFIG: as many trials each, at the same cost; then race all as found.

    A rule is searched over what it declares (`tune:` in the config says otherwise), its first trial
    is the config's own settings. Finished trials are kept: the same command goes on after a kill.
    The settings found are a config of their own, CONFIG_tuned/config.yaml below --out.
    """
    from gfopt.race import Setting, data_folder, parse_memory
    from gfopt.tuning.command import Plan, passes_by_default, tune

    (experiment,) = load_all([config], settings, seeds)
    passes = passes_by_default(experiment) if budget is None else budget
    if passes <= 0:
        raise UsageError(f"--budget: must be > 0 (got {passes:g})")
    plan = Plan(trials, passes, _seeds(tuning_seeds), seed)
    setting = Setting(
        out,
        data_folder(data),
        device,
        threads,
        memory=parse_memory(memory),
        offline=offline,
        path=path,
        timing=timing,
    )
    lines = Lines(experiment, plan, quiet=quiet)
    with redirect_stdout(sys.stderr):  # a rule may print: stdout is for data
        found = tune(experiment, plan, setting, lines)
    command = _command(config, plan, settings, seeds)
    _report(experiment, found, plan, setting, command, quiet=quiet, json=json, debug=debug)


def _seeds(given: str) -> tuple[int, ...]:
    """The tuning seeds; UsageError where they are none."""
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


def _report(
    experiment: Experiment,
    found: list[Found],
    plan: Plan,
    setting: Setting,
    command: str,
    *,
    quiet: bool,
    json: bool,
    debug: bool,
) -> None:
    """Write config, curves and trials, race the config as `gfopt run` does, and tell the table."""
    import json as text

    from gfopt.cli.display import display
    from gfopt.race import race
    from gfopt.tuning.command import write

    settled = write(experiment, found, plan, setting.out, command)
    with display(quiet=quiet) as listener, redirect_stdout(sys.stderr):
        result = race(settled, setting, listener)
    if json:
        values = as_values(result) | {"tuning": [_values(f) for f in found]}
        typer.echo(text.dumps([values], indent=1))
    else:
        print_table(result, quiet=quiet)
    if not quiet:
        typer.echo(f"curves: {result.folder / 'tuning.png'}", err=True)
        typer.echo(f"settings: {result.folder / 'config.yaml'}", err=True)
    for failure in result.failures:
        tell(failure, debug=debug)
    exit_with([result], require_target=False)


def _values(found: Found) -> dict[str, Any]:
    """A rule's tuning for --json."""
    cost = found.entry.tuned.model_dump() if found.entry.tuned else {}
    return {"label": found.entry.label, "best": asdict(found.best)} | cost


def _command(config: str, plan: Plan, settings: list[str] | None, seeds: str | None) -> str:
    """The command line that makes the same again."""
    words = ["gfopt", "tune", config, "--trials", f"{plan.trials}", "--budget", f"{plan.passes:g}"]
    words += ["--tuning-seeds", ",".join(map(str, plan.seeds)), "--seed", f"{plan.seed}"]
    words += [word for setting in settings or [] for word in ("--set", setting)]
    return shlex.join([*words, *(["--seeds", seeds] if seeds is not None else [])])


class Lines:
    """Plain lines on stderr: each trial's end, and now and then where a long one stands."""

    EVERY = 10.0  # seconds

    def __init__(self, experiment: Experiment, plan: Plan, *, quiet: bool) -> None:
        self._plan, self._quiet, self._next = plan, quiet, time.monotonic() + self.EVERY
        self._many = plan.trials
        self._say(
            f"{experiment.name}: {plan.trials} trials of each rule, "
            f"{plan.passes:g} full-data passes a seed at most, seeds "
            f"{', '.join(map(str, plan.seeds))}; scores are shares of that budget, above 1: missed"
        )

    def begin(self, label: str, space: Space, done: int, trials: int) -> None:
        """Say what is searched."""
        self._many = trials
        over = ", ".join(space) if space else "nothing to tune: its one trial is as configured"
        self._say(f"{label}: {done} of {trials} trials finished; {over}")

    def reading(self, label: str, number: int, row: Row) -> None:
        """Say where a trial stands, every few seconds."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self.EVERY
            standing = f"epoch {row.epoch:g}, loss {row.loss:.6g}"
            self._say(f"  {label}, trial {number} of {self._many}: {standing}")

    def end(self, label: str, trial: Trial, best: Trial) -> None:
        """Say how a trial ended."""
        tried = ", ".join(f"{k}={_brief(v)}" for k, v in trial.options.items()) or "as configured"
        ended = f"{trial.score:.4g}{f' ({trial.error})' if trial.error else ''}"
        said = f"  {label}, trial {trial.number} of {self._many}: {tried}: {ended}"
        self._say(f"{said}, best {best.score:.4g}")

    def _say(self, text: str) -> None:
        if not self._quiet:
            typer.echo(text, err=True)


def _brief(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
