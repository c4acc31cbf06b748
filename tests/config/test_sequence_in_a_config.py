"""Sequences in a config: errors in a stage, and what of a stage is in a run's id."""

from __future__ import annotations

import importlib.util
import json
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from gfopt.analysis.groups import find_differences
from gfopt.config.loading import load
from gfopt.errors import UsageError
from gfopt.optimizers import optimizers
from gfopt.records.record import Status
from gfopt.records.store import read_history
from gfopt.runner.listener import Silent
from gfopt.runner.plan import plan_runs
from gfopt.runner.race import Race
from gfopt.runner.settings import RunSettings
from tests.cli.conftest import DATA, write_data
from tests.optimizers.test_sequence import EXTRA, GD, PW, sequence

CONFIG = """\
name: two
dataset: {name: digits, scale: unit}
model: {hidden: [8]}
loss: cross_entropy
optimizers:
  - name: sequence
    stages:
      - {name: position_wise, epochs: 2}
      - {name: gradient_descent, lr: 0.5}
budget: {epochs: 4}
"""
FIRST, SECOND = "{name: position_wise, epochs: 2}", "{name: gradient_descent, lr: 0.5}"


def experiment(*pieces):
    text = CONFIG
    for old, new in pieces:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return load(text, "c.yaml", Path())


def wrong(*pieces):
    with pytest.raises(UsageError) as caught:
        experiment(*pieces)
    return str(caught.value).splitlines()


def test_a_wrong_option_of_a_stage_is_reported_with_its_place():
    assert wrong(("lr: 0.5", "lr: 0")) == [
        "c.yaml:9:38: optimizers.0.stages.1.lr: must be > 0 (got 0)"
    ]
    assert wrong(("epochs: 2", "epochs: -1")) == [
        "c.yaml:8:39: optimizers.0.stages.0.epochs: must be >= 0 (got -1)"
    ]
    assert wrong(("lr: 0.5", "lr: 0.5, momentum: '0.1'")) == [
        (
            "c.yaml:9:53: optimizers.0.stages.1.momentum: must be a number, written as 0.1 "
            'without quotes (got "0.1")'
        )
    ]


def test_all_errors_in_the_stages_are_reported_together():
    assert wrong(("epochs: 2", "lr: -1"), ("lr: 0.5", "lr: 0, multipliers: 3")) == [
        "c.yaml:8:35: optimizers.0.stages.0.lr: must be > 0 (got -1)",
        "c.yaml:9:38: optimizers.0.stages.1.lr: must be > 0 (got 0)",
        "c.yaml:9:54: optimizers.0.stages.1.multipliers: must be a list, as in [3] (got 3)",
    ]


def test_an_unknown_option_of_a_stage_gets_the_nearest_the_stages_own_keys_too():
    (sentence,) = wrong(("lr: 0.5", "momentun: 0.5"))
    assert sentence.startswith(
        "c.yaml:9:44: optimizers.0.stages.1.momentun: unknown key 'momentun'. "
        "Did you mean 'momentum'? Known: "
    )
    (sentence,) = wrong(("epochs: 2", "epoch: 2"))
    assert "unknown key 'epoch'. Did you mean 'epochs'?" in sentence
    assert "schedule" in sentence


def test_an_unknown_optimizer_of_a_stage_gets_the_nearest():
    (sentence,) = wrong(("position_wise", "position_wize"))
    assert sentence.startswith(
        "c.yaml:8:16: optimizers.0.stages.0.name: unknown optimizer 'position_wize'. "
        "Did you mean 'position_wise'? Known: "
    )


def test_what_is_no_stage_is_refused():
    assert wrong((SECOND, "{lr: 0.5}")) == [
        "c.yaml:9:9: optimizers.0.stages.1.name: this key is missing"
    ]
    assert wrong((SECOND, "{name: sequence}")) == [
        (
            "c.yaml:9:16: optimizers.0.stages.1.name: "
            "a sequence can't contain a sequence: list its stages here instead"
        )
    ]
    assert wrong((SECOND, "gradient_descent")) == [
        (
            "c.yaml:9:9: optimizers.0.stages.1: must be a mapping of keys to values "
            '(got "gradient_descent")'
        )
    ]
    (sentence,) = wrong((SECOND, "{name: adam, schedule: {name: StepLRs}}"))
    assert sentence.startswith("c.yaml:9:39: optimizers.0.stages.1.schedule.name: must be 'Const")


