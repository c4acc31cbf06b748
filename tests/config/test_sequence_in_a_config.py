"""Sequences in a config: what is said of a stage that is wrong, and what of it is in a run's id."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

import gfopt
from gfopt.config.experiment import load
from gfopt.errors import UsageError
from gfopt.identity import differences
from gfopt.optimizers import optimizers
from gfopt.plans import plan
from gfopt.records import Status, read_history
from tests.unit.test_sequence import EXTRA, GD, PW, sequence

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


def test_a_wrong_option_of_a_stage_is_told_with_its_place():
    assert wrong(("lr: 0.5", "lr: 0")) == [
        "c.yaml:9:38: optimizers.0.stages.1.lr: must be > 0 (got 0)"
    ]
    assert wrong(("epochs: 2", "epochs: -1")) == [
        "c.yaml:8:39: optimizers.0.stages.0.epochs: must be >= 0 (got -1)"
    ]
    assert wrong(("lr: 0.5", "lr: 0.5, momentum: '0.1'")) == [
        'c.yaml:9:53: optimizers.0.stages.1.momentum: must be a number (got "0.1")'
    ]


def test_everything_that_is_wrong_in_the_stages_is_told_at_once():
    assert wrong(("epochs: 2", "lr: -1"), ("lr: 0.5", "lr: 0, multipliers: 3")) == [
        "c.yaml:8:35: optimizers.0.stages.0.lr: must be > 0 (got -1)",
        "c.yaml:9:38: optimizers.0.stages.1.lr: must be > 0 (got 0)",
        "c.yaml:9:54: optimizers.0.stages.1.multipliers: must be a list (got 3)",
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


def test_an_unknown_rule_of_a_stage_gets_the_nearest():
    (sentence,) = wrong(("position_wise", "position_wize"))
    assert sentence.startswith(
        "c.yaml:8:16: optimizers.0.stages.0.name: unknown optimizer 'position_wize'. "
        "Did you mean 'position_wise'? Known: "
    )


def test_what_is_no_stage_is_told():
    assert wrong((SECOND, "{lr: 0.5}")) == [
        "c.yaml:9:9: optimizers.0.stages.1.name: this key is missing"
    ]
    assert wrong((SECOND, "{name: sequence}")) == [
        (
            "c.yaml:9:16: optimizers.0.stages.1.name: "
            "a sequence is no stage of another: give its stages here"
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
        ([GD | {"epochs": 0}, PW | {"epochs": 0}], "stages: all have 0 epochs"),
        (
            [GD, {"name": "random_features", "schedule": {"name": "StepLR", "step_size": 2}}],
            "stages.1: schedule: this rule has no lr",
        ),
        (
            [{"name": "evolution_strategy", "schedule": {"name": "ReduceLROnPlateau"}}],
            "stages.0: schedule: ReduceLROnPlateau reads the loss of the rule's own forward pass",
        ),
        ([GD, {"name": "adam", "beta": 1}], "stages.1: torch.optim.Adam refuses its options"),
        (
            [PW | {"schedule": {"name": "StepLR"}}],
            "stages.0: schedule: torch.optim.lr_scheduler.StepLR refuses its options",
        ),
        ([GD, {"name": "sparseadam"}], "stages.1: sparseadam needs sparse gradients"),
    ],
)
def test_what_a_stage_refuses_is_told_with_its_number(stages, said):
    with pytest.raises(ValueError) as caught:
        sequence(*stages).check(3)
    assert str(caught.value).startswith(said)


def test_no_rule_has_an_option_that_a_stage_would_take_for_its_own():
    taken = {name: set(rule.model_fields) & set(EXTRA) for name, rule in optimizers.items()}
    assert not any(taken.values())


def the_run(*pieces):
    (run,) = plan(experiment(*pieces), Path("nowhere"), "cpu")
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
    assert differences(one.identity, other.identity) == ["optimizer.options.stages"]


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
        assert len(optimizers)
        monkeypatch.setitem(optimizers._entries, "outside", module.Outside)

    return put


def test_the_source_of_a_stages_rule_is_in_the_id(outside, monkeypatch):
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
    own = {"name": run.entry.name, "label": "x"} | run.entry.settings()
    own |= own.pop("options")
    import json

    text = json.dumps({"optimizers": [own], "seeds": [1]} | experiment(pieces).conditions())
    (again,) = plan(load(text, "again.yaml", Path()), Path("nowhere"), "cpu")
    assert again.id == run.id


def test_a_run_on_disk_has_the_stage_of_each_reading(tmp_path):
    (tmp_path / "c.yaml").write_text(CONFIG)
    result = gfopt.run(tmp_path / "c.yaml", out=tmp_path)
    (record,) = result.records
    (folder,) = (tmp_path / "two").rglob(record.id)
    assert [row.stage for row in read_history(folder)] == [1, 1, 1, 2, 2]
    assert record.status is Status.BUDGET
