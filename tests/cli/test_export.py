"""gfopt export: the weights of a finished run."""

import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file

import gfopt as package

from .conftest import TINY, write_data


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with one finished run."""
    folder = tmp_path_factory.mktemp("finished")
    write_data(folder)
    (folder / "tiny.yaml").write_text(TINY)
    package.run(folder / "tiny.yaml", out=folder / "results")
    return folder


@pytest.fixture
def run(gfopt, finished):
    """The id of that run, copied into the test's own folder."""
    shutil.copytree(finished, gfopt.folder, dirs_exist_ok=True)
    return next((gfopt.folder / "results/tiny/runs").iterdir()).name


def test_weights_are_exported_by_the_first_characters_of_an_id(gfopt, run):
    done = gfopt("export", run[:8])
    assert done.stdout == "weights.safetensors\n"
    shapes = {key: array.shape for key, array in load_file("weights.safetensors").items()}
    assert shapes == {"W1": (4, 64), "b1": (4, 1), "W2": (10, 4), "b2": (10, 1)}


def test_a_run_folder_is_exported_as_npz(gfopt, run):
    assert gfopt("export", f"results/tiny/runs/{run}", "--output", "w.npz").exit_code == 0
    weights = load_file(f"results/tiny/runs/{run}/weights.safetensors")
    with np.load("w.npz") as found:
        assert all(np.array_equal(found[key], weights[key]) for key in weights)


@pytest.mark.parametrize("given", ["zzz", "*", ""])
def test_an_id_of_no_run_is_refused(gfopt, run, given):
    done = gfopt("export", given)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: no finished run under results ")
    assert repr(given) in done.stderr


def test_an_id_of_two_runs_is_refused_and_their_folders_are_named(gfopt, run):
    shutil.copytree("results/tiny", "results/other")
    done = gfopt("export", run[:8])
    assert done.exit_code == 2
    assert "2 finished runs under results" in done.stderr
    assert all(f"results/{name}/runs/{run}" in done.stderr for name in ("tiny", "other"))


def test_an_output_of_another_kind_or_in_no_folder_is_refused(gfopt, run):
    done = gfopt("export", run, "--output", "w.pt")
    assert done.exit_code == 2
    assert done.stderr == "error: --output w.pt: must end in .safetensors or .npz\n"
    done = gfopt("export", run, "--output", "no/such/w.npz")
    assert done.exit_code == 2
    assert "no/such/w.npz" in done.stderr