def test_no_stages_are_refused():
    (sentence,) = wrong((f"\n      - {FIRST}\n      - {SECOND}", " []"))
    assert sentence == "c.yaml:7:13: optimizers.0.stages: give at least one stage"


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ([GD | {"multipliers": [1.0]}], "stages.0: multipliers: 3 layers need 3 numbers (got 1)"),
        ([GD | {"epochs": 0}, PW | {"epochs": 0}], "stages: at least one must have epochs"),
        (
            [GD, {"name": "random_features", "schedule": {"name": "StepLR", "step_size": 2}}],
            "stages.1: schedule: this optimizer has no option lr",
        ),
        (
            [{"name": "evolution_strategy", "schedule": {"name": "ReduceLROnPlateau"}}],
            "stages.0: schedule: ReduceLROnPlateau needs the loss of the optimizer's forward pass",
        ),
        ([GD, {"name": "adam", "beta": 1}], "stages.1: torch.optim.Adam refuses its options"),
        (
            [PW | {"schedule": {"name": "StepLR"}}],
            "stages.0: schedule: torch.optim.lr_scheduler.StepLR refuses its options",
        ),
        ([GD, {"name": "sparseadam"}], "stages.1: sparseadam needs sparse gradients"),
    ],
)
def test_what_a_stage_refuses_is_reported_with_its_number(stages, said):
    with pytest.raises(ValueError) as caught:
        sequence(*stages).check(3)
    assert str(caught.value).startswith(said)


def test_no_optimizer_has_an_option_that_a_stage_would_take_for_its_own():
    taken = {name: set(rule.model_fields) & set(EXTRA) for name, rule in optimizers.items()}
    assert not any(taken.values())


def the_run(*pieces):
    (run,) = plan_runs(experiment(*pieces), RunSettings(out=Path("nowhere"), device="cpu"))
    return run


def test_what_a_stage_says_or_leaves_out_is_in_the_id():
    ids = [
        the_run(*pieces).id
        for pieces in (
            [],
            [("lr: 0.5", "lr: 0.25")],
            [("epochs: 2", "epochs: 3")],
            [("lr: 0.5", "lr: 0.5, epochs: 9")],
            [("lr: 0.5", "lr: 0.5, schedule: {name: StepLR, step_size: 2}")],
            [("lr: 0.5", "lr: 0.5, schedule: {name: StepLR, step_size: 3}")],
            [("position_wise", "adam")],
            [(SECOND, f"{SECOND}\n      - {{name: adam}}")],
            [(f"{FIRST}\n      - {SECOND}", f"{SECOND}\n      - {FIRST}")],
        )
    ]  # fmt: skip
    assert len(set(ids)) == len(ids)
    written_out = the_run(("lr: 0.5", "lr: 5.0e-1, momentum: 0, schedule: null"))
    assert written_out.id == the_run().id


def test_differences_are_found_in_a_stages_options():
    one, other = the_run(), the_run(("lr: 0.5", "lr: 0.25"))
    assert set(find_differences([one.identity, other.identity])) == {"optimizer.options.stages"}


RULE = '''"""A rule in a file of its own. Cost per update: one pass. Source: this test."""

from gfopt import Optimizer


class Outside(Optimizer):
    """No options."""

    def init(self, problem, params, draw):
        return dict(params)

    def step(self, problem, state, at):
        return {key: 0.9 * p for key, p in state.items()}
'''


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """Register the rule of a source as `outside`, as an installed package would."""

    def put(source):
        path = tmp_path / "outside.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location("outside_of_gfopt", path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "outside_of_gfopt", module)
        spec.loader.exec_module(module)
        held.close()
        held.enter_context(optimizers.register_temporarily("outside", module.Outside))

    with ExitStack() as held:
        yield put


def test_the_source_of_a_stages_optimizer_is_in_the_id(outside, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    ids = {}
    for change in ("0.9", "0.8", "0.9 "):
        outside(RULE.replace("0.9", change))
        ids[change] = the_run(("position_wise", "outside")).id
    assert ids["0.9"] == ids["0.9 "] != ids["0.8"]
    assert ids["0.9"] != the_run().id


def test_the_resolved_config_of_a_run_makes_the_same_run():
    pieces = ("lr: 0.5", "lr: 0.5, schedule: {name: StepLR, step_size: 2}")
    run = the_run(pieces)
    own = {"name": run.entry.name, "label": "x"} | run.entry.training_options()
    own |= own.pop("options")
    text = json.dumps({"optimizers": [own], "seeds": [1]} | experiment(pieces).conditions())
    (again,) = plan_runs(
        load(text, "again.yaml", Path()), RunSettings(out=Path("nowhere"), device="cpu")
    )
    assert again.id == run.id


def test_a_run_on_disk_has_the_stage_of_each_evaluation(tmp_path):
    write_data(tmp_path)
    text = CONFIG.replace("{name: digits, scale: unit}", DATA)
    race = Race(load(text, "c.yaml", tmp_path), RunSettings(out=tmp_path))
    race.run(Silent())
    (record,) = race.records
    (folder,) = (tmp_path / "two").rglob(record.id)
    assert [row.stage for row in read_history(folder)] == [1, 1, 1, 2, 2]
    assert record.status is Status.BUDGET
