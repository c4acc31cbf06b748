"""Repeated runs, for the timing noise: planned, run, kept, and in no row."""

from __future__ import annotations

import csv
import json
import sys

import pytest

import gfopt as package
from gfopt.records.store import find_folders, read_record
from gfopt.report.formats import formats
from gfopt.report.summary import summarise

from .conftest import TINY, write_data

OPTIMIZERS = (
    "  - {name: gradient_descent, lr: 0.5}\n",
    "  - {name: gradient_descent, lr: 0.5}\n  - {name: sgd, lr: 0.5}\ntarget: {train_loss: 2.0}\n",
)


@pytest.fixture(scope="module")
def raced(tmp_path_factory):
    """The result of two optimizers and two seeds."""
    folder = tmp_path_factory.mktemp("raced")
    write_data(folder)
    (folder / "tiny.yaml").write_text(TINY.replace(*OPTIMIZERS))
    return package.run(folder / "tiny.yaml", seeds="1-2", out=folder / "results")


def on_disk(result):
    return [read_record(folder) for folder in find_folders(result.folder)]


def test_the_first_optimizer_is_run_twice_and_the_result_has_each_run_once(raced):
    kept = on_disk(raced)
    repeats = {(r.label, r.seed) for r in kept if r.repeat == 2}
    assert len(kept) == 6
    assert repeats == {("gradient_descent", 1), ("gradient_descent", 2)}
    assert [(r.label, r.seed, r.repeat) for r in raced.records] == [
        ("gradient_descent", 1, 1),
        ("gradient_descent", 2, 1),
        ("sgd", 1, 1),
        ("sgd", 2, 1),
    ]


def test_a_repeat_has_the_same_numbers_and_seconds_of_its_own(raced):
    kept = {(r.label, r.seed, r.repeat): r for r in on_disk(raced)}
    for seed in (1, 2):
        one, two = (kept["gradient_descent", seed, repeat] for repeat in (1, 2))
        assert (one.epochs, one.loss, one.hashes["start"]) == (
            two.epochs,
            two.loss,
            two.hashes["start"],
        )
        assert one.id != two.id


def test_costs_pairs_and_runs_are_written_beside_the_table(raced):
    for name, table in (("table", raced.table), *raced.table.more.items()):
        text = (raced.folder / f"{name}.csv").read_text("utf-8")
        assert text == formats["csv"](table)
        assert csv.DictReader(text.splitlines()).fieldnames == [*table.names, "schema"]
    assert set(raced.table.more) == {"costs", "pairs", "runs"}
    assert "## Seed by seed" in (raced.folder / "table.md").read_text("utf-8")


def test_the_timing_noise_is_reported_from_the_repeats_unless_they_were_disturbed(raced):
    disturbed = any(r.disturbed for r in on_disk(raced) if r.label == "gradient_descent")
    notes = [note for note in raced.table.notes if note.startswith("Timing noise")]
    timed = {row["cost"] for row in raced.table.more["pairs"].rows}
    assert len(notes) == ("seconds" in timed)
    if notes and not disturbed:
        assert "gradient_descent against its own repeats, 2 seeds: up to " in notes[0]


def test_finished_runs_are_not_repeated_and_give_the_same_result(raced):
    again = package.run(raced.folder.parents[1] / "tiny.yaml", seeds="1-2", out=raced.folder.parent)
    assert again.records == raced.records
    assert again.table == raced.table
    assert len(on_disk(again)) == 6


def test_a_report_has_no_rows_for_repeats_and_both_tables(raced, gfopt):
    shown = json.loads(gfopt("report", raced.folder, "--format", "json").stdout)
    assert [(row["label"], row["seeds"]) for row in shown["rows"]] == [
        ("gradient_descent", 2),
        ("sgd", 2),
    ]
    found = summarise(on_disk(raced))
    assert {row["cost"] for row in shown["costs"]["rows"]} == {
        row["cost"] for row in found.more["costs"].rows
    }
    assert len(shown["pairs"]["rows"]) == len(found.more["pairs"].rows)


def test_a_picture_of_a_report_draws_each_run_once(raced, gfopt, monkeypatch):
    drawn = []
    monkeypatch.setattr("gfopt.report.curves.draw", lambda records, *rest: drawn.extend(records))
    gfopt("report", raced.folder, "--format", "png")
    assert sorted((r.label, r.seed) for r in drawn) == [
        ("gradient_descent", 1),
        ("gradient_descent", 2),
        ("sgd", 1),
        ("sgd", 2),
    ]


def plan(gfopt, *words):
    return gfopt("plan", gfopt.config(OPTIMIZERS), *words).stdout


def test_a_plan_names_the_repeats_and_the_order(gfopt):
    lines = plan(gfopt, "--seeds", "1-2").splitlines()
    assert lines[0] == "tiny: 6 to run, 0 cached"
    begins = [line.split(":")[0].strip() for line in lines if ": not cached" in line]
    assert begins == [
        "gradient_descent seed 1",
        "sgd seed 1",
        "gradient_descent seed 1, repeated",
        "gradient_descent seed 2, repeated",
        "sgd seed 2",
        "gradient_descent seed 2",
    ]
    assert any(line.strip().startswith("backend: plain (") for line in lines)
    assert not any("timing: " in line for line in lines)


def test_a_plan_of_vectorized_seeds_gives_each_optimizer_its_backend(gfopt, monkeypatch):
    monkeypatch.setattr(sys.modules["gfopt.cli.plan"], "_probe", lambda *args, **more: [])
    scheduled = "{name: position_wise, lr: 0.5, schedule: {name: StepLR, step_size: 2}}"
    optimizers = OPTIMIZERS[0], f"{OPTIMIZERS[0]}  - {scheduled}\n"
    config = gfopt.config(optimizers, ("epochs: 2", "epochs: 200"))
    lines = [line.strip() for line in gfopt("plan", config, "--seeds", "1-6").stdout.splitlines()]
    assert lines[0] == "tiny: 12 to run, 0 cached"
    assert any(line.startswith("timing: 12 runs are vectorized") for line in lines)
    backends = [line for line in lines if line.startswith("backend: ")]
    assert [line.partition(" (")[0] for line in backends] == [
        "backend: numba for gradient_descent",
        "backend: plain for position_wise",
    ]
    assert "schedule" in backends[1]
    assert not any("repeated" in line for line in lines)
