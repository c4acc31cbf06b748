"""gfopt reproduce: runs what claims need, judges them, writes the report, ends with its code."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from gfopt.cli import app
from tests.studies.reproduce.claim_texts import AT_ONCE, DIGITS, EPOCHS, FAILING, FREE, LONG
from tests.studies.reproduce.conftest import assert_facts


def test_claims_that_are_judged_end_with_zero_whatever_their_verdicts(reproduce):
    done = reproduce("claims:\n" + EPOCHS + LONG + FREE + AT_ONCE)
    assert done.exit_code == 0, done.stderr
    assert reproduce.verdicts() == {
        "epochs": ("yes", "yes"),
        "slow": ("outside spread", "only for this seed"),
        "free": ("no", "no"),
        "one-layer": ("no", "no"),
    }
    assert_facts(reproduce.sentences()["one-layer"], "position_wise 3", "requires 1")
    assert_facts(done.stdout, "4 claims", "no 2, yes 1, outside spread 1")
    assert "report: results/reproduction.md" in done.stderr


def test_the_report_is_written_as_text_table_and_json(reproduce):
    reproduce("claims:\n" + EPOCHS + FREE)
    assert {path.name for path in reproduce.results.iterdir()} == {
        "reproduction.md", "reproduction.csv", "reproduction.json", "small"
    }  # fmt: skip
    text = reproduce.report()
    for row in reproduce.rows():
        assert f"`{row['id']}`" in text
        assert row["sentence"] in text
    found = json.loads((reproduce.results / "reproduction.json").read_text(), parse_constant=None)
    assert [row["id"] for row in found["claims"]] == ["epochs", "free"]
    assert found["conditions"]["threads"] == "1"
    assert "torch" in found["conditions"]


def test_the_experiments_own_tables_are_not_written(reproduce):
    reproduce("claims:\n" + EPOCHS)
    assert [path.name for path in (reproduce.results / "small").iterdir()] == ["runs"]


def test_only_what_claims_need_is_run(reproduce):
    done = reproduce("claims:\n" + EPOCHS + FREE)
    assert_facts(done.stderr, "small: 4 to run")
    assert "gradient_descent" not in done.stderr


def test_finished_runs_are_not_repeated(reproduce):
    reproduce("claims:\n" + EPOCHS)
    runs = {path: path.stat().st_mtime_ns for path in reproduce.results.rglob("record.json")}
    first = reproduce.rows()
    again = reproduce("claims:\n" + EPOCHS)
    assert_facts(again.stderr, "small: all 4 runs are cached")
    assert {path: path.stat().st_mtime_ns for path in runs} == runs
    assert reproduce.rows() == first


def test_runs_of_gfopt_run_are_used(reproduce):
    words = ["run", "small.yaml", "--seeds", "1-4", "--device", "cpu"]
    assert CliRunner().invoke(app, words).exit_code == 0
    table = (reproduce.results / "small" / "table.csv").read_bytes()
    assert_facts(reproduce("claims:\n" + EPOCHS).stderr, "all 4 runs are cached")
    assert (reproduce.results / "small" / "table.csv").read_bytes() == table


def test_an_exact_claim_that_fails_ends_with_four_and_the_report_is_written(reproduce):
    done = reproduce("claims:\n" + EPOCHS.replace("published: 3", "published: 2") + FREE)
    assert done.exit_code == 4
    assert reproduce.verdicts() == {"epochs": ("no", "no"), "free": ("no", "no")}
    assert_facts(reproduce.report(), "Seed 1 gives 3, not the published 2")


def test_missing_data_end_with_five_and_the_other_claims_are_judged(reproduce):
    done = reproduce("claims:\n" + DIGITS + EPOCHS)
    assert done.exit_code == 5
    assert reproduce.verdicts() == {"handwriting": ("not run", "not run"), "epochs": ("yes", "yes")}
    assert reproduce.sentences()["handwriting"].startswith("Not run: ")
    assert "mnist" in reproduce.sentences()["handwriting"].lower()


def test_a_failed_exact_claim_comes_before_missing_data(reproduce):
    text = "claims:\n" + DIGITS + EPOCHS.replace("published: 3", "published: 2")
    assert reproduce(text).exit_code == 4
    assert reproduce.verdicts() == {"handwriting": ("not run", "not run"), "epochs": ("no", "no")}


def test_a_failed_run_comes_first_and_the_others_are_judged(reproduce):
    text = "claims:\n" + FAILING + DIGITS + EPOCHS.replace("published: 3", "published: 2")
    done = reproduce(text)
    assert done.exit_code == 3
    assert reproduce.verdicts() == {
        "broken": ("not run", "not run"),
        "handwriting": ("not run", "not run"),
        "epochs": ("no", "no"),
    }
    said = reproduce.sentences()["broken"]
    assert_facts(said, "Not run", "mine, seed 1: RuntimeError: no | such luck")
    assert "no \\| such luck" in reproduce.report()


def test_quick_leaves_long_claims_out_and_says_so(reproduce):
    done = reproduce("claims:\n" + EPOCHS + LONG, "--quick")
    assert done.exit_code == 0
    assert reproduce.verdicts()["slow"] == ("not run", "not run")
    assert_facts(reproduce.sentences()["slow"], "Not run", "--quick")
    assert "small: 2 to run" in done.stderr  # of four seeds
    assert "rates" not in done.stderr
    assert_facts(reproduce.report(), "--quick yes")


def test_seeds_change_how_many_there_are_where_there_are_several(reproduce):
    done = reproduce("claims:\n" + EPOCHS + FREE, "--seeds", "5")
    assert "small: 5 to run" in done.stderr
    assert [row["values"] for row in reproduce.rows()] == ["5", "1"]
    assert_facts(reproduce.report(), "--seeds 5")


def test_only_some_claims_may_be_asked_for(reproduce):
    reproduce("claims:\n" + EPOCHS + LONG + FREE, "--only", "kinds", "--only", "ep")
    assert list(reproduce.verdicts()) == ["epochs", "free"]
    assert_facts(reproduce.report(), "--only kinds, ep")
    wrong = reproduce("claims:\n" + EPOCHS, "--only", "epoch5")
    assert wrong.exit_code == 2
    assert "Did you mean 'epochs'?" in wrong.stderr


def test_json_gives_the_findings_and_nothing_else_on_stdout(reproduce):
    done = reproduce("claims:\n" + EPOCHS + DIGITS, "--json")
    found = json.loads(done.stdout, parse_constant=pytest.fail)
    assert [row["number_reproduced"] for row in found["claims"]] == ["yes", "not run"]
    assert done.exit_code == 5


def test_quiet_says_nothing_on_stderr(reproduce):
    done = reproduce("claims:\n" + EPOCHS, "--quiet")
    assert done.stderr == ""
    assert "epochs" in done.stdout


def test_errors_are_reported_before_anything_is_run(reproduce):
    done = reproduce("claims:\n" + EPOCHS + FREE.replace("position_wise", "position_wide"))
    assert done.exit_code == 2
    assert "claims.yaml:" in done.stderr
    assert "unknown label 'position_wide'. Did you mean 'position_wise'?" in done.stderr
    assert not reproduce.results.exists()


def test_a_packaged_config_is_found_by_its_name_and_changed(reproduce):
    text = EPOCHS.replace("small.yaml", "digits").replace("seeds: 1-4", "seeds: 1")
    text = text.replace("value: epochs", 'value: epochs, settings: ["budget.epochs=3"]')
    done = reproduce("claims:\n" + text.replace("check: exact", "check: spread"))
    assert done.exit_code == 0
    assert_facts(reproduce.sentences()["epochs"], "Target not reached", "1 of 1 runs")
