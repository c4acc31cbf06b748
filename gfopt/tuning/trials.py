"""A trial: the runs of one entry with some options, over the tuning seeds. No records are left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gfopt.clock import Phase
from gfopt.errors import GfoptError
from gfopt.paths import Asked, choose
from gfopt.records import passes_of
from gfopt.runs import train_seeds
from gfopt.tuning.scores import WORST, Limits, score
from gfopt.tuning.spaces import with_options
from gfopt.tuning.studies import Trial

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment
    from gfopt.outcomes import Outcome, Row
    from gfopt.task import Task

Watch = Callable[[int, "Row"], None]


def terms_of_trials(experiment: Experiment, passes: float, seeds: int) -> Experiment:
    """The experiment as a trial runs it: to the last target, within so many full-data passes.

    The budget's seconds, which so many seeds in one batch share, are a net for what hangs: a trial
    that ends by them would end elsewhere on another machine.
    """
    seconds = seeds * experiment.budget.seconds
    budget = experiment.budget.model_copy(update={"passes": passes, "seconds": seconds})
    return replace(experiment, targets=experiment.targets[-1:], budget=budget)


@dataclass(frozen=True)
class Runner:
    """What all trials have in common."""

    experiment: Experiment  # with the terms of trials
    task: Task
    seeds: tuple[int, ...]  # tuning seeds
    device_kind: str
    path: Asked

    def trial(self, entry: Entry, number: int, options: Mapping[str, Any], watch: Watch) -> Trial:
        """Make a trial. One that raises is the worst there is; the config's own may say why not."""
        try:
            outcomes, seconds = self._runs(with_options(entry, options), watch)
        except (Exception, SystemExit) as error:
            if isinstance(error, GfoptError) and not options:
                raise
            said = f"{type(error).__name__}: {error}"
            return Trial(number, dict(options), WORST, 0.0, 0.0, 0.0, said)
        return self._told(number, options, outcomes, seconds)

    def _runs(self, entry: Entry, watch: Watch) -> tuple[list[Outcome], float]:
        """The outcomes of all seeds and their training seconds."""
        experiment = self.experiment
        path = choose(experiment, self.device_kind, self.path, (entry,)).path
        rule = entry.rule(experiment.depth)
        terms, seeds = experiment.terms(), list(self.seeds)
        outcomes, clock = train_seeds(self.task, entry, rule, path, terms, seeds, watch)
        return outcomes, clock.seconds[Phase.TRAIN]

    def _told(
        self, number: int, options: Mapping[str, Any], outcomes: list[Outcome], seconds: float
    ) -> Trial:
        """The score and the cost of runs that went through."""
        budget, samples = self.experiment.budget, self.task.train.samples
        assert budget.passes
        limits = Limits(budget.epochs, budget.passes, samples)
        last = [outcome.history[-1] for outcome in outcomes]
        passes = [passes_of(row) for row in last]
        counted = [p for p in passes if p is not None]
        return Trial(
            number,
            dict(options),
            score(outcomes, self.experiment.targets[-1], limits),
            sum(max(row.epoch, 0) for row in last),
            sum(counted) / samples if len(counted) == len(passes) else None,
            seconds,
        )
