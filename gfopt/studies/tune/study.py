"""The trials of one entry in a SQLite file, proposed by optuna's TPE. Only this file uses optuna.

Trial k's proposal is a function of (seed, label, k) and of the finished trials before it: each
trial has a new sampler. So a tuning that was killed goes on with the same trials. A trial that was
left running is marked failed and run again.

Source: Bergstra et al., "Algorithms for hyper-parameter optimization", NIPS 24 (2011).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfopt.errors import UsageError
from gfopt.search_space import Choice, Range, Space
from gfopt.studies.tune.spaces import expand_option

if TYPE_CHECKING:
    import optuna

STARTUP_TRIALS = 6  # random start-up trials before TPE, the config's own settings among them
_DIGITS = 4  # significant digits of a proposed number


@dataclass(frozen=True)
class Trial:
    """A finished trial: its options, its score, and the cost of all its runs together."""

    number: int  # from 1; the first has the config's own settings
    options: dict[str, Any]  # in place of the config's
    score: float  # see gfopt.studies.tune.scores
    epochs: float
    passes: float | None
    seconds: float
    error: str | None = None


def require_optuna() -> None:
    """Raise UsageError if optuna isn't installed; otherwise silence its log."""
    try:
        import optuna
    except ImportError as error:
        message = "gfopt tune needs optuna: install it with pip install 'gfopt[tune]'"
        raise UsageError(message) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@contextmanager
def open_storage(path: Path) -> Iterator[optuna.storages.RDBStorage]:
    """Open the SQLite file, or create it. Raises UsageError if it is something else."""
    import optuna
    from sqlalchemy.exc import DatabaseError

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # by a function: a URL can't hold every letter that a folder's name may have
        connect = {"creator": lambda: sqlite3.connect(path)}
        storage = optuna.storages.RDBStorage("sqlite://", engine_kwargs=connect)
    except (DatabaseError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise UsageError(
            f"{path}: not a file of trials that this optuna reads ({reason}): move it away, or "
            "give another --out"
        ) from error
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


class Study:
    """The trials of one entry."""

    def __init__(
        self, storage: optuna.storages.RDBStorage, label: str, key: str, space: Space, seed: int
    ) -> None:
        """`key` stands for everything that scores depend on: another key has trials of its own."""
        import optuna

        self.label, self.space, self._seed = label, space, seed
        self._study = optuna.create_study(
            study_name=f"{label} {key[:16]}", storage=storage, load_if_exists=True
        )

    def load_finished(self) -> list[Trial]:
        """The finished trials, in the order in which they were run."""
        from optuna.trial import TrialState

        found = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        ordered = sorted(found, key=lambda trial: trial.number)
        return [Trial(i, **trial.user_attrs["result"]) for i, trial in enumerate(ordered, 1)]

    def drop_unfinished(self) -> None:
        """Mark trials that a killed process left running as failed: they are run again."""
        from optuna.trial import TrialState

        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.tell(trial.number, state=TrialState.FAIL)

    def propose(self, own: dict[str, Any]) -> tuple[optuna.Trial, dict[str, Any]]:
        """The next trial and its options: none for the first, whose values are `own`."""
        from optuna.trial import TrialState

        number = len(self.load_finished()) + 1
        self._study.sampler = self._make_sampler(number)
        if number > 1:
            trial = self._study.ask()
            options: dict[str, Any] = {}
            for name, values in self.space.items():
                options |= expand_option(name, values, _suggest(trial, name, values))
            return trial, options
        known = {name: own[name] for name in self.space if _holds(self.space[name], own.get(name))}
        if not self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
            self._study.enqueue_trial(known)
        trial = self._study.ask()
        for name in known:
            _suggest(trial, name, self.space[name])
        return trial, {}

    def finish(self, proposal: optuna.Trial, trial: Trial) -> None:
        """Store the result of a proposal."""
        result = asdict(trial)
        del result["number"]
        proposal.set_user_attr("result", result)
        self._study.tell(proposal, trial.score)

    def _make_sampler(self, number: int) -> optuna.samplers.TPESampler:
        """TPE, one option at a time: a kernel density needs few points in so few dimensions."""
        import optuna

        drawn = hashlib.sha256(f"{self._seed} {number} {self.label}".encode()).digest()
        return optuna.samplers.TPESampler(
            seed=int.from_bytes(drawn[:4], "little"),
            n_startup_trials=STARTUP_TRIALS,
            multivariate=False,
            constant_liar=False,
        )


def _suggest(trial: optuna.Trial, name: str, values: Range | Choice) -> Any:
    if isinstance(values, Choice):
        return trial.suggest_categorical(name, values.values)
    if values.whole:
        return trial.suggest_int(name, int(values.low), int(values.high), log=values.log)
    value = trial.suggest_float(name, values.low, values.high, log=values.log)
    return min(max(float(f"{value:.{_DIGITS}g}"), values.low), values.high)


def _holds(values: Range | Choice, value: Any) -> bool:
    """Whether an entry's own value is one that could be proposed."""
    if isinstance(values, Choice):
        return value in values.values
    return isinstance(value, int | float) and values.low <= value <= values.high
