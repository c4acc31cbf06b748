"""gfopt reproduce: runs what claims need, judges them, writes the report, ends with its code."""

from __future__ import annotations

import csv
import json

import pytest
from typer.testing import CliRunner

from gfopt.cli import app
from gfopt.errors import DataError
from gfopt.reproduction import measuring
from tests.reproduction.conftest import SETTINGS

EPOCHS = """\
  - id: epochs
    system: positions
    says: it takes three
    source: figure 1
    check: exact
    published: 3
    unit: epochs
    of: {config: small.yaml, label: position_wise, value: epochs, seeds: 1-4}
"""
LONG = """\
  - id: slow
    system: positions
    says: it takes long
    source: figure 2
    check: spread
    published: 7
    of: {config: small.yaml, label: rates, value: epochs, seeds: 1-2}
    long: true
"""
FREE = """\
  - id: free
    system: kinds
    says: it needs no gradient
    source: title
    check: property
    published: 0
    of: {config: small.yaml, label: position_wise, value: backward_passes}
"""
AT_ONCE = """\
  - id: one-layer
    system: kinds
    says: it trains layer by layer
    source: title
    check: property
    published: 1
    of: {config: small.yaml, label: position_wise, value: layers_at_once}
"""
SECONDS = """\
  - id: seconds
    system: kinds
    says: it is ten thousand times faster
    source: figure 3
    check: ratio
    published: [1, 10000]
    of: {config: small.yaml, label: position_wise, value: cpu_seconds}
    than: {config: small.yaml, label: gradient_descent, value: cpu_seconds}
    also:
      - words: By sample-passes it is
        of: {config: small.yaml, label: position_wise, value: passes}
        than: {config: small.yaml, label: gradient_descent, value: passes}
"""
FIT = """\
  - id: error
    system: sugar
    says: it fits
    source: figure 4
    check: ordering
    of: {config: sugar.yaml, label: evolution_strategy, value: largest_error, seeds: 1-5}
    than: 1000
  - id: no-gradient
    system: sugar
    says: it needs no gradient
    source: figure 4
    check: property
    published: 0
    of: {config: sugar.yaml, label: evolution_strategy, value: backward_passes, seeds: 1-5}
  - id: better-than-constant
    system: sugar
    says: it learns
    source: figure 4
    check: ordering
    of: {config: sugar.yaml, label: evolution_strategy, value: loss, seeds: 1-5}
    than: {config: sugar.yaml, label: evolution_strategy, value: class_prior, seeds: 1-5}
"""
DIGITS = """\
  - id: handwriting
    system: big
    says: it needs data
    source: figure 5
    check: spread
    published: 0.5
    of: {config: big.yaml, label: gradient_descent, value: loss}
"""
FAILING = """\
  - id: broken
    system: own
    says: it works
    source: here
    check: spread
    published: 1
    of: {config: own.yaml, label: mine, value: loss}
"""
FIGURES = """\
figures:
  - kind: side_by_side
    file: both.png
    caption: Both
    of:
      - {config: small.yaml, label: position_wise, value: epochs}
      - {config: small.yaml, label: rates, value: epochs}
  - kind: histories
    file: histories.png
    caption: All starts
    of: [{config: small.yaml, label: position_wise, value: loss, seeds: 1-4}]
  - kind: final_losses
    file: losses.png
    caption: The ends
    of: [{config: small.yaml, label: position_wise, value: loss, seeds: 1-2}]
    published: [1.5]
  - kind: layers
    file: layers.png
    caption: Layers
    of: [{config: small.yaml, label: position_wise, value: layers_at_once}]
  - kind: layers
    file: other.png
    caption: Never run
    of: [{config: small.yaml, label: gradient_descent, value: layers_at_once}]
"""
SUGAR = """\
name: sugar
dataset: {name: diabetes, scale: unit}
model: {hidden: [3]}
loss: mse
optimizers: [{name: evolution_strategy, members: 4}]
budget: {epochs: 2}
"""
BIG = SETTINGS.replace("small", "big").replace("digits, scale: unit", "mnist")
RULE = """\
from gfopt import Optimizer


class Mine(Optimizer):
    def init(self, problem, params, draw):
        return params

    def step(self, problem, state, at):
        if at.a[0].shape[-1]:
            raise RuntimeError("no | such luck")
        return state
"""
OWN = """\
name: own
dataset: {name: digits, scale: unit}
loss: cross_entropy
optimizers: [{file: mine.py, label: mine}]
budget: {epochs: 1}
"""


