"""Run ids: what changes them, what doesn't, and how little they need."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gfopt.config.loading import load
from gfopt.config.packaged_configs import find_packaged_configs, load_config
from gfopt.runner.identity import digest, identify
from gfopt.runner.plan import plan_runs
from gfopt.runner.settings import RunSettings
from tests.config.conftest import TINY

ENTRY = "{name: gradient_descent, lr: 0.5}"
MINE = '''"""My optimizer."""
from gfopt import Optimizer


class Mine(Optimizer):
    """What it does."""

    lr: float = 0.1

    def init(self, problem, params, draw):
        """Start."""
        return params

    def step(self, problem, state, at):
        return state  # nothing yet
'''


def runs(*pieces, folder=Path(), changes=()):
    """The planned runs of TINY with each (old, new) replaced, by label and seed; no repeats."""
    text = TINY
    for old, new in pieces:
        assert old in text
        text = text.replace(old, new, 1)
    experiment = load(text, "c.yaml", folder, list(changes))
    settings = RunSettings(out=Path("nowhere"), device="cpu")
    planned = plan_runs(experiment, settings)
    return {(r.entry.label, r.seed): r for r in planned if r.repeat == 1}


def the_id(*pieces, label="gradient_descent", **where):
    return runs(*pieces, **where)[label, 1].id


@pytest.mark.parametrize(
    "piece",
    [
        ("lr: 0.5", "lr: 0.25"),
        ("lr: 0.5", "lr: 0.5, momentum: 0.1"),
        ("lr: 0.5", "lr: 0.5, multipliers: [1, 1]"),
        ("lr: 0.5", "lr: 0.5, batch_size: 32"),
        ("gradient_descent", "position_wise"),
        ("cross_entropy", "softmax_bce"),
        ("cross_entropy", "{name: softmax_bce, signal: 'true'}"),
        ("[8]", "[9]"),
        ("[8]", "[8]\n  activation: tanh"),
        ("[8]", "[8]\n  init: normal"),
        ("[8]", "[8]\n  output_bias: false"),
        ("name: tiny", "precision: float64"),
        ("scale: unit", "scale: raw"),
        ("name: digits, scale: unit", "name: mnist, validation: 10"),
        ("valid_accuracy: 0.5", "valid_accuracy: 0.6"),
        ("valid_accuracy: 0.5", "train_loss: 0.5"),
        ("target: {valid_accuracy: 0.5}\n", ""),
        ("epochs: 3", "epochs: 4"),
        ("epochs: 3", "epochs: 3, seconds: 5"),
    ],
)
def test_what_can_change_the_numbers_changes_the_id(piece):
    assert (
        the_id(piece, label="position_wise" if "position_wise" in piece[1] else "gradient_descent")
        != the_id()
    )


def test_the_signal_of_a_loss_changes_the_id():
    one, other = (
        the_id(("cross_entropy", f"{{name: softmax_bce, signal: '{s}'}}"))
        for s in ("true", "published")
    )
    assert one != other


def test_each_seed_has_its_own_id():
    assert len({r.id for r in runs(changes=["seeds=1-5"]).values()}) == 5


def test_device_kind_backend_timing_and_repeat_change_the_id():
    experiment = load(TINY, "c.yaml", Path(), [])
    entry = experiment.entries[0]
    ids = [
        digest(identify(experiment, entry, 1, device, backend, timed=timed, repeat=repeat))
        for device in ("cpu", "cuda")
        for backend in ("plain", "numba", "cuda_graph")
        for timed in (True, False)
        for repeat in (1, 2)
    ]
    assert len(set(ids)) == len(ids)


def test_reading_changes_the_id():
    target = ("valid_accuracy", "train_accuracy")
    assert the_id(target, ("name: tiny", "reading: as_published")) != the_id(target)


def test_the_interval_of_evaluations_changes_the_id():
    batches = ("lr: 0.5", "lr: 0.5, batch_size: 32")
    assert the_id(batches, ("name: tiny", "evaluate_every: 5 updates")) != the_id(batches)


def test_names_and_defaults_written_out_leave_the_id_as_it_was():
    assert the_id(("name: tiny", "name: another")) == the_id()
    assert the_id(("lr: 0.5", "lr: 0.5, label: mine"), label="mine") == the_id()
    assert the_id(("lr: 0.5", "lr: 5.0e-1, momentum: 0")) == the_id()
    assert the_id(("epochs: 3}", "epochs: 3, seconds: 3600}\nreading: end_of_epoch")) == the_id()


OTHERS = [
    ENTRY,
    "{name: adam, lr: 0.01}",
    "{name: position_wise}",
    "{name: gradient_descent, lr: 2}",
]


@given(order=st.permutations(OTHERS), seeds=st.lists(st.integers(0, 50), min_size=1, unique=True))
def test_neither_other_optimizers_nor_their_order_nor_other_seeds_matter(order, seeds):
    alone = runs(
        (ENTRY, "{name: gradient_descent, lr: 0.5, label: it}"), changes=[f"seeds={seeds}"]
    )
    listed = "\n  - ".join(e.replace("lr: 0.5}", "lr: 0.5, label: it}") for e in order)
    among = runs((ENTRY, listed), changes=[f"seeds={seeds}"])
    assert all(among[key].id == run.id for key, run in alone.items())


@given(lr=st.floats(1e-12, 1e12), other=st.floats(1e-12, 1e12))
def test_two_learning_rates_share_an_id_only_if_they_are_equal(lr, other):
    ids = [the_id(changes=[f"optimizers.0.lr={value!r}"]) for value in (lr, other)]
    assert (ids[0] == ids[1]) == (lr == other)


def file_id(folder, source, name="mine.py"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(source)
    return the_id((ENTRY, f"{{file: {name}, label: mine}}"), label="mine", folder=folder)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # nothing yet", ""),
        ('"""My optimizer."""\n', "# about it\n"),
        ('    """What it does."""\n', ""),
        ('"""Start."""', '"""Begin."""'),
        ("\n\n\n", "\n\n"),
        ("(self, problem, state, at)", "(\n        self, problem, state, at\n    )"),
    ],
)
def test_comments_docstrings_and_layout_of_a_users_file_do_not_count(tmp_path, old, new):
    assert old in MINE
    assert file_id(tmp_path, MINE.replace(old, new)) == file_id(tmp_path, MINE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return state", "return state | {}"),
        ("lr: float = 0.1", "lr: float = 0.2"),
        ("return params", "return dict(params)"),
        ("class Mine", "class Yours"),
        ("from gfopt import", "from gfopt import noise,"),
    ],
)
def test_each_line_of_a_users_file_counts(tmp_path, old, new):
    assert file_id(tmp_path, MINE.replace(old, new)) != file_id(tmp_path, MINE)


def test_the_path_of_a_users_file_does_not_count(tmp_path):
    assert file_id(tmp_path / "a", MINE) == file_id(tmp_path / "b", MINE, "renamed.py")


def test_a_users_file_leaves_the_ids_of_others_alone(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    assert the_id((ENTRY, f"{ENTRY}\n  - {{file: mine.py}}"), folder=tmp_path) == the_id()


def test_the_content_of_a_data_file_counts_and_its_path_does_not(tmp_path):
    def with_file(name, text):
        (tmp_path / name).write_text(text)
        pieces = ("{name: digits, scale: unit}", f"{{file: {name}}}"), ("valid_acc", "train_acc")
        return the_id(*pieces, folder=tmp_path)

    one = with_file("a.csv", "x,y\n1,0\n2,1\n")
    assert with_file("b.csv", "x,y\n1,0\n2,1\n") == one
    assert with_file("a.csv", "x,y\n1,0\n3,1\n") != one


def list_packaged_ids():
    settings = RunSettings(out=Path("nowhere"), device="cpu")
    return [
        run.id for name in find_packaged_configs() for run in plan_runs(load_config(name), settings)
    ]


SCRIPT = f"""
import sys
from pathlib import Path
from gfopt.config.packaged_configs import find_packaged_configs, load_config
from gfopt.runner.plan import plan_runs
from gfopt.runner.settings import RunSettings

{inspect.getsource(list_packaged_ids)}
print(*list_packaged_ids(), sep="\\n")
loaded = {{"torch", "torchvision", "h5py", "sklearn", "matplotlib"}} & set(sys.modules)
assert not loaded, loaded
"""


def test_ids_are_the_same_in_every_process_and_need_neither_torch_nor_data(tmp_path):
    environment = {"PYTHONHASHSEED": "1", "GFOPT_DATA": str(tmp_path / "none")}
    ask = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(ask, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ids = list_packaged_ids()
    assert len(set(ids)) == len(ids) > 20
    assert done.stdout.split() == ids
