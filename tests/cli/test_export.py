"""gfopt export: the weights of a finished run."""

import numpy as np
import pytest
from safetensors.numpy import load_file


@pytest.fixture
def run(gfopt):
    """The id of the one finished run."""
    gfopt("run", gfopt.config())
    return next((gfopt.folder / "results/tiny/runs").iterdir()).name


def test_weights_are_exported_by_the_beginning_of_an_id(gfopt, run):
    done = gfopt("export", run[:8])
    assert done.stdout == "weights.safetensors\n"
    shapes = {key: array.shape for key, array in load_file("weights.safetensors").items()}
    assert shapes == {"W1": (4, 64), "b1": (4, 1), "W2": (10, 4), "b2": (10, 1)}


def test_a_runs_folder_can_be_given_and_npz_be_written(gfopt, run):
    assert gfopt("export", f"results/tiny/runs/{run}", "--output", "w.npz").exit_code == 0
    weights = load_file(f"results/tiny/runs/{run}/weights.safetensors")
    with np.load("w.npz") as found:
        assert all(np.array_equal(found[key], weights[key]) for key in weights)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["zzz"], "no finished run under results with an id that begins with 'zzz'"),
        (["*"], "no finished run under results with an id that begins with '*'"),
        ([""], "no finished run under results with an id that begins with ''"),
    ],
)
def test_an_id_that_means_no_run_is_told(gfopt, run, words, said):
    done = gfopt("export", *words)
    assert done.exit_code == 2
    assert done.stderr == f"error: {said}\n"


def test_an_id_that_means_two_runs_is_told(gfopt, run):
    gfopt("run", "tiny.yaml", "--out", "more")
    gfopt("run", "tiny.yaml", "--out", "more", "--set", "name=other")
    done = gfopt("export", run, "--out", "more")
    assert done.exit_code == 2
    assert "2 finished runs under more with an id that begins with" in done.stderr


def test_an_output_of_another_kind_or_in_no_folder_is_told(gfopt, run):
    done = gfopt("export", run, "--output", "w.pt")
    assert done.exit_code == 2
    assert done.stderr == "error: --output w.pt: must end in .safetensors or .npz\n"
    done = gfopt("export", run, "--output", "no/such/w.npz")
    assert done.exit_code == 2
    assert "no/such/w.npz" in done.stderr
