"""gfopt tune: the trials of each entry of a config, then a config with the best settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfopt.config.entries import Tuned
from gfopt.config.packaged_configs import load_config
from gfopt.errors import UsageError
from gfopt.records.atomic import write_atomically
from gfopt.runner.backend_choice import choose_backend
from gfopt.runner.identity import digest, identify
from gfopt.runner.sources import digest_sources
from gfopt.runner.train import make_task
from gfopt.studies.tune import scores
from gfopt.studies.tune.curves import draw_curves, write_tables
from gfopt.studies.tune.result import TunedEntry, TuneListener, TunePlan
from gfopt.studies.tune.searches import merge_searches
from gfopt.studies.tune.spaces import expand_option, find_spaces, replace_options
from gfopt.studies.tune.study import Study, Trial, open_storage, require_optuna
from gfopt.studies.tune.trial_runner import TrialRunner, limit_to_trials
from gfopt.studies.tune.tuned_config import format_config

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment
    from gfopt.optimizers.base import Optimizer
    from gfopt.runner.settings import RunSettings
    from gfopt.search_space import Space

FILE = "tuning.sqlite3"


def find_default_passes(experiment: Experiment) -> float:
    """The budget of the config: its passes, else two for each of its epochs."""
    return experiment.budget.passes or 2.0 * experiment.budget.epochs


def find_folder(experiment: Experiment, out: Path) -> Path:
    """The folder of everything that a tuning writes: that of the experiment with its config."""
    return out / f"{experiment.name}_tuned"


def tune(
    experiment: Experiment, plan: TunePlan, run_settings: RunSettings, listener: TuneListener
) -> list[TunedEntry]:
    """Run the missing trials, entry by entry.

    Raises UsageError before the first trial if there is no target, if a seed is one of the report
    too, if an optimizer refuses an end of its search range, or if optuna isn't installed.
    """
    _check_fairness(experiment, plan)
    require_optuna()
    trialled = limit_to_trials(experiment, plan.passes, len(plan.seeds))
    trialled = replace(trialled, entries=merge_searches(trialled))
    spaces = find_spaces(trialled)
    run_settings.set_up_process()
    task = make_task(trialled, run_settings)
    runner = TrialRunner(trialled, task, plan.seeds, run_settings.device_kind, run_settings.backend)
    with open_storage(find_folder(experiment, run_settings.out) / FILE) as storage:
        tuned = []
        for entry in trialled.entries:
            space = spaces[entry.label]
            key = _digest_conditions(runner, plan, entry, space)
            study = Study(storage, entry.label, key, space, plan.seed)
            tuned.append(_tune_entry(runner, plan, entry, study, listener))
    return tuned


def write_results(
    experiment: Experiment, tuned: list[TunedEntry], plan: TunePlan, out: Path, command: str
) -> Experiment:
    """Write config.yaml, tuning.csv, trials.csv and tuning.png; load that config."""
    folder = find_folder(experiment, out)
    entries = [result.entry for result in tuned]
    write_atomically(folder / "config.yaml", format_config(experiment, entries, folder, command))
    write_tables(folder, tuned)
    title = f"{experiment.name} · {experiment.targets[-1]}"
    draw_curves(folder / "tuning.png", tuned, title, plan.passes)
    return load_config(str(folder / "config.yaml"))


def _check_fairness(experiment: Experiment, plan: TunePlan) -> None:
    """Raise UsageError if the config can't be tuned fairly."""
    if not experiment.targets:
        raise UsageError(
            f"{experiment.name}: tuning needs a target, such as `target: {{valid_accuracy: 0.95}}`"
        )
    both = sorted(set(plan.seeds) & set(experiment.seeds))
    if both:
        raise UsageError(
            f"--tuning-seeds: {', '.join(map(str, both))} also in the config's seeds: "
            "tune on other seeds than those of the report"
        )


def _digest_conditions(runner: TrialRunner, plan: TunePlan, entry: Entry, space: Space) -> str:
    """A digest of everything that the entry's scores depend on."""
    experiment, kind = runner.experiment, runner.device_kind
    backend = choose_backend(experiment, kind, runner.backend, entry).backend
    facts = identify(experiment, entry, 0, kind, backend, timed=False)
    scored = digest_sources([Path(scores.__file__)])
    searched = {name: repr(values) for name, values in space.items()}
    drawn = {"seed": plan.seed, "tuning_seeds": plan.seeds}
    return digest(facts | drawn | {"space": searched, "scored": scored})


def _tune_entry(
    runner: TrialRunner, plan: TunePlan, entry: Entry, study: Study, listener: TuneListener
) -> TunedEntry:
    """Run the entry's missing trials; without options to tune it has only one."""
    trials = study.load_finished()
    count = plan.trials if study.space else 1
    listener.begin(entry.label, study.space, min(len(trials), count), count)
    study.drop_unfinished()
    own = _find_own_values(entry.make_optimizer(runner.experiment.depth), study.space)
    while len(trials) < count:
        number = len(trials) + 1
        proposal, options = study.propose(own)
        trial = runner.run_trial(
            entry,
            number,
            options,
            lambda _, evaluation: listener.evaluate(entry.label, number, evaluation),  # noqa: B023
        )
        study.finish(proposal, trial)
        trials.append(trial)
        listener.end(entry.label, trial, _find_best(trials))
    return _make_result(entry, trials[:count])


def _find_own_values(optimizer: Optimizer, space: Space) -> dict[str, Any]:
    """The optimizer's own values of the tuned options, if a proposal could express them."""
    values = {name: getattr(optimizer, name, None) for name in space}
    return {
        name: value
        for name, value in values.items()
        if value is not None
        and all(
            getattr(optimizer, option) == expected
            for option, expected in expand_option(name, space[name], value).items()
        )
    }


def _find_best(trials: list[Trial]) -> Trial:
    return min(trials, key=lambda trial: trial.score)


def _make_result(entry: Entry, trials: list[Trial]) -> TunedEntry:
    """The entry with its best trial's options, and with the cost of all trials."""
    best, passes = _find_best(trials), [trial.passes for trial in trials]
    counted = [p for p in passes if p is not None]
    cost = Tuned(
        trials=len(trials),
        epochs=sum(trial.epochs for trial in trials),
        passes=round(sum(counted), 3) if len(counted) == len(passes) else None,
        seconds=round(sum(trial.seconds for trial in trials), 3),
    )
    entry = replace(replace_options(entry, best.options), tuned=cost)
    return TunedEntry(entry, trials, best)
