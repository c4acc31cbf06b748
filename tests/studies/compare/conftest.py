"""Two folders, base and head, each with a config, an optimizer of its own and its data.

Runs of the same config are the same in every test: they are made once and cached in one folder.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from gfopt.records.record import SCHEMA
from tests.cli.conftest import OPTIMIZER, Gfopt
from tests.record_factory import record

CONFIG = """\
name: race
dataset: {file: points.csv, target: kind}
model: {hidden: [4], activation: tanh}
loss: cross_entropy
optimizers:
  - {file: rule.py, label: mine, lr: 0.1}
  - {name: gradient_descent, lr: 0.1}
target: {train_loss: 0.4}
budget: {epochs: 400}
seeds: 1-3
"""
SLOWED = ("self.lr *", "0.5 * self.lr *")


class Sides(Gfopt):
    """Invokes commands; writes either side's files."""

    def __init__(self, folder, cache):
        super().__init__(folder)
        self.cache = cache  # for --out: finished runs of other tests, not to be counted

    def side(self, name, *pieces, optimizer=()):
        """Write a side's folder with each (old, new) replaced in its config; the config's path."""
        folder = Path(name)
        folder.mkdir(exist_ok=True)
        self.points(folder / "points.csv")
        text = OPTIMIZER
        for old, new in [optimizer] if optimizer else []:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (folder / "rule.py").write_text(text)
        return self.config(*pieces, name=f"{name}/race.yaml", text=CONFIG)

    def points(self, file, seed=0):
        """Two clouds of points in the plane."""
        draw = np.random.default_rng(seed)
        rows = [f"{x:.3f},{y:.3f},a" for x, y in draw.normal(1, 1, (12, 2))]
        rows += [f"{x:.3f},{y:.3f},b" for x, y in draw.normal(-1, 1, (12, 2))]
        file.write_text("\n".join(["x,y,kind", *rows]) + "\n")

    def run(self, *words):
        """`gfopt compare ...` with the shared cache."""
        return self("compare", *words, "--out", self.cache)

    def compare(self, *words, out=None):
        """The exit code and the values of `gfopt compare ... --json`."""
        done = self("compare", *words, "--json", "--quiet", "--out", out or self.cache)
        values = json.loads(done.stdout, parse_constant=pytest.fail)
        return done.exit_code, values


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache") / "results"


@pytest.fixture
def sides(tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GFOPT_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Sides(tmp_path, cache)


def downgrade(values):
    """A record as schema 2 has it, as plain values."""
    old = {"numba": "compiled", "cuda_graph": "graph"}
    path = old.get(values["backend"], values["backend"])
    kept = {key: value for key, value in values.items() if key not in ("backend", "limit")}
    identity = {key: value for key, value in values["identity"].items() if key != "backend"}
    identity |= {"record_schema": 2, "path": path}
    return kept | {"record_schema": 2, "path": path, "identity": identity}


STUB = """\
#!{python} -S
import json, sys
answers = json.load(open({answers!r}))
log = open({log!r}, "a+")
log.seek(0)
calls = [json.loads(line)[0] for line in log]
log.write(json.dumps([{name!r}, sys.argv[1:]]) + "\\n")
if answers["code"] not in (0, 3):
    sys.stderr.write(answers["stderr"])
    sys.exit(answers["code"])
words = sys.argv[1:]
seeds = [int(words[words.index("--seeds") + 1])] if "--seeds" in words else [1, 2]
seconds = answers["seconds"][calls.count({name!r})]
records = [dict(answers["record"], seed=seed, seconds=seconds) for seed in seeds]
print(json.dumps([{{"records": records, "failed": answers["failed"]}}]))
sys.exit(answers["code"])
"""


class Stub:
    """A stand-in for a Python with a gfopt: canned records, its n-th call has the n-th seconds."""

    def __init__(self, folder):
        self._folder = folder

    def __call__(self, name, seconds=(1.0,) * 99, *, code=0, stderr="", failed=(), **given):
        """Write the script; its path. `schema` 2 makes it one of the gfopt before."""
        answers, log = self._folder / f"{name}.json", self._folder / "calls"
        schema = given.pop("schema", SCHEMA)
        run = record(id="0" * 64, **given).model_dump(mode="json")
        if schema == 2:
            run = downgrade(run)
        run["record_schema"] = schema
        told = {"record": run, "seconds": list(seconds), "code": code, "stderr": stderr}
        answers.write_text(json.dumps(told | {"failed": list(failed)}))
        script = self._folder / f"python-{name}"
        values = {"answers": str(answers), "log": str(log), "name": name}
        script.write_text(STUB.format(python=sys.executable, **values))
        script.chmod(0o755)
        return script

    @property
    def calls(self):
        """(name, arguments) of each call so far."""
        return [json.loads(line) for line in (self._folder / "calls").read_text().splitlines()]


@pytest.fixture
def stub(tmp_path):
    return Stub(tmp_path)
