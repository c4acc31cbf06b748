"""Mistakes that every command answers: one message on stderr, an exit code, no traceback."""

import subprocess
import sys

import numpy as np
import pytest

from gfopt.cli import run


def test_all_mistakes_of_a_config_are_told_at_once(gfopt):
    gfopt.config(("lr: 0.5", "lr: -1"), ("cross_entropy", "crossentropy"))
    for command in ("run", "plan"):
        done = gfopt(command, "tiny.yaml")
        assert done.exit_code == 2
        assert done.stdout == ""
        assert "tiny.yaml:6:34: optimizers.0.lr: must be > 0 (got -1)" in done.stderr
        assert "tiny.yaml:4:7: loss: unknown loss 'crossentropy'" in done.stderr
    assert not (gfopt.folder / "results").exists()


def test_mistakes_of_several_configs_are_told_before_any_runs(gfopt):
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


def test_wrong_seeds_are_told_by_their_option(gfopt):
    for seeds in ("1-x", "5-1", "1,1", ""):
        done = gfopt("run", gfopt.config(), "--seeds", seeds)
        assert done.exit_code == 2
        assert done.stderr.startswith(f"error: --seeds {seeds}: seeds: ")


@pytest.mark.parametrize("out", ["afile", "afile/deeper"])
def test_an_out_that_can_not_be_written_is_told_before_anything_runs(gfopt, out):
    (gfopt.folder / "afile").write_text("in the way")
    done = gfopt("run", gfopt.config(), "--out", out)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: --out: can't write to {out}/tiny: ")
    assert "to run" not in done.stderr


def test_cuda_where_there_is_none_is_refused_with_the_reason(gfopt, monkeypatch):
    monkeypatch.setattr("gfopt.environment._gpus", lambda: 0)
    for device in ("cuda", "cuda:1"):
        done = gfopt("run", gfopt.config(), "--device", device)
        assert done.exit_code == 2
        assert done.stderr.startswith(f"error: --device {device}: this ")
        assert done.stderr.endswith("; use --device cpu\n")


@pytest.mark.parametrize("device", ["cdua", "auto:1", "cuda:", "cuda:x", "cpu:0", ""])
def test_a_device_that_is_none_is_told_what_there_is(gfopt, device):
    done = gfopt("run", gfopt.config(), "--device", device)
    assert done.exit_code == 2
    assert f"--device {device}: must be auto, cpu, cuda or cuda:N" in done.stderr


def test_missing_data_offline_says_what_to_put_where(gfopt):
    config = gfopt.config(("{name: digits, scale: unit}", "mnist"))
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
        ("a.npz", lambda path: npz(path, x=X), "has no key 'y', only x"),
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
    done = gfopt("run", gfopt.config(("{name: digits, scale: unit}", f"{{file: {name}}}")))
    assert done.exit_code == 5
    assert f"error: {name}: {said}" in done.stderr


def test_a_loss_that_does_not_fit_a_users_data_is_a_usage_error(gfopt):
    npz(gfopt.folder / "a.npz", x=X, y=Y + 0.5)
    done = gfopt("run", gfopt.config(("{name: digits, scale: unit}", "{file: a.npz}")))
    assert done.exit_code == 2
    assert "needs classes, the data set has values; try mse" in done.stderr


def test_more_held_out_samples_than_there_are_is_a_usage_error(gfopt):
    done = gfopt("run", gfopt.config(), "--set", "dataset.validation=1797")
    assert done.exit_code == 2
    assert "dataset.validation: must be under the 1797 samples there are" in done.stderr


def test_an_option_that_torch_does_not_know_is_told_before_anything_runs(gfopt):
    config = gfopt.config(("{name: gradient_descent, lr: 0.5}", "{name: adam, weight_dcay: 1}"))
    done = gfopt("run", config)
    assert done.exit_code == 2
    assert "torch.optim.Adam refuses its options" in done.stderr
    assert "'weight_dcay'" in done.stderr
    assert not list(gfopt.folder.rglob("record.json"))


def test_an_unexpected_error_is_one_line_and_exits_with_1(gfopt, monkeypatch):
    def broken(*_):
        raise RuntimeError("a bug")

    monkeypatch.setattr(run, "load_all", broken)
    done = gfopt("run")
    assert done.exit_code == 1
    assert done.stderr == (
        "error: unexpected RuntimeError: a bug (--debug shows where; please report it)\n"
    )


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


def test_the_version_is_told(gfopt):
    done = gfopt("--version")
    assert done.exit_code == 0
    assert done.stdout.startswith("gfopt 0.")


def test_help_shows_every_command_and_the_exit_codes(tmp_path):
    asked = [sys.executable, "-m", "gfopt", "--help"]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert "130 interrupted" in done.stdout
    assert all(
        f"\n  {c} " in done.stdout for c in ("run", "plan", "list", "new", "report", "export")
    )


LIGHT = """
import sys
from gfopt.cli import main
sys.argv = ["gfopt", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    heavy = {"torch", "matplotlib", "torchvision", "sklearn", "scipy", "h5py"} & set(sys.modules)
    assert not heavy, heavy
    sys.exit(end.code)
"""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--help"], 0),
        (["run", "tiny.yaml"], 0),
        (["report", "results"], 0),
        (["report", "results", "--format", "json"], 0),
        (["list"], 0),
        (["new", "demo"], 0),
        (["export", "1", "--out", "nowhere"], 2),
        (["run", "tiny.yaml", "--set", "optimizers.0.lr=-1"], 2),
        (["run", "tiny.yaml", "--set", "optimizers.0=sparseadam"], 2),
        (["run", "nope.yaml"], 2),
    ],
)
def test_what_trains_and_draws_nothing_loads_neither_torch_nor_matplotlib(gfopt, words, code):
    assert gfopt("run", gfopt.config()).exit_code == 0
    ask = [sys.executable, "-c", LIGHT, *words]
    done = subprocess.run(ask, cwd=gfopt.folder, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert "AssertionError" not in done.stderr
