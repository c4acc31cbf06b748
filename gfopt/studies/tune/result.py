"""The plan of a tuning, the result for each optimizer, and who follows its progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.records.evaluation import Evaluation
    from gfopt.search_space import Space
    from gfopt.studies.tune.study import Trial


@dataclass(frozen=True)
class TunePlan:
    """The plan, the same for every entry."""

    trials: int
    passes: float  # budget of a run: full-data passes, forward and backward
    seeds: tuple[int, ...]  # to tune on, never seeds of the report
    seed: int  # of the search


@dataclass(frozen=True)
class TunedEntry:
    """The result of an entry's trials."""

    entry: Entry  # with the options of the best trial, and the cost of the search
    trials: list[Trial]
    best: Trial  # the first of equals: the config's own settings if nothing beats them


class TuneListener(Protocol):
    """Called when an entry's trials begin, at each evaluation, and when a trial ends."""

    def begin(self, label: str, space: Space, done: int, trials: int) -> None: ...

    def evaluate(self, label: str, number: int, evaluation: Evaluation) -> None: ...

    def end(self, label: str, trial: Trial, best: Trial) -> None: ...
