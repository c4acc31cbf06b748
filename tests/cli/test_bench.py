"""gfopt bench: all programs agree, the report says so, and what can't be run is named."""

from __future__ import annotations

import json

import pytest

from gfopt.backends import backends
from gfopt.config.packaged_configs import load_config
from gfopt.runner.backend_choice import choose_backend
from gfopt.runner.settings import RunSettings
from gfopt.runner.train import make_task
from gfopt.studies.bench import machine, run_bench
from gfopt.studies.bench.references.adapters import REFERENCES
from gfopt.studies.bench.workloads import WORKLOADS, Workload, count_work
from tests.cli.conftest import DATA

CONFIG = f"""
dataset: {DATA}
model: {{hidden: [5], activation: sigmoid}}
loss: sigmoid_mse
optimizers: [synaprune]
precision: float64  # the only one that is compiled for these tests
budget: {{epochs: 2}}
"""


@pytest.fixture
def small(gfopt, monkeypatch):
    """One workload, on the tiny data set; peaks are not measured."""
    (gfopt.folder / "small.yaml").write_text(CONFIG)
    workload = Workload("small", "small.yaml", "synaprune", 1, 1, 1e-9, ("budget.epochs=3",))
    monkeypatch.setattr(run_bench, "WORKLOADS", (workload,))
    monkeypatch.setattr(run_bench, "measure_peaks", lambda repeats: {"float32 GFLOP/s": 1.0})


def read_table(text):
    """The rows of the first table, each by column."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_every_workload_has_compiled_loops_and_a_reference_program(workload):
    experiment = load_config(workload.config)
    assert workload.optimizer in [entry.name for entry in experiment.entries]
    assert choose_backend(experiment, "cpu", "numba").backend == "numba"
    assert workload.optimizer in REFERENCES


def test_the_table_has_a_row_per_workload_with_every_program(gfopt, small):
    ran = gfopt("bench", "--only", "small", "--repeats", "2", "--out", "bench.md")
    assert ran.exit_code == 0, ran.output
    (row,) = read_table(ran.stdout)
    assert row["workload"] == "small"
    assert all(float(row[f"{program}, ms"]) > 0 for program in ("numba", "plain", "reference"))
    assert all(
        float(row[f"numba speed-up over {base}"][:-1]) > 0 for base in ("plain", "reference")
    )
    assert float(row["largest difference"]) < 1e-9
    assert (gfopt.folder / "bench.md").read_text("utf-8").strip() in ran.stdout


def test_json_has_every_repeat_of_every_backend_that_takes_the_workload(gfopt, small):
    ran = gfopt("bench", "--only", "small", "--repeats", "3", "--json", "-q")
    values = json.loads(ran.stdout)
    assert values["schema"] == 1
    (found,) = values["workloads"]
    repeats = {program: len(times) for program, times in found["epoch_seconds"].items()}
    assert repeats == {"numba": 3, "plain": 3, "reference": 3}
    assert found["epoch_seconds"].keys() | found["refusals"].keys() == {*backends, "reference"}
    assert found["relative_distance_from_plain"].keys() == {"numba", "reference"}
    assert found["agrees"]
    assert ran.stderr == ""


def test_a_program_that_differs_from_plain_is_a_failure(gfopt, small, monkeypatch):
    reference = REFERENCES["synaprune"]

    def run_wrong(task, entry, seed):
        for params in reference(task, entry, seed):
            yield params | {"W1": 1.5 * params["W1"]}

    monkeypatch.setitem(REFERENCES, "synaprune", run_wrong)
    ran = gfopt("bench", "--only", "small", "--repeats", "1")
    assert ran.exit_code == 3
    assert "5e-01" in read_table(ran.stdout)[0]["largest difference"]


def test_workloads_without_data_are_skipped_with_the_reason(gfopt, monkeypatch):
    monkeypatch.setattr(run_bench, "measure_peaks", lambda repeats: {})
    ran = gfopt("bench", "--only", "mnist, position", "--offline", "--data", "nowhere")
    assert ran.exit_code == 0
    (line,) = [line for line in ran.stdout.splitlines() if "mnist, position-wise" in line]
    assert "skipped" in line
    assert "missing" in line


def test_an_unknown_workload_is_an_error_that_names_the_known_ones(gfopt):
    ran = gfopt("bench", "--only", "imagenet")
    assert ran.exit_code == 2
    assert "--only imagenet" in ran.stderr
    assert all(workload.name in ran.stderr for workload in WORKLOADS)


def test_the_operations_of_an_epoch_are_those_of_its_passes(tmp_path):
    task = make_task(load_config("digits"), RunSettings(data=tmp_path))
    entry, samples = load_config("digits").entries[0], task.train.samples
    assert task.widths == (64, 32, 10)
    operations, read = count_work(task, entry, (samples, samples))
    assert operations == 2 * samples * (2 * (64 * 32 + 32 * 10) + 32 * 10)
    assert read == samples * 64 * 4


def test_peaks_are_positive(monkeypatch):
    monkeypatch.setattr(machine, "SIDE", 64)
    monkeypatch.setattr(machine, "READ", 1000)
    assert all(value > 0 for value in machine.measure_peaks(1).values())


@pytest.mark.data
@pytest.mark.nightly
def test_vectorized_seeds_and_whole_commands_are_timed(real_data):
    settings = RunSettings(data=real_data, device="cpu", offline=True)
    seconds = run_bench.measure_vectorized_seeds(settings, 1)
    assert 0 < seconds["1"] < seconds["100"] < 100 * seconds["1"]
    assert all(value > 0 for value in run_bench.measure_commands(settings, 1).values())
