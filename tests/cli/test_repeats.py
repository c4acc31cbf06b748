"""Runs made once more, for the noise of seconds: planned, run, kept, and in no row."""

from __future__ import annotations

import csv
import json
import sys

import pytest

import gfopt as package
from gfopt.formats import formats
from gfopt.records import find_folders, read_record
from gfopt.tables import summarise

RULES = (
    "  - {name: gradient_descent, lr: 0.5}\n",
    "  - {name: gradient_descent, lr: 0.5}\n  - {name: sgd, lr: 0.5}\ntarget: {train_loss: 2.0}\n",
)


@pytest.fixture(scope="module")
def raced(tmp_path_factory):
    """A race of two rules and two seeds, and its folder."""
    from tests.cli.conftest import TINY

    folder = tmp_path_factory.mktemp("raced")
    (folder / "tiny.yaml").write_text(TINY.replace(*RULES))
    return package.run(folder / "tiny.yaml", seeds="1-2", out=folder / "results")


def on_disk(result):
    return [read_record(folder) for folder in find_folders(result.folder)]


def test_the_first_rule_is_run_twice_and_the_result_has_each_run_once(raced):
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


def test_the_race_writes_its_costs_its_pairs_and_its_runs_beside_its_table(raced):
    for name, table in (("table", raced.table), *raced.table.more.items()):
        text = (raced.folder / f"{name}.csv").read_text("utf-8")
        assert text == formats["csv"](table)
        assert tuple(csv.DictReader(text.splitlines()).fieldnames) == table.columns
    assert set(raced.table.more) == {"costs", "pairs", "runs"}
    assert "## Seed by seed" in (raced.folder / "table.md").read_text("utf-8")


def test_the_noise_floor_is_told_from_the_repeats_unless_they_were_disturbed(raced):
    disturbed = any(r.disturbed for r in on_disk(raced) if r.label == "gradient_descent")
    told = [note for note in raced.table.notes if note.startswith("Noise floor of the seconds")]
    timed = {row["cost"] for row in raced.table.more["pairs"].rows}
    assert len(told) == ("seconds" in timed)
    if told and not disturbed:
        assert "gradient_descent against itself is up to " in told[0]


def test_a_finished_race_is_not_run_again_and_gives_the_same(raced):
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
    monkeypatch.setattr("gfopt.plots.draw", lambda records, *rest: drawn.extend(records))
    gfopt("report", raced.folder, "--format", "png")
    assert sorted((r.label, r.seed) for r in drawn) == [
        ("gradient_descent", 1),
        ("gradient_descent", 2),
        ("sgd", 1),
        ("sgd", 2),
    ]


def plan(gfopt, *words):
    return gfopt("plan", gfopt.config(RULES), *words).stdout


def test_a_plan_names_the_repeats_and_the_order(gfopt):
    told = plan(gfopt, "--seeds", "1-2")
    assert "tiny: 6 to run, 0 finished" in told
    begins = [line.split(":")[0].strip() for line in told.splitlines() if ": to run" in line]
    assert begins == [
        "gradient_descent seed 1",
        "sgd seed 1",
        "gradient_descent seed 1, once more",
        "gradient_descent seed 2, once more",
        "sgd seed 2",
        "gradient_descent seed 2",
    ]
    assert "path: plain (" in told
    assert "timing: " not in told


def test_a_plan_of_batches_says_so_and_gives_each_rule_its_path(gfopt, monkeypatch):
    monkeypatch.setattr(sys.modules["gfopt.cli.plan"], "_probe", lambda *args, **more: [])
    scheduled = "{name: position_wise, lr: 0.5, schedule: {name: StepLR, step_size: 2}}"
    rules = RULES[0], f"{RULES[0]}  - {scheduled}\n"
    config = gfopt.config(rules, ("epochs: 2", "epochs: 200"))
    told = gfopt("plan", config, "--seeds", "1-6").stdout
    assert "tiny: 12 to run, 0 finished" in told
    assert "timing: 12 runs go in batches of seeds, without seconds" in told
    assert "path: compiled for gradient_descent (every rule here has compiled loops)" in told
    assert "path: plain for position_wise (position_wise: compiled loops take no schedules)" in told
    assert "once more" not in told
