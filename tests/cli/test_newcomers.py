"""What a tired newcomer ran into, each once."""

from __future__ import annotations

import json
import shutil

import pytest

import gfopt as package
from tests.cli.conftest import DATA

YAML = f"""
name: own
dataset: {DATA}
loss: cross_entropy
optimizers:
  - {{file: mine.py, label: mine}}
  - {{name: gradient_descent, lr: 0.5}}
target: {{valid_accuracy: 0.5}}
budget: {{epochs: 100}}
seeds: 1-2
"""
OPTIMIZER = """
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
def race(gfopt):
    """Run the config with an optimizer whose file has an import line and a line in its step."""
    (gfopt.folder / "own.yaml").write_text(YAML)

    def run(imports="", line="pass", *options):
        (gfopt.folder / "mine.py").write_text(OPTIMIZER % (imports, line))
        return gfopt("run", "own.yaml", *options)

    return run


def test_a_failed_seed_gets_a_warning_under_the_table(race, gfopt):
    ran = race("", "assert int(state['seed']) == 1, 'seed 2 is bad'")
    table = (gfopt.folder / "results" / "own" / "table.md").read_text()
    assert ran.exit_code == 3
    (warning,) = [line for line in table.splitlines() if "WARNING" in line and "failed" in line]
    assert "mine" in warning
    assert "1" in warning


def test_an_edited_helper_beside_the_optimizer_repeats_its_runs_alone(race, gfopt):
    (gfopt.folder / "gfopt_test_helper.py").write_text("K = 1\n")
    imports, line = (
        "from gfopt_test_helper import K",
        "gradient = {k: K * g for k, g in gradient.items()}",
    )

    def count_epochs():
        records = json.loads(race(imports, line, "--json").stdout)[0]["records"]
        return {(record["label"], record["seed"]): record["epochs"] for record in records}

    assert "6 to run" in race(imports, line).stderr
    assert "nothing to run" in race(imports, line).stderr
    before = count_epochs()
    (gfopt.folder / "gfopt_test_helper.py").write_text("K = 0.1\n")
    assert "4 to run, 2 cached" in race(imports, line).stderr
    changed = {run for run, epochs in count_epochs().items() if epochs != before[run]}
    assert changed == {("mine", 1), ("mine", 2)}


def test_an_optimizer_that_draws_without_its_seed_is_an_error(race):
    ran = race("", "gradient = {k: torch.randn_like(g) for k, g in gradient.items()}")
    assert ran.exit_code == 3
    assert "two steps from the same state differ" in ran.stderr


def test_what_an_optimizer_prints_stays_out_of_the_data(race):
    ran = race("", "print('here')", "--json")
    assert json.loads(ran.stdout)[0]["experiment"] == "own"
    assert "here" in ran.stderr


def test_a_users_optimizer_takes_mini_batches(race, gfopt):
    text = YAML.replace("label: mine", "label: mine, batch_size: 20")
    (gfopt.folder / "own.yaml").write_text(text)
    assert race().exit_code == 0


def test_an_unknown_key_of_an_entry_names_the_keys_of_every_entry_too(race, gfopt):
    (gfopt.folder / "own.yaml").write_text(YAML.replace("lr: 0.5", "batchsize: 100"))
    assert "Did you mean 'batch_size'?" in race().stderr


def test_a_copied_run_is_reported_once(race, gfopt):
    race()
    shutil.copytree("results", "copy")
    ran = gfopt("report", "results", "copy", "--format", "json")
    assert {row["seeds"] for row in json.loads(ran.stdout)["rows"]} == {2}


def test_a_report_names_the_broken_record_that_it_skips(race, gfopt):
    race()
    broken = next((gfopt.folder / "results" / "own" / "runs").iterdir()) / "record.json"
    broken.write_text("[]")
    ran = gfopt("report", "results")
    assert ran.exit_code == 0
    (line,) = ran.stderr.splitlines()
    assert "skipped" in line
    assert str(broken.relative_to(gfopt.folder)) in line


def test_a_run_without_its_history_is_repeated(race, gfopt):
    race()
    (next((gfopt.folder / "results" / "own" / "runs").iterdir()) / "history.csv").unlink()
    assert "1 to run, 5 cached" in race().stderr


def test_a_report_of_a_missing_folder_is_an_error(race, gfopt):
    race()
    ran = gfopt("report", "results", "nope")
    assert ran.exit_code == 2
    assert "nope: no such folder" in ran.stderr


@pytest.mark.parametrize("seeds", ["1-2", [1, 2], range(1, 3)])
def test_seeds_from_python_are_numbers_or_the_configs_text(gfopt, seeds):
    found = package.run(gfopt.config(), seeds=seeds, out=gfopt.folder / "out")
    assert {record.seed for record in found.records} == {1, 2}
