"""Errors of any command: one message on stderr, an exit code, no traceback."""

import subprocess
import sys

import numpy as np
import pytest

from .conftest import DATA


def test_all_errors_of_a_config_are_reported_together(gfopt):
    gfopt.config(("lr: 0.5", "lr: -1"), ("cross_entropy", "crossentropy"))
    for command in ("run", "plan"):
        done = gfopt(command, "tiny.yaml")
        assert done.exit_code == 2
        assert done.stdout == ""
        assert "tiny.yaml:6:34: optimizers.0.lr: must be > 0 (got -1)" in done.stderr
        assert "tiny.yaml:4:7: loss: unknown loss 'crossentropy'" in done.stderr
    assert not (gfopt.folder / "results").exists()


def test_errors_of_several_configs_are_reported_before_anything_runs(gfopt):
    gfopt.config()
    gfopt.config(("lr: 0.5", "lr: x"), name="other.yaml")
    done = gfopt("run", "tiny.yaml", "other.yaml", "nope.yaml")
    assert done.exit_code == 2
    assert "other.yaml:6:34: optimizers.0.lr" in done.stderr
    assert "nope.yaml: no such file" in done.stderr
    assert "to run" not in done.stderr


@pytest.mark.parametrize("text", ["", "- a\n", "a: [\n", "\x00", "name: x\n"])
def test_a_file_that_is_no_config_exits_with_2(gfopt, text):
    done = gfopt("run", gfopt.config(text=text))
    assert done.exit_code == 2
    assert done.stderr.startswith("error: tiny.yaml:1:1: ") or ":2:1: not YAML" in done.stderr


def test_wrong_seeds_are_reported_by_their_option(gfopt):
    for seeds in ("1-x", "1-", "5-1", "1,1", ""):
        done = gfopt("run", gfopt.config(), "--seeds", seeds)
        assert done.exit_code == 2
        assert done.stderr.startswith(f"error: --seeds {seeds}: seeds: ")


@pytest.mark.parametrize("out", ["afile", "afile/deeper"])
def test_an_out_that_can_not_be_written_is_reported_before_anything_runs(gfopt, out):
    (gfopt.folder / "afile").write_text("in the way")
    done = gfopt("run", gfopt.config(), "--out", out)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: --out: can't write to {out}/tiny: ")
    assert "to run" not in done.stderr


def test_cuda_where_there_is_none_is_refused_with_the_reason(gfopt, monkeypatch):
    def fail(name, *_):
        raise OSError(name)

    monkeypatch.setattr("ctypes.CDLL", fail)  # no driver
    for device in ("cuda", "cuda:1"):
        done = gfopt("run", gfopt.config(), "--device", device)
        assert done.exit_code == 2
        assert done.stderr.startswith(f"error: --device {device}: this ")
        assert done.stderr.endswith("; use --device cpu\n")


@pytest.mark.parametrize("device", ["cdua", "auto:1", "cuda:", "cuda:x", "cpu:0", ""])
def test_an_unknown_device_is_answered_with_the_valid_ones(gfopt, device):
    done = gfopt("run", gfopt.config(), "--device", device)
    assert done.exit_code == 2
    assert f"--device {device}: must be auto, cpu, cuda or cuda:N" in done.stderr


def test_missing_data_offline_says_what_to_put_where(gfopt):
    config = gfopt.config((DATA, "mnist"))
    for command in ("run", "plan"):
        done = gfopt(command, config, "--offline", "--data", "data")
        assert done.exit_code == 5
        assert "data/MNIST/raw/train-images-idx3-ubyte" in done.stderr
        assert "--offline" in done.stderr
        assert "https://" in done.stderr


def npz(path, **arrays):
    np.savez(path, **arrays)


