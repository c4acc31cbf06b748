"""Run a trial: one entry with some options, over the tuning seeds. It leaves no records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gfopt.engine.clock import Phase
from gfopt.errors import GfoptError
from gfopt.runner.backend_choice import choose_backend
from gfopt.runner.train import train_seeds
from gfopt.studies.tune.scores import WORST_SCORE, Limits, score
from gfopt.studies.tune.spaces import replace_options
from gfopt.studies.tune.study import Trial

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment
    from gfopt.engine.outcome import Outcome
    from gfopt.engine.task import Task
    from gfopt.records.evaluation import Evaluation

Watch = Callable[[int, "Evaluation"], None]


def limit_to_trials(experiment: Experiment, passes: float, seeds: int) -> Experiment:
    """The experiment as a trial runs it: to the last target, within so many full-data passes.

    The budget of seconds, which vectorized seeds share, only stops a trial that hangs: a trial that
    it ended would end elsewhere on another machine.
    """
    seconds = seeds * experiment.budget.seconds
    budget = experiment.budget.model_copy(update={"passes": passes, "seconds": seconds})
    return replace(experiment, targets=experiment.targets[-1:], budget=budget)


@dataclass(frozen=True)
class TrialRunner:
    """Runs trials, with all that they have in common."""

    experiment: Experiment  # as limit_to_trials makes it
    task: Task
    seeds: tuple[int, ...]  # tuning seeds
    device_kind: str
    backend: str  # as asked for

    def run_trial(
        self, entry: Entry, number: int, options: Mapping[str, Any], watch: Watch
    ) -> Trial:
        """Run a trial. One that raises has the worst score.

        Raises GfoptError if the config's own settings can't run, since tuning is pointless then.
        """
        try:
            outcomes, seconds = self._train(replace_options(entry, options), watch)
        except (Exception, SystemExit) as error:
            if isinstance(error, GfoptError) and not options:
                raise
            message = f"{type(error).__name__}: {error}"
            return Trial(number, dict(options), WORST_SCORE, 0.0, 0.0, 0.0, message)
        budget, samples = self.experiment.budget, self.task.train.samples
        assert budget.passes
        limits = Limits(budget.epochs, budget.passes, samples)
        last = [outcome.history[-1] for outcome in outcomes]
        counted = [evaluation.passes for evaluation in last if evaluation.passes is not None]
        return Trial(
            number,
            dict(options),
            score(outcomes, self.experiment.targets[-1], limits),
            sum(max(evaluation.epoch, 0) for evaluation in last),
            sum(counted) / samples if len(counted) == len(last) else None,
            seconds,
        )

    def _train(self, entry: Entry, watch: Watch) -> tuple[list[Outcome], float]:
        """The outcomes of all seeds, and their training seconds."""
        experiment = self.experiment
        backend = choose_backend(experiment, self.device_kind, self.backend, entry).backend
        optimizer = entry.make_optimizer(experiment.depth)
        terms, seeds = experiment.terms(), list(self.seeds)
        outcomes, clock = train_seeds(self.task, entry, optimizer, backend, terms, seeds, watch)
        return outcomes, clock.seconds[Phase.TRAIN]
