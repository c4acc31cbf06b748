"""The progress of runs and of trials on stderr.

Runs have a live line each on a terminal, and plain lines elsewhere; trials have plain lines.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import Progress, TaskID, TextColumn
from rich.table import Column

from gfopt.records.record import Record
from gfopt.runner.listener import RunListener, Silent

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.records.evaluation import Evaluation
    from gfopt.runner.execute import Failure
    from gfopt.runner.plan import Run
    from gfopt.search_space import Space
    from gfopt.studies.tune.result import TunePlan
    from gfopt.studies.tune.study import Trial

LIVE_EVERY, PLAIN_EVERY = 0.2, 10.0  # seconds between two refreshes


@contextmanager
def display(*, quiet: bool) -> Iterator[RunListener]:
    """A listener for one experiment; gfopt's messages (downloads) are printed beside it."""
    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    if quiet:
        yield Silent()
        return
    with _print_log(console):
        if not console.is_terminal:
            yield PlainLines(console)
            return
        columns = (
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.fields[progress]}", markup=False, table_column=Column(no_wrap=True)),
        )
        with Progress(*columns, console=console, auto_refresh=False) as progress:
            yield LiveLines(progress)


class Throttle:
    """Lets something through at most once in so many seconds."""

    def __init__(self, every: float, *, first: bool = False) -> None:
        """`first`: let it through at once, and then only so often."""
        self._every, self._next = every, time.monotonic() + (0.0 if first else every)

    def is_due(self) -> bool:
        """Whether enough time has passed since it last was due."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self._every
        return True


class PlainLines:
    """Plain lines: the start, each end, and now and then the progress of a long run."""

    def __init__(self, console: Console) -> None:
        self._console, self._throttle = console, Throttle(PLAIN_EVERY)

    def begin(self, experiment: Experiment, due: list[Run], cached: int) -> None:
        """Print what there is to do."""
        self._experiment = experiment
        self._console.print(describe_work(experiment, due, cached))

    def evaluate(self, run: Run, evaluation: Evaluation) -> None:
        """Print the run's progress, every few seconds."""
        if self._throttle.is_due():
            progress = ", ".join(_describe_progress(self._experiment, evaluation))
            self._console.print(f"  {run.entry.label} seed {run.seed}: {progress}")

    def end(self, ended: Record | Failure) -> None:
        """Print how the run ended."""
        self._console.print(f"  {_describe_end(ended)}")


class LiveLines:
    """A line per run, refreshed only at evaluations: no thread runs beside the training."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._throttle = progress, Throttle(LIVE_EVERY, first=True)
        self._tasks: dict[str, TaskID] = {}

    def begin(self, experiment: Experiment, due: list[Run], cached: int) -> None:
        """Print what there is to do."""
        self._experiment = experiment
        self._progress.console.print(describe_work(experiment, due, cached))

    def evaluate(self, run: Run, evaluation: Evaluation) -> None:
        """Update the run's line, a few times a second."""
        self._id = run.id
        if run.id not in self._tasks:
            name = f"{run.entry.label} seed {run.seed}"
            self._tasks[run.id] = self._progress.add_task(name, progress="")
        if self._throttle.is_due():
            progress = "  ".join(_describe_progress(self._experiment, evaluation))
            self._progress.update(self._tasks[run.id], progress=progress, refresh=True)

    def end(self, ended: Record | Failure) -> None:
        """Replace the run's line by how it ended."""
        task = self._tasks.pop(getattr(self, "_id", ""), None)
        if task is not None:
            self._progress.remove_task(task)
        self._progress.console.print(_describe_end(ended))
        self._progress.refresh()


class TuneLines:
    """Plain lines on stderr: the end of each trial, and now and then the progress of a long one."""

    def __init__(self, experiment: Experiment, plan: TunePlan, *, quiet: bool) -> None:
        self._quiet, self._throttle, self._trials = quiet, Throttle(PLAIN_EVERY), plan.trials
        self._print(
            f"{experiment.name}: {plan.trials} trials per optimizer, at most {plan.passes:g} "
            f"full-data passes per seed, tuning seeds {', '.join(map(str, plan.seeds))}\n"
            "  score: cost to the target as a share of that budget; above 1: not reached"
        )

    def begin(self, label: str, space: Space, done: int, trials: int) -> None:
        """Print the search space, and how many trials are cached."""
        self._trials = trials
        over = (
            f"tuned: {', '.join(space)}" if space else "nothing to tune: one trial, as configured"
        )
        self._print(f"{label}: {done} of {trials} trials cached; {over}")

    def evaluate(self, label: str, number: int, evaluation: Evaluation) -> None:
        """Print the trial's progress, every few seconds."""
        if self._throttle.is_due():
            progress = f"epoch {evaluation.epoch:g}, loss {evaluation.loss:.6g}"
            self._print(f"  {label}, trial {number} of {self._trials}: {progress}")

    def end(self, label: str, trial: Trial, best: Trial) -> None:
        """Print the trial's options and score, and the best score so far."""
        options = ", ".join(f"{k}={_format_option(v)}" for k, v in trial.options.items())
        error = f" ({trial.error})" if trial.error else ""
        self._print(
            f"  {label}, trial {trial.number} of {self._trials}: {options or 'as configured'}: "
            f"score {trial.score:.4g}{error}, best {best.score:.4g}"
        )

    def _print(self, text: str) -> None:
        if not self._quiet:
            typer.echo(text, err=True)


def describe_work(experiment: Experiment, due: list[Run], cached: int) -> str:
    """How many runs there are to do, and which of the user's files they execute."""
    if not due:
        hint = "nothing to run (`gfopt run --force` repeats all)"
        return f"{experiment.name}: all {cached} runs are cached, {hint}"
    files = sorted({str(run.entry.file) for run in due if run.entry.file})
    lines = [f"{experiment.name}: {len(due)} to run, {cached} cached"]
    return "\n".join([*lines, *(f"  runs your file {file}" for file in files)])


def _describe_progress(experiment: Experiment, evaluation: Evaluation) -> list[str]:
    """Epoch, loss, distance to the target, seconds and, within the budget, the time left."""
    parts = [f"epoch {evaluation.epoch:g}", f"loss {evaluation.loss:.6g}"]
    targets, budget = experiment.targets, experiment.budget
    if targets and (now := evaluation.value(targets[-1].metric)) is not None:
        parts.append(f"{abs(now - targets[-1].value):.3g} to {targets[-1]}")
    parts.append(f"{evaluation.seconds:.1f} s")
    if evaluation.epoch > 0:
        left = min(
            (budget.epochs - evaluation.epoch) * evaluation.seconds / evaluation.epoch,
            budget.seconds - evaluation.seconds,
        )
        parts.append(f"at most {max(left, 0):.0f} s to go")
    return parts


def _describe_end(ended: Record | Failure) -> str:
    """How a run ended, in a line."""
    if not isinstance(ended, Record):
        return f"failed: {ended.message}"
    again = " (repeated, for the timing noise)" if ended.repeat > 1 else ""
    name = f"{ended.label} seed {ended.seed}{again}"
    return f"{name}: {ended.describe_end()}, {ended.seconds:.3g} s, loss {ended.loss:.6g}"


def _format_option(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


@contextmanager
def _print_log(console: Console) -> Iterator[None]:
    """Print gfopt's log messages on stderr, line by line."""

    class ToConsole(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            console.print(record.getMessage(), markup=False)

    log, handler = logging.getLogger("gfopt"), ToConsole()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