X, Y = np.ones((4, 2)), np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("name", "write", "said"),
    [
        ("a.npz", lambda path: None, "there is no such file"),
        ("a.npz", lambda path: path.write_bytes(b""), "is empty"),
        ("a.npz", lambda path: path.write_bytes(b"PK not really"), "damaged or not a .npz"),
        ("a.npz", lambda path: npz(path, x=X), "has no key 'y'"),
        ("a.npz", lambda path: npz(path, x=X, y=Y[:3]), "x has 4 samples and y 3"),
        ("a.npz", lambda path: npz(path, x=X * np.nan, y=Y), "x[0, 0] is nan"),
        ("a.txt", lambda path: path.write_text("x"), "must end in .npz or .csv"),
        (
            "a.csv",
            lambda path: path.write_text("a,b\n1,2\n1\n"),
            "line 3 has 1 cells, the header 2",
        ),
        (
            "a.csv",
            lambda path: path.write_text("a,b\nx,2\n"),
            "line 2, column 'a': must be a finite",
        ),
    ],
)
def test_a_data_file_that_is_no_good_is_named(gfopt, name, write, said):
    write(gfopt.folder / name)
    done = gfopt("run", gfopt.config((DATA, f"{{file: {name}}}")))
    assert done.exit_code == 5
    assert f"error: {name}: {said}" in done.stderr


def test_a_loss_that_does_not_fit_a_users_data_is_a_usage_error(gfopt):
    npz(gfopt.folder / "a.npz", x=X, y=Y + 0.5)
    done = gfopt("run", gfopt.config((DATA, "{file: a.npz}")))
    assert done.exit_code == 2
    assert "needs classes, the data set has values; try mse" in done.stderr


def test_more_held_out_samples_than_there_are_is_a_usage_error(gfopt):
    done = gfopt("run", gfopt.config(), "--set", "dataset.validation=72")
    assert done.exit_code == 2
    assert "dataset.validation: " in done.stderr
    assert " 72 " in done.stderr


def test_an_option_that_torch_does_not_know_is_reported_before_anything_runs(gfopt):
    config = gfopt.config(("{name: gradient_descent, lr: 0.5}", "{name: adam, weight_dcay: 1}"))
    done = gfopt("run", config)
    assert done.exit_code == 2
    assert "torch.optim.Adam refuses its options" in done.stderr
    assert "'weight_dcay'" in done.stderr
    assert not list(gfopt.folder.rglob("record.json"))


