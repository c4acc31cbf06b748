"""A race: run an experiment, skipping cached runs. Other modules make tables and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gfopt.errors import UsageError
from gfopt.records.atomic import write_atomically
from gfopt.records.record import Record
from gfopt.runner.execute import Failure, execute
from gfopt.runner.plan import Run, order_records, plan_runs

if TYPE_CHECKING:
    from pathlib import Path

    from gfopt.config.experiment import Experiment
    from gfopt.runner.listener import RunListener
    from gfopt.runner.settings import RunSettings


class Race:
    """An experiment's runs: cached and due ones, and their records.

    `repeat_first`: the first optimizer runs twice if seconds are compared, for the timing noise.
    Raises UsageError if the folder of results can't be written.
    """

    def __init__(
        self, experiment: Experiment, settings: RunSettings, *, repeat_first: bool = True
    ) -> None:
        self.experiment, self.settings = experiment, settings
        self.folder = settings.out / experiment.name
        _check_writable(self.folder)
        self.runs = plan_runs(experiment, settings, repeat_first=repeat_first)
        self.due = [run for run in self.runs if settings.force or not run.record]
        self.failures: list[Failure] = []
        self._records = {_make_key(run): run.record for run in self.runs if run.record}

    def run(self, listener: RunListener) -> None:
        """Train the runs that are due, in order. If this is interrupted, finished runs are kept."""
        listener.begin(self.experiment, self.due, len(self.runs) - len(self.due))
        if not self.due:
            return  # without loading torch
        for ended in execute(self.experiment, self.due, self.settings, listener.evaluate):
            listener.end(ended)
            if isinstance(ended, Record):
                self._records[ended.label, ended.seed, ended.repeat] = ended
            else:
                self.failures.append(ended)
                self._records.pop(_make_key(ended.run), None)
            if self.failures and self.settings.fail_fast:
                break

    @property
    def records(self) -> list[Record]:
        """The records so far in order of optimizers and seeds, with repeats."""
        return order_records(self.experiment, self._records.values())


def _make_key(run: Run) -> tuple[str, int, int]:
    return run.entry.label, run.seed, run.repeat


def _check_writable(folder: Path) -> None:
    """Make the folder now, so that no long run fails when it is written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / ".writable", "")
        (folder / ".writable").unlink()
    except OSError as error:
        raise UsageError(f"--out: can't write to {folder}: {error.strerror}") from error
