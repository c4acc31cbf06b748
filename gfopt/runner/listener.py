"""Listeners: what follows the progress of an experiment's runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.records.evaluation import Evaluation
    from gfopt.records.record import Record
    from gfopt.runner.execute import Failure
    from gfopt.runner.plan import Run


class RunListener(Protocol):
    """Gets a call when the runs begin, at each evaluation, and when a run ends."""

    def begin(self, experiment: Experiment, due: list[Run], cached: int) -> None: ...

    def evaluate(self, run: Run, evaluation: Evaluation) -> None: ...

    def end(self, ended: Record | Failure) -> None: ...


class Silent:
    """A listener that ignores every event."""

    def begin(self, experiment: Experiment, due: list[Run], cached: int) -> None:
        """Ignore the event."""

    def evaluate(self, run: Run, evaluation: Evaluation) -> None:
        """Ignore the event."""

    def end(self, ended: Record | Failure) -> None:
        """Ignore the event."""
