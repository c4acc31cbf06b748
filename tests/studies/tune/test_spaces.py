"""The search space of an optimizer: each value in it makes a valid optimizer."""

import json
from pathlib import Path

import pytest

from gfopt.config.loading import load
from gfopt.errors import UsageError
from gfopt.optimizers import optimizers
from gfopt.runner.sources import digest_sources
from gfopt.search_space import Choice, Range
from gfopt.studies.tune.spaces import find_refusals, find_spaces, replace_options

UNTUNED = {"random_search", "sequence", "sparseadam"}
USERS = """\
from gfopt import Optimizer


class Mine(Optimizer):
    lr: float = 0.1
    waves: int = 3

    def init(self, problem, params, draw):
        return params

    def step(self, problem, state, at):
        return state
"""


def race(*entries, folder=Path(), **more):
    values = {
        "dataset": {"name": "digits", "scale": "unit"},
        "model": {"hidden": [4]},
        "loss": "cross_entropy",
        "target": {"valid_accuracy": 0.9},
        "optimizers": list(entries),
    }
    return load(json.dumps(values | more), "race.yaml", folder)


@pytest.mark.parametrize("name", sorted(set(optimizers) - UNTUNED))
def test_every_optimizer_takes_both_ends_of_its_search_space(name):
    experiment = race(name)
    (space,) = find_spaces(experiment).values()
    assert space
    assert list(find_refusals(experiment.entries[0], space, experiment.depth)) == []


@pytest.mark.parametrize("name", sorted(UNTUNED))
def test_the_other_optimizers_have_nothing_to_tune(name):
    assert optimizers[name].space == {}


@pytest.mark.parametrize("name", sorted(set(optimizers) - UNTUNED))
def test_every_range_rises_and_every_option_of_it_exists(name):
    optimizer = optimizers[name]
    for option, values in optimizer.space.items():
        # torch's options are judged by torch, in the test of both ends
        assert option in optimizer.model_fields or optimizer.model_config["extra"] == "allow"
        if isinstance(values, Range):
            assert values.low < values.high
            assert values.mirror is None or values.mirror in optimizer.model_fields


def test_a_range_of_the_config_replaces_that_of_every_optimizer_with_such_an_option():
    found = find_spaces(race("adam", "sgd", "random_search", tune={"lr": [0.01, 0.05]}))
    assert found["adam"] == {"lr": Range(0.01, 0.05)}
    assert found["sgd"] == {"lr": Range(0.01, 0.05), "momentum": Choice((0.0, 0.9, 0.99))}
    assert found["random_search"] == {}


def test_a_range_of_the_config_adds_an_option_that_the_optimizer_does_not_declare():
    found = find_spaces(race("random_search", tune={"members": [10, 50]}))
    assert found["random_search"] == {"members": Range(10, 50, log=False, whole=True)}


def test_an_option_that_no_optimizer_has_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r"unknown option 'rl'. Did you mean 'lr'\?"):
        find_spaces(race("adam", tune={"rl": [0.1, 1]}))


def test_an_option_that_a_users_optimizer_lacks_is_refused_once_the_file_is_loaded(tmp_path):
    (tmp_path / "mine.py").write_text(USERS)
    mine = race({"file": "mine.py"}, folder=tmp_path, tune={"wave": [2, 30]})
    with pytest.raises(
        UsageError, match=r"^tune.wave: unknown option 'wave'. Did you mean 'waves'"
    ):
        find_spaces(mine)


def test_a_range_that_an_optimizer_refuses_is_reported_before_any_trial():
    with pytest.raises(UsageError, match=r"tune.momentum: .*must be < 1 \(got 2.0\)"):
        find_spaces(race("gradient_descent", tune={"momentum": [0.5, 2]}))


def test_a_users_optimizer_is_tuned_over_the_ranges_of_the_config_only(tmp_path):
    (tmp_path / "mine.py").write_text(USERS)
    mine = {"file": "mine.py"}
    assert find_spaces(race(mine, folder=tmp_path)) == {"mine": {}}
    found = find_spaces(race(mine, folder=tmp_path, tune={"lr": [0.1, 1], "waves": [2, 30]}))
    assert found["mine"] == {"lr": Range(0.1, 1), "waves": Range(2, 30, whole=True)}


def test_a_mirrored_option_takes_the_same_number_with_the_other_sign():
    values = optimizers["parameter_search"].space["high"]
    assert (values.mirror, values.low > 0) == ("low", True)


def test_tuned_options_replace_those_of_the_entry_and_leave_the_others():
    (entry,) = race({"name": "gradient_descent", "lr": 0.5, "momentum": 0.25}).entries
    found = replace_options(entry, {"lr": 0.125})
    assert (found.optimizer.lr, found.optimizer.momentum) == (0.125, 0.25)
    assert found.options == entry.options | {"lr": 0.125}


def test_another_space_leaves_the_ids_of_finished_runs_as_they_are(tmp_path):
    narrow, wide, other = (tmp_path / name for name in ("narrow.py", "wide.py", "other.py"))
    text = "from gfopt.search_space import Range\n" + USERS
    narrow.write_text(text)
    wide.write_text(
        text.replace("lr: float = 0.1", "lr: float = 0.1\n    space: ClassVar[Space] = {}")
    )
    other.write_text(text.replace("0.1", "0.2"))
    digests = [digest_sources([path]) for path in (narrow, wide, other)]
    assert digests[0] == digests[1] != digests[2]
