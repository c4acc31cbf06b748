"""gfopt bench: the ways agree, the document says so, and what can't be run is told."""

from __future__ import annotations

import json

import pytest

from gfopt.benchmark import command, measuring
from gfopt.benchmark.machine import peaks
from gfopt.benchmark.workloads import WORKLOADS, Workload, work
from gfopt.config.finding import load_config
from gfopt.paths import choose

SMALL = Workload(
    "digits, SynaPrune", "synaprune_digits", "synaprune", 1, 1, 1e-9, ("precision=float64",)
)


@pytest.fixture
def few(monkeypatch):
    """One small workload, and neither peaks nor commands."""
    monkeypatch.setattr(command, "WORKLOADS", (SMALL,))
    monkeypatch.setattr(command, "peaks", lambda repeats: {"float32 GFLOP/s": 1.0})
    monkeypatch.setattr(command, "_rest", lambda *args: None)


def test_every_workload_names_a_config_whose_rule_has_compiled_loops():
    for workload in WORKLOADS:
        experiment = load_config(workload.config)
        assert workload.optimizer in [entry.name for entry in experiment.entries]
        assert choose(experiment, "cpu", "compiled").path == "compiled"


def test_the_table_has_a_row_a_workload_with_each_way_and_their_agreement(gfopt, few):
    ran = gfopt("bench", "--repeats", "2", "--out", "bench.md")
    assert ran.exit_code == 0, ran.output
    row = next(line for line in ran.stdout.splitlines() if line.startswith("| digits, SynaPrune"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert all(float(cell) > 0 for cell in cells[1:6])
    assert (gfopt.folder / "bench.md").read_text("utf-8").strip() in ran.stdout


def test_json_has_every_repeat(gfopt, few):
    values = json.loads(gfopt("bench", "--repeats", "3", "--json", "-q").stdout)
    (found,) = values["workloads"]
    assert {way: len(times) for way, times in found["epoch_seconds"].items()} == {
        "compiled": 3,
        "plain": 3,
        "reference": 3,
    }
    assert found["agrees"]


def test_ways_that_differ_are_a_failure(gfopt, few, monkeypatch):
    monkeypatch.setattr(measuring, "_gap", lambda *args: 0.5)
    ran = gfopt("bench", "--repeats", "1")
    assert ran.exit_code == 3
    assert "NO: 5e-01" in ran.stdout


def test_outside_of_a_checkout_there_is_no_reference_and_it_is_said(gfopt, few, monkeypatch):
    monkeypatch.setattr(command, "references", dict)
    ran = gfopt("bench", "--repeats", "1")
    assert ran.exit_code == 0
    assert "reference: not run, its programs are in the tests of a checkout" in ran.stdout


def test_workloads_without_their_data_are_named_with_the_reason(gfopt, monkeypatch):
    monkeypatch.setattr(command, "peaks", lambda repeats: {})
    ran = gfopt("bench", "--only", "mnist, position", "--offline", "--data", "nowhere")
    assert ran.exit_code == 0
    assert "mnist, position-wise: not run, mnist: missing" in ran.stdout


def test_an_unknown_workload_is_a_mistake_that_names_those_there_are(gfopt):
    ran = gfopt("bench", "--only", "imagenet")
    assert ran.exit_code == 2
    assert "cat, gradient descent" in ran.stderr


def test_operations_are_those_of_the_path(tmp_path):
    from gfopt.race import Setting, machine_of
    from gfopt.runs import make_task

    task = make_task(load_config("digits"), machine_of(Setting(data=tmp_path)))
    entry, samples = load_config("digits").entries[0], task.train.samples
    assert task.widths == (64, 32, 10)
    operations, read = work(task, entry, (samples, samples))
    assert operations == 2 * samples * (2 * (64 * 32 + 32 * 10) + 32 * 10)
    assert read == samples * 64 * 4


def test_peaks_are_positive(monkeypatch):
    monkeypatch.setattr("gfopt.benchmark.machine.SIDE", 64)
    monkeypatch.setattr("gfopt.benchmark.machine.READ", 1000)
    assert all(value > 0 for value in peaks(1).values())
