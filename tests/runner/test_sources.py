"""The sources behind a run id: every numerical file that computes a run, and no other.

A copy of the package is edited file by file: a run's digest must follow the files that compute it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import gfopt
from gfopt.backends.cuda_graph import CudaGraphBackend, prepare_replay
from gfopt.config.loading import load
from gfopt.runner.identity import find_roots
from gfopt.runner.settings import RunSettings
from gfopt.runner.sources import find_sources
from gfopt.runner.train import make_task, train_seeds
from tests.backends.test_cuda_graph import Captures

PACKAGE = Path(gfopt.__file__).resolve().parent
CONFIG = """\
dataset: {name: digits, scale: unit, validation: 300}
model: {hidden: [2], init: fan_in_normal}
precision: float64
loss: mse
optimizers:
  - {name: gradient_descent, lr: 0.1}
  - {name: adam, lr: 0.01}
  - {name: parameter_search, count: 3}
  - {name: evolution_strategy, members: 4}
target: {valid_accuracy: 0.99}
budget: {epochs: 2}
"""
CASES = [  # optimizer by its place in CONFIG, backend
    (0, "plain"),
    (1, "numba"),
    (0, "cuda_graph"),
    (2, "numba"),
    (3, "numba"),
]
REPORTING = ["report/", "analysis/", "records/", "cli/", "studies/", "config/", "api.py"]
cases = pytest.mark.parametrize(("place", "backend"), CASES)


def list_sources(place, backend):
    """The files in the digest of a run, relative to the package."""
    experiment = load(CONFIG, "c.yaml", Path(), [])
    files = find_sources(find_roots(experiment, experiment.entries[place], backend))
    return {file.relative_to(PACKAGE).as_posix() for file in files}


def list_files_that_compute(place, backend):
    """The files of gfopt with a function that is called while the run is trained."""
    experiment = load(CONFIG, "c.yaml", Path(), [])
    entry, called = experiment.entries[place], set()
    task = make_task(experiment, RunSettings(device="cpu"))
    terms = experiment.terms()
    train_seeds(task, entry, entry.optimizer, backend, terms, [1])  # compiles what is to compile

    def note(frame, event, argument):
        called.add(frame.f_code.co_filename)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        train_seeds(task, entry, entry.optimizer, backend, terms, [1, 2])
    finally:
        sys.setprofile(before)
    inside = (Path(name).resolve() for name in called if name.startswith(str(PACKAGE)))
    return {file.relative_to(PACKAGE).as_posix() for file in inside}


@cases
def test_every_file_that_is_called_during_training_is_a_source(place, backend, monkeypatch):
    monkeypatch.setattr(  # a GPU is faked, as in tests/backends
        CudaGraphBackend, "prepare", lambda self, *args: _Context(prepare_replay(*args, Captures()))
    )
    called = list_files_that_compute(place, backend)
    assert {"engine/loop.py", "engine/target.py", "model/dense.py", "runner/train.py"} <= called
    names = {"registry.py", "options.py"}  # look a name up, hold options: they compute nothing
    assert called - names <= list_sources(place, backend)


class _Context:
    def __init__(self, value):
        self.value = value

    def __enter__(self):
        return self.value

    def __exit__(self, *error):
        pass


@pytest.mark.parametrize(
    ("place", "backend", "expected"),
    [
        (0, "plain", {"optimizers/gradient_descent.py", "backends/plain.py"}),
        (1, "numba", {"backends/numba/descent.py", "backends/numba/torch_optim.py"}),
        (0, "cuda_graph", {"backends/cuda_graph.py"}),
        (2, "numba", {"numerics/kernels/parameter_search_rows.py"}),
        (3, "numba", {"numerics/kernels/population.py", "numerics/device_noise.py"}),
    ],
)
def test_a_run_has_the_files_of_its_optimizer_and_its_backend(place, backend, expected):
    always = {"engine/loop.py", "engine/target.py", "engine/budget.py", "datasets/digits.py"}
    assert expected | always <= list_sources(place, backend)


def test_a_plain_run_has_no_file_of_other_backends_optimizers_losses_or_data_sets():
    found = list_sources(0, "plain")
    own = {
        "backends": {"__init__", "base", "plain"},
        "optimizers": {"__init__", "base", "schedule", "gradient_descent"},
        "model/losses": {"__init__", "base", "mse"},
    }
    for folder, names in own.items():
        assert {f for f in found if f.startswith(f"{folder}/")} == {
            f"{folder}/{n}.py" for n in names
        }
    assert not {f for f in found if "kernels" in f or f == "datasets/cat.py"}
    packages = {file.partition("/")[0] for file in found - {"runner/train.py"}}
    assert packages == {"backends", "datasets", "engine", "model", "numerics", "optimizers"}


LOOP = r'''
import json, sys
from pathlib import Path
import gfopt
from gfopt.config.loading import load
from gfopt.runner.identity import find_roots
from gfopt.runner.sources import digest_sources, find_sources

CONFIG, CASES, REPORTING = json.loads(sys.argv[1])
PACKAGE = Path(gfopt.__file__).resolve().parent
assert str(PACKAGE).startswith(sys.argv[2])
experiment = load(CONFIG, "c.yaml", Path(), [])
roots = [find_roots(experiment, experiment.entries[place], backend) for place, backend in CASES]
digest = lambda: [digest_sources(some) for some in roots]
before = digest()


def edit(files, change):
    """The cases whose digest changes with these files; afterwards they are as before."""
    texts = {file: file.read_text("utf-8") for file in files}
    for file, text in texts.items():
        file.write_text(change(text), "utf-8")
    now = digest()
    for file, text in texts.items():
        file.write_text(text, "utf-8")
    return [i for i, (one, other) in enumerate(zip(before, now)) if one != other]


count = lambda text: text + "\n_changed = 1\n"
files = {file.relative_to(PACKAGE).as_posix(): file for file in sorted(PACKAGE.rglob("*.py"))}
reporting = [file for name, file in files.items() if name.startswith(tuple(REPORTING))]
changed = {
    "number": {name: edit([f], count) for name, f in files.items() if f not in reporting},
    "reporting": edit(reporting, count),
    "comment": edit(files.values(), lambda text: "# about it\n" + text + "\n# more\n"),
    "docstring": edit(files.values(), lambda text: text.replace('"""', '"""Again: ', 1)),
    "import": edit(files.values(), lambda text: text + "\nfrom gfopt.errors import GfoptError\n"),
}
assert digest() == before and len(reporting) > 50

moved, text = PACKAGE / "numerics" / "waves.py", (PACKAGE / "numerics" / "cosine.py").read_text()
(PACKAGE / "numerics" / "cosine.py").rename(moved)
for file in PACKAGE.rglob("*.py"):
    text = file.read_text("utf-8")
    file.write_text(text.replace("gfopt.numerics.cosine", "gfopt.numerics.waves"), "utf-8")
assert moved in find_sources(roots[0])
changed["move"] = [i for i, (one, other) in enumerate(zip(before, digest())) if one != other]
print(json.dumps(changed))
'''


@pytest.fixture(scope="module")
def edited(tmp_path_factory):
    """By kind of edit, the cases whose digest changes; by file for a number."""
    copy = tmp_path_factory.mktemp("copy")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, copy / "gfopt", ignore=ignore)
    shutil.copytree(PACKAGE.parent / "configs", copy / "configs")
    ask = [sys.executable, "-c", LOOP, json.dumps([CONFIG, CASES, REPORTING]), str(copy.resolve())]
    done = subprocess.run(
        ask, cwd=copy, env={"PYTHONPATH": str(copy)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.long
def test_a_number_in_a_source_changes_the_digest_of_the_runs_that_it_computes(edited):
    for i, case in enumerate(CASES):
        files = {file for file, changed in edited["number"].items() if i in changed}
        assert files == list_sources(*case)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["reporting", "comment", "docstring", "import", "move"])
def test_what_computes_nothing_changes_no_digest(edited, kind):
    """Reporting files; comments, docstrings and gfopt's imports in any file; moving a file."""
    assert edited[kind] == []
