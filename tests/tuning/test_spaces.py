"""What may be tuned of a rule: every value that can be proposed makes a valid rule."""

import json
from pathlib import Path

import pytest

from gfopt.config.experiment import load
from gfopt.errors import UsageError
from gfopt.identity import source_digest
from gfopt.optimizers import optimizers
from gfopt.space import Choice, Range
from gfopt.tuning.spaces import refusals, spaces, with_options

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
def test_every_rule_takes_both_ends_of_what_it_is_tuned_over(name):
    experiment = race(name)
    (space,) = spaces(experiment).values()
    assert space
    assert list(refusals(experiment.entries[0], space, experiment.depth)) == []


@pytest.mark.parametrize("name", sorted(UNTUNED))
def test_the_other_rules_have_nothing_to_tune(name):
    assert optimizers[name].space == {}


@pytest.mark.parametrize("name", sorted(set(optimizers) - UNTUNED))
def test_every_range_goes_up_and_every_option_of_it_exists(name):
    rule = optimizers[name]
    for option, among in rule.space.items():
        # torch's options are judged by torch, in the test of both ends
        assert option in rule.model_fields or rule.model_config["extra"] == "allow"
        if isinstance(among, Range):
            assert among.low < among.high
            assert among.mirror is None or among.mirror in rule.model_fields


def test_a_range_of_the_config_replaces_that_of_every_rule_with_such_an_option():
    found = spaces(race("adam", "sgd", "random_search", tune={"lr": [0.01, 0.05]}))
    assert found["adam"] == {"lr": Range(0.01, 0.05)}
    assert found["sgd"] == {"lr": Range(0.01, 0.05), "momentum": Choice((0.0, 0.9, 0.99))}
    assert found["random_search"] == {}


def test_a_range_of_the_config_adds_an_option_that_the_rule_does_not_declare():
    found = spaces(race("random_search", tune={"members": [10, 50]}))
    assert found["random_search"] == {"members": Range(10, 50, log=False, whole=True)}


def test_an_option_that_no_rule_has_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r"unknown option 'rl'. Did you mean 'lr'\?"):
        spaces(race("adam", tune={"rl": [0.1, 1]}))


def test_an_option_that_a_rule_of_ones_own_has_not_is_refused_once_the_rule_is_loaded(tmp_path):
    (tmp_path / "mine.py").write_text(USERS)
    mine = race({"file": "mine.py"}, folder=tmp_path, tune={"wave": [2, 30]})
    with pytest.raises(
        UsageError, match=r"^tune.wave: unknown option 'wave'. Did you mean 'waves'"
    ):
        spaces(mine)


def test_a_range_that_a_rule_refuses_is_told_before_any_trial():
    with pytest.raises(UsageError, match=r"tune.momentum: .*must be < 1 \(got 2.0\)"):
        spaces(race("gradient_descent", tune={"momentum": [0.5, 2]}))


def test_a_rule_of_ones_own_is_tuned_over_the_ranges_of_the_config_and_else_left_alone(tmp_path):
    (tmp_path / "mine.py").write_text(USERS)
    mine = {"file": "mine.py"}
    assert spaces(race(mine, folder=tmp_path)) == {"mine": {}}
    found = spaces(race(mine, folder=tmp_path, tune={"lr": [0.1, 1], "waves": [2, 30]}))
    assert found["mine"] == {"lr": Range(0.1, 1), "waves": Range(2, 30, whole=True)}


def test_a_mirrored_option_takes_the_same_number_with_the_other_sign():
    among = optimizers["parameter_search"].space["high"]
    assert (among.mirror, among.low > 0) == ("low", True)


def test_options_found_replace_those_of_the_entry_and_leave_the_others():
    (entry,) = race({"name": "gradient_descent", "lr": 0.5, "momentum": 0.25}).entries
    found = with_options(entry, {"lr": 0.125})
    assert (found.made.lr, found.made.momentum) == (0.125, 0.25)
    assert found.options == entry.options | {"lr": 0.125}


def test_another_space_leaves_the_ids_of_finished_runs_as_they_are(tmp_path):
    narrow, wide, other = (tmp_path / name for name in ("narrow.py", "wide.py", "other.py"))
    with_space = "from gfopt.space import Range\n" + USERS.replace(
        "    lr: float = 0.1", "    lr: float = 0.1\n    space: ClassVar[Space] = {}"
    )
    narrow.write_text(USERS)
    wide.write_text(with_space)
    other.write_text(USERS.replace("0.1", "0.2"))
    assert source_digest(narrow) == source_digest(wide) != source_digest(other)
