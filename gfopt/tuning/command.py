"""gfopt tune: for each entry of a config its trials, then a config of the settings found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gfopt.config.entries import Tuned
from gfopt.config.finding import load_config
from gfopt.environment import device_kind
from gfopt.errors import UsageError
from gfopt.identity import digest, identity, source_digest
from gfopt.paths import choose
from gfopt.race import machine_of
from gfopt.records import write_whole
from gfopt.runs import make_task
from gfopt.tuning import scores
from gfopt.tuning.curves import draw, write_tables
from gfopt.tuning.found import config_text
from gfopt.tuning.searches import searches
from gfopt.tuning.spaces import spaces, told, with_options
from gfopt.tuning.studies import Study, Trial, need_optuna, opened
from gfopt.tuning.trials import Runner, terms_of_trials

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment
    from gfopt.optimizers.base import Optimizer
    from gfopt.outcomes import Row
    from gfopt.race import Setting
    from gfopt.space import Space

FILE = "tuning.sqlite3"


@dataclass(frozen=True)
class Plan:
    """The same for every entry."""

    trials: int
    passes: float  # full-data passes that a run of a trial may cost
    seeds: tuple[int, ...]  # to tune on, never those of the report
    seed: int  # of what is proposed


@dataclass(frozen=True)
class Found:
    """What the trials of an entry came to."""

    entry: Entry  # with the options of the best trial, and what the search cost
    trials: list[Trial]
    best: Trial  # the first of equals, so the config's own settings where nothing beats them


class Listener(Protocol):
    """Who is told how a tuning goes."""

    def begin(self, label: str, space: Space, done: int, trials: int) -> None: ...

    def reading(self, label: str, number: int, row: Row) -> None: ...

    def end(self, label: str, trial: Trial, best: Trial) -> None: ...


def passes_by_default(experiment: Experiment) -> float:
    """What the config's own budget gives: its passes, else two for each of its epochs."""
    return experiment.budget.passes or 2.0 * experiment.budget.epochs


def folder_of(experiment: Experiment, out: Path) -> Path:
    """Where all that a tuning makes goes: the folder of the race at the settings found."""
    return out / f"{experiment.name}_tuned"


def tune(experiment: Experiment, plan: Plan, setting: Setting, listener: Listener) -> list[Found]:
    """Make the trials that are missing, entry by entry.

    Raises UsageError before the first one where there is no target, where a seed is of the report
    too, where a rule refuses what it would be tuned over, and where optuna is missing.
    """
    _check(experiment, plan)
    need_optuna()
    trialled = terms_of_trials(experiment, plan.passes, len(plan.seeds))
    trialled = replace(trialled, entries=searches(trialled))
    chosen = spaces(trialled)
    kind = device_kind(setting.device)
    task = make_task(trialled, machine_of(setting))
    runner = Runner(trialled, task, plan.seeds, kind, setting.path)
    with opened(folder_of(experiment, setting.out) / FILE) as storage:
        found = []
        for entry in trialled.entries:
            space = chosen[entry.label]
            key = _key(runner, plan, entry, space)
            study = Study(storage, entry.label, key, space, plan.seed)
            found.append(_tuned(runner, plan, entry, study, listener))
    return found


def _check(experiment: Experiment, plan: Plan) -> None:
    """Refuse what can't be tuned fairly."""
    if not experiment.targets:
        raise UsageError(
            f"{experiment.name}: tuning needs a target, such as `target: {{valid_accuracy: 0.95}}`"
        )
    both = sorted(set(plan.seeds) & set(experiment.seeds))
    if both:
        raise UsageError(
            "--tuning-seeds: must be none of those that are reported "
            f"(both: {', '.join(map(str, both))})"
        )


def _key(runner: Runner, plan: Plan, entry: Entry, space: Space) -> str:
    """A digest of all that the entry's scores depend on."""
    experiment = runner.experiment
    path = choose(experiment, runner.device_kind, runner.path, (entry,)).path
    facts = identity(experiment, entry, 0, runner.device_kind, path, alone=False)
    scored = source_digest(Path(scores.__file__))
    searched = {name: repr(among) for name, among in space.items()}
    drawn = {"seed": plan.seed, "tuning_seeds": plan.seeds}
    return digest(facts | drawn | {"space": searched, "scored": scored})


def _tuned(runner: Runner, plan: Plan, entry: Entry, study: Study, listener: Listener) -> Found:
    """The entry's trials, those that are missing made now, and the best of them."""
    trials = study.finished()
    many = plan.trials if study.space else 1
    listener.begin(entry.label, study.space, min(len(trials), many), many)
    study.drop_unfinished()
    own = _own(entry.rule(runner.experiment.depth), study.space)
    while len(trials) < many:
        number = len(trials) + 1
        asked, options = study.propose(own)
        watch = _watch(listener, entry.label, number)
        trials.append(runner.trial(entry, number, options, watch))
        study.finish(asked, trials[-1])
        listener.end(entry.label, trials[-1], _best(trials))
    return _found(entry, trials[:many])


def _own(rule: Optimizer, space: Space) -> dict[str, Any]:
    """The rule's own values of what is tuned, those that a proposal could stand for."""
    values = {name: getattr(rule, name, None) for name in space}
    return {
        name: value
        for name, value in values.items()
        if value is not None
        and all(getattr(rule, k) == v for k, v in told(name, space[name], value).items())
    }


def _watch(listener: Listener, label: str, number: int) -> Callable[[int, Row], None]:
    return lambda _, row: listener.reading(label, number, row)


def _best(trials: list[Trial]) -> Trial:
    return min(trials, key=lambda trial: trial.score)


def _found(entry: Entry, trials: list[Trial]) -> Found:
    """The entry at its best trial's options, with what all of them cost."""
    best, passes = _best(trials), [trial.passes for trial in trials]
    counted = [p for p in passes if p is not None]
    cost = Tuned(
        trials=len(trials),
        epochs=sum(trial.epochs for trial in trials),
        passes=round(sum(counted), 3) if len(counted) == len(passes) else None,
        seconds=round(sum(trial.seconds for trial in trials), 3),
    )
    return Found(replace(with_options(entry, best.options), tuned=cost), trials, best)


def write(
    experiment: Experiment, found: list[Found], plan: Plan, out: Path, command: str
) -> Experiment:
    """config.yaml, tuning.csv, trials.csv and tuning.png; the experiment of that config."""
    folder = folder_of(experiment, out)
    entries = [f.entry for f in found]
    write_whole(folder / "config.yaml", config_text(experiment, entries, folder, command))
    write_tables(folder, found)
    draw(folder / "tuning.png", found, f"{experiment.name} · {experiment.targets[-1]}", plan.passes)
    return load_config(str(folder / "config.yaml"))
