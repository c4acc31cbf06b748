"""Claims and evidence made by hand; claims files with their own configs; the command on them."""

from __future__ import annotations

import csv
from textwrap import dedent

import pytest
from typer.testing import CliRunner

from gfopt.cli import app
from gfopt.config.validation import validate
from gfopt.studies.reproduce.claims import checks
from tests.record_factory import record

SETTINGS = """\
name: small
dataset: {name: digits, scale: unit}
model: {hidden: [4, 3]}
loss: cross_entropy
optimizers:
  - {name: gradient_descent, lr: 0.5}
  - {name: position_wise, lr: 0.5}
  - {name: gradient_descent, lr: 0.5, multipliers: [1, 2, 3], label: rates}
budget: {epochs: 3}
"""
SUGAR = """\
name: sugar
dataset: {name: diabetes, scale: unit}
model: {hidden: [3]}
loss: mse
optimizers: [{name: evolution_strategy, members: 4}]
budget: {epochs: 2}
"""
BIG = SETTINGS.replace("small", "big").replace("digits, scale: unit", "mnist")
OPTIMIZER = """\
from gfopt import Optimizer


class Mine(Optimizer):
    def init(self, problem, params, draw):
        return params

    def step(self, problem, state, at):
        if at.a[0].shape[-1]:
            raise RuntimeError("no | such luck")
        return state
"""
OWN = """\
name: own
dataset: {name: digits, scale: unit}
loss: cross_entropy
optimizers: [{file: mine.py, label: mine}]
budget: {epochs: 1}
"""


EASY = {"a": [record(label="a", target_value=3.2494, class_prior=3.24904)]}
HARD = {"a": [record(label="a", target_value=0.1, class_prior=0.5)]}


class HandmadeEvidence:
    """Values by label and quantity, one per seed from 1 (repeats from 0); records by label."""

    def __init__(self, records=None, **values):
        self._records, self._values = records or {}, values

    def read_values(self, measure):
        found = self._values[measure.label]
        found = found[measure.value] if isinstance(found, dict) else found
        return dict(enumerate(found, start=0 if measure.timed else 1))

    def read_records(self, measure):
        return self._records.get(measure.label, [record(label=measure.label, target=None)])


def measure(label, value="epochs", seeds="1-100", **given):
    return {"config": "race", "label": label, "value": value, "seeds": seeds} | given


def claim(check, of="a", **given):
    """A claim of a check; `of` and `than` may be labels."""
    for name in ("than", "elsewhere"):
        if isinstance(given.get(name), str):
            given[name] = measure(given[name])
    of = measure(of) if isinstance(of, str) else of
    values = {"id": "mine", "system": "x", "says": "it", "source": "here", "of": of} | given
    made, complaints = validate(checks[check], values)
    assert complaints == []
    return made


def judge(made, records=None, **values):
    """The two verdicts and the sentence."""
    verdict = made.judge(HandmadeEvidence(records, **values))
    return str(verdict.reproduced), str(verdict.supported), verdict.sentence


def assert_facts(sentence, *facts):
    """Each fact, a number, a name or a key word, is in the sentence."""
    assert [fact for fact in facts if fact not in sentence] == [], sentence


@pytest.fixture
def write(tmp_path):
    """Write a claims file and its config into a folder; the file's path."""

    def written(text, config=SETTINGS):
        (tmp_path / "small.yaml").write_text(config)
        path = tmp_path / "claims.yaml"
        path.write_text(dedent(text))
        return path

    return written


class Command:
    """Runs gfopt reproduce on claims in a folder of their own; reads what it wrote."""

    def __init__(self, folder):
        self.folder, self.results = folder, folder / "results"
        for name, text in {"small": SETTINGS, "sugar": SUGAR, "big": BIG, "own": OWN}.items():
            (folder / f"{name}.yaml").write_text(text)
        (folder / "mine.py").write_text(OPTIMIZER)
        (folder / "empty").mkdir()

    def __call__(self, text, *words):
        (self.folder / "claims.yaml").write_text(text)
        given = ["--claims", "claims.yaml", "--device", "cpu", "--threads", "1", *words]
        given += ["--offline", "--data", "empty"]
        return CliRunner().invoke(app, ["reproduce", *given])

    def verdicts(self):
        """(number reproduced, claim supported) of each claim, by name."""
        return {
            row["id"]: (row["number_reproduced"], row["claim_supported"]) for row in self.rows()
        }

    def sentences(self):
        return {row["id"]: row["sentence"] for row in self.rows()}

    def rows(self):
        with (self.results / "reproduction.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def report(self):
        return (self.results / "reproduction.md").read_text("utf-8")


@pytest.fixture
def reproduce(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Command(tmp_path)
