"""The workflow that gfopt compare --workflow prints: YAML, and its command line parses."""

from __future__ import annotations

import shlex

import typer.main
import yaml

from gfopt.cli import app


def workflow(sides):
    done = sides("compare", "--workflow")
    assert done.exit_code == 0
    return yaml.safe_load(done.stdout)


def test_its_gfopt_command_is_one_that_gfopt_takes(sides):
    steps = workflow(sides)["jobs"]["compare"]["steps"]
    lines = [line for step in steps for line in step.get("run", "").splitlines()]
    (line,) = [line for line in lines if "gfopt compare" in line]
    words = shlex.split(line)[2:]
    command = typer.main.get_command(app).commands["compare"]
    given = command.make_context("compare", words).params
    assert (given["base"], given["head"]) == ("base/$CONFIG", "head/$CONFIG")
    assert given["on"] == "epochs"
    assert str(given["summary"]) == "$GITHUB_STEP_SUMMARY"
    assert str(given["base_python"]) == "env-base/bin/python"
    assert str(given["head_python"]) == "env-head/bin/python"


def test_its_variables_and_folders_are_those_that_it_sets_up(sides):
    found = workflow(sides)
    assert {"CONFIG", "SEEDS", "TOLERANCE"} == set(found["env"])
    checkouts = [step["with"]["path"] for step in found["jobs"]["compare"]["steps"][:2]]
    assert checkouts == ["base", "head"]
