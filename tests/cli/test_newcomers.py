"""What a tired newcomer ran into, each once."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

import gfopt
from gfopt.cli import app

YAML = """
dataset: {name: digits, scale: unit}
loss: cross_entropy
optimizers:
  - {file: rule.py, label: mine}
  - {name: gradient_descent, lr: 0.5}
target: {valid_accuracy: 0.5}
budget: {epochs: 30}
seeds: 1-2
"""
RULE = """
import torch
from gfopt import Optimizer, descend
%s

class Mine(Optimizer):
    def init(self, problem, params, draw):
        return params | {"lr": draw.full(0.5), "seed": draw.seed()}

    def step(self, problem, state, at):
        gradient = problem.gradient(state, at)
        %s
        return descend(state, gradient)
"""


@pytest.fixture
def race(tmp_path, monkeypatch):
    """Run the race with a rule whose file has an import line and a line in its step."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.yaml").write_text(YAML)

    def run(imports="", line="pass", *options):
        (tmp_path / "rule.py").write_text(RULE % (imports, line))
        return CliRunner().invoke(app, ["run", "own.yaml", *options])

    return run


def test_a_seed_that_failed_is_told_of_under_the_table(race, tmp_path):
    ran = race("", "assert int(state['seed']) == 1, 'seed 2 is bad'")
    table = (tmp_path / "results" / "own" / "table.md").read_text()
    assert ran.exit_code == 3
    assert "WARNING: 1 run of mine failed and is in no row" in table


def test_an_edited_helper_beside_the_rule_runs_the_rule_again(race, tmp_path):
    (tmp_path / "gfopt_test_helper.py").write_text("K = 1\n")
    imports, line = (
        "from gfopt_test_helper import K",
        "gradient = {k: K * g for k, g in gradient.items()}",
    )
    assert "6 to run" in race(imports, line).stderr
    assert "nothing to run" in race(imports, line).stderr
    (tmp_path / "gfopt_test_helper.py").write_text("K = 3\n")
    again = race(imports, line)
    assert "4 to run, 2 finished" in again.stderr
    epochs = {r["epochs"] for r in json.loads(race(imports, line, "--json").stdout)[0]["records"]}
    assert len(epochs) > 2


def test_a_rule_that_draws_without_its_seed_is_answered(race):
    ran = race("", "gradient = {k: torch.randn_like(g) for k, g in gradient.items()}")
    assert ran.exit_code == 3
    assert "two steps from the same state differ" in ran.stderr


def test_what_a_rule_prints_stays_out_of_the_data(race):
    ran = race("", "print('here')", "--json")
    assert json.loads(ran.stdout)[0]["experiment"] == "own"
    assert "here" in ran.stderr


def test_a_rule_of_ones_own_takes_mini_batches(race, tmp_path):
    (tmp_path / "own.yaml").write_text(YAML.replace("label: mine", "label: mine, batch_size: 100"))
    assert race().exit_code == 0


def test_an_unknown_key_of_an_entry_names_those_of_every_entry_too(race, tmp_path):
    (tmp_path / "own.yaml").write_text(YAML.replace("lr: 0.5", "batchsize: 100"))
    assert "Did you mean 'batch_size'?" in race().stderr


def test_a_copied_run_is_reported_once(race, tmp_path):
    race()
    shutil.copytree(tmp_path / "results", tmp_path / "copy")
    ran = CliRunner().invoke(app, ["report", "results", "copy", "--format", "json"])
    assert {row["seeds"] for row in json.loads(ran.stdout)["rows"]} == {2}


def test_a_broken_record_is_named_when_left_out_of_a_report(race, tmp_path):
    race()
    broken = next((tmp_path / "results" / "own" / "runs").iterdir()) / "record.json"
    broken.write_text("[]")
    ran = CliRunner().invoke(app, ["report", "results"])
    assert ran.exit_code == 0
    assert f"left out, no record of this gfopt: {broken.relative_to(tmp_path)}" in ran.stderr


def test_a_run_whose_history_is_gone_is_made_again(race, tmp_path):
    race()
    (next((tmp_path / "results" / "own" / "runs").iterdir()) / "history.csv").unlink()
    assert "1 to run, 5 finished" in race().stderr


def test_a_report_of_a_folder_that_is_not_there_says_so(race):
    race()
    ran = CliRunner().invoke(app, ["report", "results", "nope"])
    assert (ran.exit_code, "nope: no such folder" in ran.stderr) == (2, True)


@pytest.mark.parametrize("seeds", ["1-2", [1, 2], range(1, 3)])
def test_seeds_from_python_are_numbers_or_the_configs_text(seeds, tmp_path):
    found = gfopt.run("digits", seeds=seeds, settings=["budget.epochs=1"], out=tmp_path)
    assert {record.seed for record in found.records} == {1, 2}
