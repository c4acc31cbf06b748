"""gfopt as a user types it: in a folder of its own, on a tiny data set, stdout and stderr apart."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from gfopt.cli import app

DATA = "{file: tiny.npz, validation: 12}"
TINY = f"""\
name: tiny
dataset: {DATA}
model: {{hidden: [4]}}
loss: cross_entropy
optimizers:
  - {{name: gradient_descent, lr: 0.5}}
budget: {{epochs: 2}}
"""
OPTIMIZER = """\
from gfopt import Optimizer


class Mine(Optimizer):
    lr: float = 0.1

    def init(self, problem, params, draw):
        return params

    def step(self, problem, state, at):
        gradient = problem.gradient(state, at)
        return {key: state[key] - self.lr * gradient[key] for key in state}
"""
BODY = OPTIMIZER[OPTIMIZER.index("        gradient") :]
STEP = BODY.replace("        ", "").rstrip()


def write_data(folder):
    """Write tiny.npz: 72 pictures, 1 x 8 x 8, in 10 classes: the data of TINY."""
    draw = np.random.RandomState(0)
    y = np.arange(72) % 10
    x = draw.uniform(size=(10, 1, 8, 8))[y] + 0.1 * draw.standard_normal((72, 1, 8, 8))
    np.savez(folder / "tiny.npz", x=x.astype(np.float32), y=y)


class Gfopt:
    """Invokes commands; writes configs and optimizers into the folder."""

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

    def optimizer(self, body=STEP, name="mine.py"):
        """Write an optimizer whose step has this body, and a config with it; the config's name."""
        (self.folder / name).write_text(
            OPTIMIZER.replace(BODY, "".join(f"        {b}\n" for b in body.split("\n")))
        )
        return self.config(("optimizers:\n", f"optimizers:\n  - {{file: {name}, label: mine}}\n"))

    def records(self, *words):
        """The records of a run with --json, by label."""
        (told,) = json.loads(self("run", *words, "--json").stdout, parse_constant=pytest.fail)
        return {record["label"]: record for record in told["records"]}


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory):
    """The bytes of tiny.npz."""
    folder = tmp_path_factory.mktemp("data")
    write_data(folder)
    return (folder / "tiny.npz").read_bytes()


@pytest.fixture
def gfopt(tmp_path, monkeypatch, tiny_data):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GFOPT_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "tiny.npz").write_bytes(tiny_data)
    return Gfopt(tmp_path)
