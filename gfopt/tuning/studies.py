"""Trials of one entry in a SQLite file, proposed by optuna's TPE: the only place that knows optuna.

Trial k's proposal is a function of (seed, label, k) and of the finished trials before it: a sampler
of its own is made for each. So a tuning that was killed goes on with the trials that it would have
made anyway. A trial left running is marked failed, and its turn comes again.

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
from gfopt.space import Choice, Range, Space
from gfopt.tuning.spaces import told

if TYPE_CHECKING:
    import optuna

DRAWN = 6  # first trials, the config's own among them, that are not led by those before
_DIGITS = 4  # significant ones of a number that is tried


@dataclass(frozen=True)
class Trial:
    """A finished trial: what was tried, how it went, what all its runs together cost."""

    number: int  # from 1; the first is the config's own settings
    options: dict[str, Any]  # in place of the config's
    score: float  # see gfopt.tuning.scores
    epochs: float
    passes: float | None
    seconds: float
    error: str | None = None


def need_optuna() -> None:
    """Raise UsageError where optuna isn't installed; quieten it where it is."""
    try:
        import optuna
    except ImportError as error:
        said = "gfopt tune needs optuna, which isn't installed: pip install 'gfopt[tune]'"
        raise UsageError(said) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@contextmanager
def opened(path: Path) -> Iterator[optuna.storages.RDBStorage]:
    """The SQLite file, made where there is none; UsageError where it is something else."""
    import optuna
    from sqlalchemy.exc import DatabaseError

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        # by a function: a path in a URL must not hold every letter that a folder's name may
        connect = {"creator": lambda: sqlite3.connect(path)}
        storage = optuna.storages.RDBStorage("sqlite://", engine_kwargs=connect)
    except (DatabaseError, RuntimeError) as error:
        said = str(error).partition("\n")[0]
        raise UsageError(f"{path}: no file of trials that this optuna reads: {said}") from error
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
        """`key` stands for all that scores depend on: with another one, trials begin anew."""
        import optuna

        self.label, self.space, self._seed = label, space, seed
        self._study = optuna.create_study(
            study_name=f"{label} {key[:16]}", storage=storage, load_if_exists=True
        )

    def finished(self) -> list[Trial]:
        """In the order in which they were made."""
        from optuna.trial import TrialState

        found = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        ordered = sorted(found, key=lambda trial: trial.number)
        return [Trial(i, **trial.user_attrs["result"]) for i, trial in enumerate(ordered, 1)]

    def drop_unfinished(self) -> None:
        """Mark what a killed process left running as failed: it is done again."""
        from optuna.trial import TrialState

        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._study.tell(trial.number, state=TrialState.FAIL)

    def propose(self, own: dict[str, Any]) -> tuple[optuna.Trial, dict[str, Any]]:
        """The next trial and its options: first the entry's own, of which `own` are the values."""
        number = len(self.finished()) + 1
        self._study.sampler = self._sampler(number)
        if number > 1:
            trial = self._study.ask()
            return trial, _proposed(trial, self.space)
        known = {name: own[name] for name in self.space if _within(self.space[name], own.get(name))}
        if not self._waiting():
            self._study.enqueue_trial(known)
        trial = self._study.ask()
        for name in known:
            _suggested(trial, name, self.space[name])
        return trial, {}

    def finish(self, asked: optuna.Trial, trial: Trial) -> None:
        """Write a trial down."""
        result = asdict(trial)
        del result["number"]
        asked.set_user_attr("result", result)
        self._study.tell(asked, trial.score)

    def _waiting(self) -> bool:
        from optuna.trial import TrialState

        return bool(self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))

    def _sampler(self, number: int) -> optuna.samplers.TPESampler:
        """TPE, one option at a time; a kernel density needs few points in so few dimensions."""
        import optuna

        drawn = hashlib.sha256(f"{self._seed} {number} {self.label}".encode()).digest()
        return optuna.samplers.TPESampler(
            seed=int.from_bytes(drawn[:4], "little"),
            n_startup_trials=DRAWN,
            multivariate=False,
            constant_liar=False,
        )


def _proposed(trial: optuna.Trial, space: Space) -> dict[str, Any]:
    """A value for each option of the space."""
    options: dict[str, Any] = {}
    for name, among in space.items():
        options |= told(name, among, _suggested(trial, name, among))
    return options


def _suggested(trial: optuna.Trial, name: str, among: Range | Choice) -> Any:
    if isinstance(among, Choice):
        return trial.suggest_categorical(name, among.values)
    if among.whole:
        return trial.suggest_int(name, int(among.low), int(among.high), log=among.log)
    value = trial.suggest_float(name, among.low, among.high, log=among.log)
    return min(max(float(f"{value:.{_DIGITS}g}"), among.low), among.high)


def _within(among: Range | Choice, value: Any) -> bool:
    """Whether an entry's own value is one that could be proposed."""
    if isinstance(among, Choice):
        return value in among.values
    return isinstance(value, int | float) and among.low <= value <= among.high
