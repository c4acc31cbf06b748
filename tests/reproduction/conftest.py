"""Claims and evidence made by hand, and a claims file with configs of its own in a folder."""

from __future__ import annotations

from textwrap import dedent

import pytest

from gfopt.config.validation import validate
from gfopt.reproduction.claims import checks
from tests.reading.factory import record

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


EASY = {"a": [record(label="a", target_value=3.2494, class_prior=3.24904)]}
HARD = {"a": [record(label="a", target_value=0.1, class_prior=0.5)]}


class Evidence:
    """Values by label and quantity, a seed each from 1; records by label."""

    def __init__(self, records=None, **values):
        self._records, self._values = records or {}, values

    def values(self, measure):
        found = self._values[measure.label]
        found = found[measure.value] if isinstance(found, dict) else found
        return dict(enumerate(found, start=0 if measure.timed else 1))

    def records(self, measure):
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


def judged(made, records=None, **values):
    """The two verdicts and the sentence."""
    verdict = made.judge(Evidence(records, **values))
    return str(verdict.reproduced), str(verdict.supported), verdict.sentence


@pytest.fixture
def write(tmp_path):
    """Write a claims file and its config into a folder; the file's path."""

    def written(text, config=SETTINGS):
        (tmp_path / "small.yaml").write_text(config)
        path = tmp_path / "claims.yaml"
        path.write_text(dedent(text))
        return path

    return written