def test_an_unexpected_error_is_one_line_and_exits_with_1(gfopt, monkeypatch):
    def fail(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr("gfopt.config.packaged_configs.load_config", fail)
    done = gfopt("run")
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: unexpected RuntimeError: a bug (--debug ")


def test_an_interruption_exits_with_130(gfopt, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gfopt.config.packaged_configs.load_config", interrupt)
    done = gfopt("run")
    assert done.exit_code == 130
    assert done.stderr.startswith("interrupted: finished runs are kept")


def test_debug_shows_the_traceback_of_any_error(gfopt):
    done = gfopt("run", "nope.yaml", "--debug")
    assert done.exit_code == 2
    assert "Traceback (most recent call last)" in done.stderr
    assert "error: nope.yaml: no such file" in done.stderr


@pytest.mark.parametrize(
    "words", [["rnu"], ["run", "--sed", "1"], ["run", "--threads", "0"], ["report"]]
)
def test_a_command_line_that_is_wrong_exits_with_2(gfopt, words):
    done = gfopt(*words)
    assert done.exit_code == 2
    assert "Error: " in done.stderr


@pytest.mark.parametrize("option", ["--backend", "--path"])
@pytest.mark.parametrize("command", ["run", "plan", "tune"])
def test_an_unknown_backend_is_reported_before_anything_runs(gfopt, command, option):
    done = gfopt(command, gfopt.config(), option, "nonsense")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr == (
        "error: unknown backend 'nonsense'. Known: auto, cuda_graph, numba, plain.\n"
    )
    assert not (gfopt.folder / "results").exists()


def test_a_backend_that_can_not_compute_an_optimizer_is_refused_with_the_reason(gfopt):
    done = gfopt("run", gfopt.optimizer(), "--backend", "numba")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: --backend numba: mine ")
    assert "to run" not in done.stderr


SLIPS = [  # what a tired user writes, where it is reported, and what the message says to write
    (("budget:", "budgte:"), (), "tiny.yaml:7:9: budgte: ", "Did you mean 'budget'?"),
    (("  - {name", "\t- {name"), (), "tiny.yaml:6:1: ", "tab can't indent: use spaces"),
    (("lr: 0.5", "lr: '0.5'"), (), "tiny.yaml:6:34: optimizers.0.lr: ", "written as 0.5 without"),
    (("lr: 0.5", "lr: 0,5"), (), "tiny.yaml:6:37: optimizers.0.5: ", "with a point"),
    (("lr: 0.5", "lr: '0,5'"), (), "tiny.yaml:6:34: optimizers.0.lr: ", "written as 0.5 (got"),
    (("loss: ", "target: {valid_accuracy: 95}\nloss: "), (), "tiny.yaml:4:26: target.", "0.95"),
    (("tiny", "tiny"), ("digts",), "digts: no such file", "Did you mean 'digits'?"),
    (("tiny", "tiny"), ("tiny",), "tiny: no such file", "Did you mean 'tiny.yaml'?"),
    (("[4]", "4"), (), "tiny.yaml:3:17: model.hidden: ", "must be a list, as in [4] (got 4)"),
    (("{name: gradient", "{gradient"), (), "tiny.yaml:6:5: optimizers.0: ", "`{name: adam}`"),
    (
        ("}\nbudget", ", label: a}\n  - {name: sgd, label: a}\nbudget"),
        (),
        "tiny.yaml:7:24: optimizers.1.label: duplicate label 'a'",
        "choose another",
    ),
    (("gradient_descent", "gradient_decent"), (), "tiny.yaml:6:12: optimizers.0.name: ", "Did you"),
    (
        ("loss: ", "tune: {lr: [1, 0.1]}\nloss: "),
        (),
        "tiny.yaml:4:12: tune.lr: ",
        "[low, high] with low < high (got [1, 0.1])",
    ),
    (
        ("budget", "seeds: 1-\nbudget"),
        (),
        "tiny.yaml:7:8: seeds: ",
        "1, 1-100 or 1,2,5-9 (got '1-')",
    ),
    (
        ("loss: ", "target: [{train_loss: 1}, {train_loss: 1.0}]\nloss: "),
        (),
        "tiny.yaml:4:27: target.1: ",
        "duplicate target: train_loss < 1",
    ),
]


@pytest.mark.parametrize(("piece", "words", "place", "said"), SLIPS)
def test_a_slip_is_reported_with_its_place_and_the_way_out(gfopt, piece, words, place, said):
    config = gfopt.config(*([] if piece[0] == piece[1] else [piece]))
    done = gfopt("run", *(words or [config]))
    assert done.exit_code == 2
    line = next(line for line in done.stderr.splitlines() if place in line)
    assert said in line


LIGHT = """
import sys
from typer.testing import CliRunner
from gfopt.cli import app
for words, code in {runs}:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == code, (words, done.stderr)
    heavy = {{"torch", "matplotlib", "torchvision", "sklearn", "scipy", "h5py"}} & set(sys.modules)
    assert not heavy, (words, heavy)
"""


def test_what_trains_and_draws_nothing_loads_neither_torch_nor_matplotlib(gfopt):
    assert gfopt("run", gfopt.config()).exit_code == 0
    runs = [
        (["--help"], 0),
        (["run", "tiny.yaml"], 0),
        (["report", "results"], 0),
        (["report", "results", "--format", "json"], 0),
        (["list"], 0),
        (["new", "demo"], 0),
        (["export", "1", "--out", "nowhere"], 2),
        (["run", "tiny.yaml", "--set", "optimizers.0.lr=-1"], 2),
        (["run", "tiny.yaml", "--set", "optimizers.0=sparseadam"], 2),
        (["run", "tiny.yaml", "--backend", "nonsense"], 2),
        (["run", "nope.yaml"], 2),
    ]
    ask = [sys.executable, "-c", LIGHT.format(runs=runs)]
    done = subprocess.run(ask, cwd=gfopt.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
