"""How a race shows itself on stderr: a live line a run on a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, TaskID, TextColumn
from rich.table import Column

from gfopt.race import Listener, Silence
from gfopt.records import Record

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.outcomes import Row
    from gfopt.plans import Run
    from gfopt.runs import Failure

LIVE_EVERY, PLAIN_EVERY = 0.2, 10.0  # seconds between two refreshes


@contextmanager
def display(*, quiet: bool) -> Iterator[Listener]:
    """A listener for one race; gfopt's messages (downloads) come out beside it."""
    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    if quiet:
        yield Silence()
        return
    with _messages(console):
        if not console.is_terminal:
            yield Lines(console)
            return
        with Progress(*_columns(), console=console, auto_refresh=False) as progress:
            yield Live(progress)


class Lines:
    """Plain lines: the start, each end, and now and then where a long run stands."""

    def __init__(self, console: Console) -> None:
        self._console, self._next = console, time.monotonic() + PLAIN_EVERY

    def begin(self, experiment: Experiment, due: list[Run], done: int) -> None:
        """Say what there is to do."""
        self._experiment = experiment
        self._console.print(opening(experiment, due, done))

    def reading(self, run: Run, row: Row) -> None:
        """Say where the run stands, every few seconds."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PLAIN_EVERY
            parts = _standing(self._experiment, row)
            self._console.print(f"  {run.entry.label} seed {run.seed}: {', '.join(parts.values())}")

    def end(self, ended: Record | Failure) -> None:
        """Say how the run ended."""
        self._console.print(f"  {_ending(ended)}")


class Live:
    """A line a run, refreshed between readings only, so that no thread runs beside the training."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._next = progress, 0.0
        self._tasks: dict[str, TaskID] = {}

    def begin(self, experiment: Experiment, due: list[Run], done: int) -> None:
        """Say what there is to do."""
        self._experiment = experiment
        self._progress.console.print(opening(experiment, due, done))

    def reading(self, run: Run, row: Row) -> None:
        """Bring the run's line up to date, a few times a second."""
        self._id = run.id
        if run.id not in self._tasks:
            name = f"{run.entry.label} seed {run.seed}"
            self._tasks[run.id] = self._progress.add_task(name, standing="")
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LIVE_EVERY
            standing = "  ".join(_standing(self._experiment, row).values())
            self._progress.update(self._tasks[run.id], standing=standing, refresh=True)

    def end(self, ended: Record | Failure) -> None:
        """Leave how the run ended in place of its line."""
        task = self._tasks.pop(getattr(self, "_id", ""), None)
        if task is not None:
            self._progress.remove_task(task)
        self._progress.console.print(_ending(ended))
        self._progress.refresh()


def opening(experiment: Experiment, due: list[Run], done: int) -> str:
    """What there is to do, and which files of the user's will run."""
    if not due:
        said = f"all {done} runs are finished, nothing to run (--force runs them again)"
        return f"{experiment.name}: {said}"
    said = f"{experiment.name}: {len(due)} to run, {done} finished"
    files = sorted({str(run.entry.file) for run in due if run.entry.file})
    return "\n".join([said, *(f"  runs your file {file}" for file in files)])


def _standing(experiment: Experiment, row: Row) -> dict[str, str]:
    """Epoch, loss, distance to target, seconds and, within the budget, time to go."""
    parts = {"epoch": f"epoch {row.epoch:g}", "loss": f"loss {row.loss:.6g}"}
    targets, budget = experiment.targets, experiment.budget
    if targets and (now := row.value(targets[-1].metric)) is not None:
        parts["distance"] = f"{abs(now - targets[-1].value):.3g} to {targets[-1]}"
    parts["seconds"] = f"{row.seconds:.1f} s"
    if row.epoch > 0:
        left = min(
            (budget.epochs - row.epoch) * row.seconds / row.epoch, budget.seconds - row.seconds
        )
        parts["to go"] = f"at most {max(left, 0):.0f} s to go"
    return parts


def _ending(ended: Record | Failure) -> str:
    """How a run ended, in a line."""
    if not isinstance(ended, Record):
        return f"failed: {ended.message}"
    name = f"{ended.label} seed {ended.seed}"
    cost = f"{ended.epochs:g} epochs, {ended.seconds:.3g} s"
    return f"{name}: {ended.status} after {cost}, loss {ended.loss:.6g}"


def _columns() -> tuple[TextColumn, TextColumn]:
    return (
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[standing]}", markup=False, table_column=Column(no_wrap=True)),
    )


@contextmanager
def _messages(console: Console) -> Iterator[None]:
    """gfopt's log, line by line, on stderr."""

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
