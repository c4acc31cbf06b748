"""Trials in their file: always the same ones, whatever happens in between."""

import shutil
import sys
from contextlib import contextmanager

import pytest

from gfopt.errors import UsageError
from gfopt.search_space import Choice, Range
from gfopt.studies.tune.study import (
    STARTUP_TRIALS,
    Study,
    Trial,
    open_storage,
    require_optuna,
)

SPACE = {"lr": Range(1e-3, 10.0), "momentum": Choice((0.0, 0.9)), "count": Range(2, 9, whole=True)}
OWN = {"lr": 0.5, "momentum": 0.0}


class Killed(BaseException):
    """Leaves a trial behind that is neither finished nor failed, as a killed process does."""


@pytest.fixture(scope="module", autouse=True)
def _blank(tmp_path_factory):
    """An empty file of trials, which takes optuna half a second to make: the others are copies."""
    require_optuna()  # which silences it
    folder = tmp_path_factory.mktemp("blank")
    with open_storage(folder / "tuning.sqlite3"):
        pass
    study.blank = folder / "tuning.sqlite3"


@contextmanager
def study(path, label="an optimizer", key="0" * 64, seed=0, space=SPACE):
    file = path / "tuning.sqlite3"
    if not file.exists():
        path.mkdir(exist_ok=True)
        shutil.copyfile(study.blank, file)
    with open_storage(file) as storage:
        yield Study(storage, label, key, space, seed)


def advance(made, until, killed_at=None):
    """Run trials with an invented score, up to `until`; stop in the middle of `killed_at`."""
    made.drop_unfinished()
    while (number := len(made.load_finished()) + 1) <= until:
        asked, options = made.propose(OWN)
        if number == killed_at:
            raise Killed
        tried = OWN | options
        score = (tried["lr"] - 1) ** 2 + tried["momentum"]
        made.finish(asked, Trial(number, options, score, 1.0, 2.0, 0.0))
    return made.load_finished()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return tmp_path_factory.mktemp("whole")


@pytest.fixture(scope="module")
def uninterrupted(whole):
    with study(whole) as made:
        return advance(made, 8)


def test_some_of_these_trials_are_proposed_by_tpe(uninterrupted):
    assert len(uninterrupted) > STARTUP_TRIALS + 1


def test_the_first_trial_is_the_configs_own_settings(uninterrupted):
    assert uninterrupted[0].options == {}
    assert all(trial.options.keys() == SPACE.keys() for trial in uninterrupted[1:])


def test_trials_lie_in_the_space_and_differ(uninterrupted):
    tried = [trial.options for trial in uninterrupted[1:]]
    assert all(1e-3 <= t["lr"] <= 10 and 2 <= t["count"] <= 9 for t in tried)
    assert all(type(t["count"]) is int and t["momentum"] in (0.0, 0.9) for t in tried)
    assert len({t["lr"] for t in tried}) == len(tried)


def test_killed_within_a_trial_and_started_again_it_runs_the_same_trials(tmp_path, uninterrupted):
    for killed_at in (1, 2, 7):
        with pytest.raises(Killed), study(tmp_path) as made:
            advance(made, 8, killed_at)
        with study(tmp_path) as made:
            assert made.load_finished() == uninterrupted[: killed_at - 1]
    with study(tmp_path) as made:
        assert advance(made, 8) == uninterrupted


def test_more_trials_go_on_from_those_there_are(tmp_path, uninterrupted):
    for until in (3, 7):
        with study(tmp_path) as made:
            assert advance(made, until) == uninterrupted[:until]


def test_another_seed_label_or_key_has_trials_of_its_own(tmp_path, whole, uninterrupted):
    for changed in ({"seed": 1}, {"label": "another"}):
        with study(tmp_path / str(changed), **changed) as made:
            assert advance(made, 2)[1] != uninterrupted[1]
    with study(whole, key="1" * 64) as made:
        assert made.load_finished() == []


def test_a_configured_value_outside_the_search_space_is_tried_too(tmp_path):
    with study(tmp_path, space={"lr": Range(1.0, 2.0)}) as made:
        found = advance(made, 3)
    assert found[0].options == {}
    assert all(1 <= trial.options["lr"] <= 2 for trial in found[1:])


def test_a_mirrored_option_comes_with_the_other_sign(tmp_path):
    space = {"lr": Range(0.1, 1.0), "high": Range(0.5, 2.0, mirror="low")}
    with study(tmp_path, space=space) as made:
        found = advance(made, 4)
    assert all(trial.options["low"] == -trial.options["high"] for trial in found[1:])


def test_without_optuna_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"pip install 'gfopt\[tune\]'"):
        require_optuna()


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path):
    (tmp_path / "tuning.sqlite3").write_text("not a database, but long enough to be read as one")
    with pytest.raises(UsageError, match=r"tuning.sqlite3: not a file of trials"), study(tmp_path):
        pass
