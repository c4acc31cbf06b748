"""gfopt as a user types it: in a folder of its own, stdout and stderr apart."""

import json

import pytest
from typer.testing import CliRunner

from gfopt.cli import app

TINY = """\
name: tiny
dataset: {name: digits, scale: unit}
model: {hidden: [4]}
loss: cross_entropy
optimizers:
  - {name: gradient_descent, lr: 0.5}
budget: {epochs: 2}
"""
RULE = """\
from gfopt import Optimizer


class Mine(Optimizer):
    lr: float = 0.1

    def init(self, problem, params, draw):
        return params

    def step(self, problem, state, at):
        gradient = problem.gradient(state, at)
        return {key: state[key] - self.lr * gradient[key] for key in state}
"""
BODY = RULE[RULE.index("        gradient") :]
STEP = BODY.replace("        ", "").rstrip()


class Gfopt:
    """Invokes commands; writes configs and rules into the folder."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, *words):
        """The result of a command line, which never shows a traceback unless asked to."""
        result = CliRunner().invoke(app, [str(word) for word in words])
        if "--debug" not in words:
            assert "Traceback" not in result.stdout + result.stderr
        return result

    def config(self, *pieces, name="tiny.yaml", text=TINY):
        """Write the text with each (old, new) replaced; its name."""
        for old, new in pieces:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (self.folder / name).write_text(text)
        return name

    def rule(self, body=STEP, name="mine.py"):
        """Write a rule whose step has this body, and a config that races it; the config's name."""
        (self.folder / name).write_text(
            RULE.replace(BODY, "".join(f"        {b}\n" for b in body.split("\n")))
        )
        return self.config(("optimizers:\n", f"optimizers:\n  - {{file: {name}, label: mine}}\n"))

    def records(self, *words):
        """The records of a run with --json, by label."""
        (told,) = json.loads(self("run", *words, "--json").stdout, parse_constant=pytest.fail)
        return {record["label"]: record for record in told["records"]}


@pytest.fixture
def gfopt(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GFOPT_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Gfopt(tmp_path)