class Command:
    """Runs gfopt reproduce on claims in a folder of their own; reads what it wrote."""

    def __init__(self, folder):
        self.folder, self.results = folder, folder / "results"
        for name, text in {"small": SETTINGS, "sugar": SUGAR, "big": BIG, "own": OWN}.items():
            (folder / f"{name}.yaml").write_text(text)
        (folder / "mine.py").write_text(RULE)
        (folder / "empty").mkdir()

    def __call__(self, text, *words):
        (self.folder / "claims.yaml").write_text(text)
        given = ["--claims", "claims.yaml", "--device", "cpu", "--threads", "1", *words]
        given += ["--offline", "--data", "empty"]
        return CliRunner().invoke(app, ["reproduce", *given])

    def verdicts(self):
        """(number reproduced, claim supported) of each claim, by name."""
        return {
            row["id"]: (row["number_reproduced"], row["claim_supported"]) for row in self.rows()
        }

    def sentences(self):
        return {row["id"]: row["sentence"] for row in self.rows()}

    def rows(self):
        with (self.results / "reproduction.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def report(self):
        return (self.results / "reproduction.md").read_text("utf-8")


@pytest.fixture
def reproduce(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Command(tmp_path)


def test_claims_that_are_judged_end_with_zero_whatever_their_verdicts(reproduce):
    done = reproduce("claims:\n" + EPOCHS + LONG + FREE + AT_ONCE)
    assert done.exit_code == 0, done.stderr
    assert reproduce.verdicts() == {
        "epochs": ("yes", "yes"),
        "slow": ("outside spread", "only for this seed"),
        "free": ("no", "no"),
        "one-layer": ("no", "no"),
    }
    assert ": position_wise 3; the claim needs 1." in reproduce.sentences()["one-layer"]
    assert "4 claims. Number reproduced: no 2, yes 1, outside spread 1." in done.stdout
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
    told = json.loads((reproduce.results / "reproduction.json").read_text(), parse_constant=None)
    assert [row["id"] for row in told["claims"]] == ["epochs", "free"]
    assert told["conditions"]["threads"] == "1"
    assert "torch" in told["conditions"]


def test_the_experiments_own_tables_are_not_written(reproduce):
    reproduce("claims:\n" + EPOCHS)
    assert [path.name for path in (reproduce.results / "small").iterdir()] == ["runs"]


def test_only_what_claims_need_is_run(reproduce):
    done = reproduce("claims:\n" + EPOCHS + FREE)
    assert "small: 4 to run, 0 finished" in done.stderr
    assert "gradient_descent" not in done.stderr


def test_finished_runs_are_not_run_again(reproduce):
    reproduce("claims:\n" + EPOCHS)
    runs = {path: path.stat().st_mtime_ns for path in reproduce.results.rglob("record.json")}
    first = reproduce.rows()
    again = reproduce("claims:\n" + EPOCHS)
    assert "small: all 4 runs are finished" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in runs} == runs
    assert reproduce.rows() == first


def test_runs_of_gfopt_run_are_taken(reproduce):
    words = ["run", "small.yaml", "--seeds", "1-4", "--device", "cpu"]
    assert CliRunner().invoke(app, words).exit_code == 0
    table = (reproduce.results / "small" / "table.csv").read_bytes()
    assert "all 4 runs are finished" in reproduce("claims:\n" + EPOCHS).stderr
    assert (reproduce.results / "small" / "table.csv").read_bytes() == table


def test_an_exact_claim_that_fails_ends_with_four_and_the_report_is_written(reproduce):
    done = reproduce("claims:\n" + EPOCHS.replace("published: 3", "published: 2") + FREE)
    assert done.exit_code == 4
    assert reproduce.verdicts() == {"epochs": ("no", "no"), "free": ("no", "no")}
    assert "Seed 1 gives 3, not the published 2." in reproduce.report()


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
    said = "Not run: a run failed: mine, seed 1: RuntimeError: no | such luck"
    assert reproduce.sentences()["broken"].startswith(said)
    assert "no \\| such luck" in reproduce.report()


def test_a_failing_rule_does_not_disturb_the_times_of_others(reproduce):
    config = SETTINGS.replace("optimizers:", "optimizers:\n  - {file: mine.py, label: mine}")
    (reproduce.folder / "small.yaml").write_text(config)
    lost = FAILING.replace("own.yaml", "small.yaml")
    timed = lost.replace("id: broken", "id: timed").replace("value: loss", "value: seconds")
    done = reproduce("claims:\n" + SECONDS + lost + timed, "--quick")
    assert done.exit_code == 3
    assert reproduce.verdicts() == {
        "seconds": ("outside spread", "no"),
        "broken": ("not run", "not run"),
        "timed": ("not run", "not run"),
    }


def test_quick_leaves_long_claims_out_and_says_so(reproduce):
    done = reproduce("claims:\n" + EPOCHS + LONG, "--quick")
    assert done.exit_code == 0
    assert reproduce.verdicts()["slow"] == ("not run", "not run")
    assert reproduce.sentences()["slow"] == "Not run: it takes longer than --quick allows."
    assert "small: 2 to run" in done.stderr  # of four seeds
    assert "rates" not in done.stderr
    assert "Made with --quick yes" in reproduce.report()


def test_seeds_change_how_many_there_are_where_there_are_several(reproduce):
    done = reproduce("claims:\n" + EPOCHS + FREE, "--seeds", "5")
    assert "small: 5 to run" in done.stderr
    assert [row["values"] for row in reproduce.rows()] == ["5", "1"]
    assert "Made with --seeds 5" in reproduce.report()


def test_only_some_claims_may_be_asked_for(reproduce):
    reproduce("claims:\n" + EPOCHS + LONG + FREE, "--only", "kinds", "--only", "ep")
    assert list(reproduce.verdicts()) == ["epochs", "free"]
    assert "Made with --only kinds, ep" in reproduce.report()
    wrong = reproduce("claims:\n" + EPOCHS, "--only", "epoch5")
    assert wrong.exit_code == 2
    assert "Did you mean 'epochs'?" in wrong.stderr


def test_json_gives_the_findings_and_nothing_else_on_stdout(reproduce):
    done = reproduce("claims:\n" + EPOCHS + DIGITS, "--json")
    told = json.loads(done.stdout, parse_constant=pytest.fail)
    assert [row["number_reproduced"] for row in told["claims"]] == ["yes", "not run"]
    assert done.exit_code == 5


def test_quiet_says_nothing_on_stderr(reproduce):
    done = reproduce("claims:\n" + EPOCHS, "--quiet")
    assert done.stderr == ""
    assert "epochs" in done.stdout


def test_mistakes_are_told_before_anything_is_run(reproduce):
    done = reproduce("claims:\n" + EPOCHS + FREE.replace("position_wise", "position_wide"))
    assert done.exit_code == 2
    assert "claims.yaml:" in done.stderr
    assert "unknown label 'position_wide'. Did you mean 'position_wise'?" in done.stderr
    assert not reproduce.results.exists()


def test_times_are_compared_as_ratios_of_repeats_beside_sample_passes(reproduce):
    assert reproduce("claims:\n" + SECONDS, "--quick").exit_code == 0
    (row,) = reproduce.rows()
    assert (row["number_reproduced"], row["values"]) == ("outside spread", "3")
    assert "over 3 interleaved repeats of seed 1), published 0.0001000" in row["sentence"]
    ratio = float(row["sentence"].split("By sample-passes it is ")[1].rstrip("."))
    assert 1 < ratio < 3


def test_data_missing_for_times_only_is_told_too(reproduce, monkeypatch):
    reproduce("claims:\n" + SECONDS + EPOCHS, "--quick")

    def gone(*_, **__):
        raise DataError("digits: the file has gone")

    monkeypatch.setattr(measuring, "make_task", gone)
    done = reproduce("claims:\n" + SECONDS + EPOCHS, "--quick")
    assert done.exit_code == 5
    assert reproduce.verdicts() == {"seconds": ("not run", "not run"), "epochs": ("yes", "yes")}
    assert reproduce.sentences()["seconds"] == "Not run: digits: the file has gone."


def test_a_target_that_was_missed_has_no_seconds(reproduce):
    config = SETTINGS + "target: {train_loss: 1.0e-9}\n"
    (reproduce.folder / "small.yaml").write_text(config)
    reproduce("claims:\n" + SECONDS + EPOCHS, "--quick")
    assert reproduce.verdicts() == {"seconds": ("outside spread", "no"), "epochs": ("no", "no")}
    assert "3 of 3 missed the target or diverged (inf)." in reproduce.sentences()["seconds"]


def test_values_are_read_off_populations_and_weights(reproduce):
    assert reproduce("claims:\n" + FIT).exit_code == 0
    assert reproduce.verdicts() == {
        "error": ("yes", "yes"),
        "no-gradient": ("yes", "yes"),
        "better-than-constant": ("no", "no"),
    }
    errors, passes, losses = reproduce.rows()
    assert 0 < float(errors["ours_lo"]) <= float(errors["ours_hi"]) < 1000
    assert float(passes["ours"]) == 0
    assert (
        "in the median, the loss of the best constant output 5930; evolution_strategy is below in 0"
        in losses["sentence"]
    )


def test_figures_are_drawn_of_what_was_run_and_others_left_out(reproduce):
    text = "claims:\n" + EPOCHS + LONG + AT_ONCE + FIGURES
    assert reproduce(text).exit_code == 0
    drawn = {path.name for path in (reproduce.results / "reproduction").iterdir()}
    assert drawn == {"both.png", "histories.png", "losses.png", "layers.png"}
    shown = [line for line in reproduce.report().splitlines() if line.startswith("![")]
    assert shown == [
        "![Both](reproduction/both.png)",
        "![All starts](reproduction/histories.png)",
        "![The ends](reproduction/losses.png)",
        "![Layers](reproduction/layers.png)",
    ]


def test_figures_follow_quick_and_only(reproduce):
    text = "claims:\n" + EPOCHS + LONG + FREE + FIGURES
    assert reproduce(text, "--quick", "--only", "epochs").exit_code == 0
    drawn = {path.name for path in (reproduce.results / "reproduction").iterdir()}
    assert drawn == {"histories.png", "losses.png", "layers.png"}
    assert reproduce(text, "--only", "free").exit_code == 0
    shown = [line for line in reproduce.report().splitlines() if line.startswith("![")]
    assert shown == ["![Layers](reproduction/layers.png)"]
    assert reproduce(text.replace("seeds: 1-4", "seeds: 1-2"), "--quick").exit_code == 0
    assert "![The ends](reproduction/losses.png)" in reproduce.report()  # of two seeds, not three


def test_a_packaged_config_is_found_by_its_name_and_changed(reproduce):
    text = EPOCHS.replace("small.yaml", "digits").replace("seeds: 1-4", "seeds: 1")
    text = text.replace("value: epochs", 'value: epochs, settings: ["budget.epochs=3"]')
    done = reproduce("claims:\n" + text.replace("check: exact", "check: spread"))
    assert done.exit_code == 0
    assert "1 of 1 missed the target or diverged (inf)." in reproduce.sentences()["epochs"]
