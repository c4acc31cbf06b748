"""gfopt compare on real runs: what is worse, what isn't, and what is inconclusive."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.studies.compare.conftest import SLOWED, downgrade

HIDDEN = ("hidden: [4]", "hidden: [5]")
ONE_SEED = ("seeds: 1-3", "seeds: 1")
BROKEN = ("return {key", "1 / 0; {key")


def verdicts(values):
    return {row["label"]: row["verdict"] for row in values["rows"]}


def reason(values, label):
    return {row["label"]: row["reason"] for row in values["rows"]}[label]


def test_an_optimizer_slowed_on_purpose_is_worse(sides):
    done = sides.run(sides.side("base"), sides.side("head", optimizer=SLOWED), "--on", "epochs")
    assert done.exit_code == 4
    title, _, sentence, *_ = done.stdout.splitlines()
    assert title == "### gfopt compare: worse"
    assert sentence.startswith("worse: HEAD needs over 5 % more epochs than BASE in 1 of 2 rows. ")
    assert "mine: " in sentence
    assert "gradient_descent" not in sentence
    assert "mine: source of the optimizer" in done.stdout


def test_equal_runs_are_not_worse(sides):
    done = sides.run(sides.side("base"), sides.side("head"), "--on", "epochs")
    assert done.exit_code == 0, done.output
    cells = [line.split("|") for line in done.stdout.splitlines() if line.startswith("| mine ")]
    ((_, _, pairs, base, head, ratio, verdict, _),) = cells
    assert pairs.strip() == "3"
    assert base.strip() == head.strip()
    assert ratio.strip() == "1 [1, 1]"
    assert verdict.strip() == "not worse"
    assert "- nothing: same options, source, software and machine" in done.stdout


def test_one_seed_is_inconclusive_even_for_an_optimizer_slowed_on_purpose(sides):
    given = sides.side("base", ONE_SEED), sides.side("head", ONE_SEED, optimizer=SLOWED)
    code, values = sides.compare(*given)
    assert (code, values["verdict"]) == (6, "inconclusive")
    assert reason(values, "mine") == "only 1 pair of seeds: use at least 2 seeds"
    assert reason(values, "mine") in values["sentence"]


@pytest.mark.nightly
@pytest.mark.parametrize(("optimizer", "code"), [(SLOWED, 4), ((), 0)])
def test_ten_repeats_on_a_noisy_machine_give_the_same_answer_on_epochs(sides, optimizer, code):
    less = ("  - {name: gradient_descent, lr: 0.1}\n", ""), ("seeds: 1-3", "seeds: 1-2")
    given = sides.side("base", *less), sides.side("head", *less, optimizer=optimizer)
    busy = "while True: pass"
    with subprocess.Popen([sys.executable, "-c", busy]) as noise:
        try:
            done = [sides("compare", *given, "--quiet", "--out", f"out{i}") for i in range(10)]
        finally:
            noise.kill()
    assert {(one.exit_code, one.stdout) for one in done} == {(code, done[0].stdout)}


def test_fewer_epochs_are_better(sides):
    code, values = sides.compare(sides.side("base", optimizer=SLOWED), sides.side("head"))
    assert (code, values["verdict"]) == (0, "not worse")  # of the other row
    assert verdicts(values) == {"mine": "better", "gradient_descent": "not worse"}


def test_the_tolerance_decides(sides):
    given = sides.side("base"), sides.side("head", optimizer=SLOWED)
    code, values = sides.compare(*given)
    (ratio,) = [row["ratio"] for row in values["rows"] if row["label"] == "mine"]
    assert code == 4
    assert 1.5 < ratio["lo"] <= ratio["value"] <= ratio["hi"] < 2.5
    assert sides.compare(*given, "--tolerance", f"{100 * ratio['hi'] - 99.9}%")[0] == 0
    middle = (ratio["lo"] + ratio["hi"]) / 2 - 1
    assert sides.compare(*given, "--tolerance", f"{100 * middle}%")[0] == 6


def test_the_json_has_a_schema_and_everything_of_a_row(sides):
    _, values = sides.compare(sides.side("base"), sides.side("head"))
    assert values["schema"] == 1
    assert (values["on"], values["tolerance"], values["failed"]) == ("epochs", 0.05, [])
    row = values["rows"][-1]
    assert (row["dataset"], row["label"], row["target"]) == ("points", "mine", "train_loss < 0.4")
    assert row["seeds"] == [1, 2, 3]
    assert row["base"] == row["head"] > 0
    assert row["noise"] == 0


def test_a_head_that_misses_where_base_reached_is_worse(sides):
    given = sides.side("base"), sides.side("head", optimizer=("self.lr *", "1e-9 * self.lr *"))
    code, values = sides.compare(*given)
    assert code == 4
    assert "HEAD missed the target on seeds 1, 2, 3" in reason(values, "mine")
    assert [row["head"] for row in values["rows"] if row["label"] == "mine"] == [None]
    assert "not reached" in sides.run(*given).stdout


def test_runs_that_both_miss_the_target_are_no_pass(sides):
    hard = ("train_loss: 0.4", "train_loss: 1.0e-9")
    code, values = sides.compare(sides.side("base", hard), sides.side("head", hard))
    assert code == 6
    assert "both sides missed the target on 3 of 3 seeds" in reason(values, "mine")


@pytest.mark.parametrize(
    ("pieces", "key"),
    [
        ((HIDDEN,), "model.hidden"),
        ((("loss: cross_entropy", "loss: softmax_bce"),), "loss.name"),
        ((("epochs: 400", "epochs: 300"),), "budget.epochs"),
        ((("seeds", "precision: float64\nseeds"),), "precision"),
    ],
)
def test_different_conditions_are_inconclusive_and_the_key_is_named(sides, pieces, key):
    code, values = sides.compare(sides.side("base"), sides.side("head", *pieces))
    assert code == 6
    assert f"differ in {key}" in reason(values, "mine")


def test_different_data_are_inconclusive(sides):
    given = sides.side("base"), sides.side("head")
    sides.points(sides.folder / "head" / "points.csv", seed=1)
    code, values = sides.compare(*given)
    assert code == 6
    assert "differ in data.fingerprint" in reason(values, "mine")


def test_a_changed_option_is_compared_and_reported(sides):
    slower = ("gradient_descent, lr: 0.1", "gradient_descent, lr: 0.05")
    code, values = sides.compare(sides.side("base"), sides.side("head", slower))
    assert code == 4
    assert values["changed"] == {"gradient_descent": ["lr 0.1 → 0.05"]}


def test_another_target_makes_rows_of_one_side_only(sides):
    target = ("train_loss: 0.4", "train_loss: 0.5")
    code, values = sides.compare(sides.side("base"), sides.side("head", target))
    assert code == 6
    assert {row["reason"] for row in values["rows"]} == {"only BASE has runs", "only HEAD has runs"}


def test_seeds_and_labels_of_one_side_only_are_named(sides):
    fewer = ("seeds: 1-3", "seeds: 2,3")
    code, values = sides.compare(sides.side("base"), sides.side("head", fewer))
    assert code == 6
    assert reason(values, "mine") == "HEAD has no run of seed 1"
    code, values = sides.compare(sides.side("base"), sides.side("head", ("label: mine, ", "")))
    assert code == 6
    assert reason(values, "mine") == "only BASE has runs"
    assert reason(values, "rule") == "only HEAD has runs"


def test_a_side_whose_runs_fail_is_no_pass_and_its_error_is_reported(sides):
    given = sides.side("base"), sides.side("head", optimizer=BROKEN)
    code, values = sides.compare(*given)
    assert code == 6
    assert reason(values, "mine") == "only BASE has runs"
    assert values["failed"][0].startswith("HEAD: mine, seed 1: ZeroDivisionError")
    assert "3 runs failed" in values["sentence"]


def test_a_baseline_stands_for_the_runs_that_it_was_made_of(sides):
    base, head = sides.side("base"), sides.side("head", optimizer=SLOWED)
    saved = sides("compare", base, "--save", "baseline.json")
    assert (saved.exit_code, saved.stdout) == (0, "")
    assert "baseline.json (6 runs)" in saved.stderr
    fresh = sides.compare(base, head)
    assert sides.compare("baseline.json", head) == fresh
    assert sides.compare("results", "baseline.json", "--seeds", "1-2")[1]["rows"][0]["seeds"] == [
        1,
        2,
    ]
    assert (sides.folder / "baseline.json").stat().st_size < 6 * 3000


def test_a_baseline_is_the_same_file_every_time(sides):
    config = sides.side("base")
    for name in ("a", "b"):
        assert sides("compare", config, "--save", f"{name}.json", "--out", name).exit_code == 0
    texts = [(sides.folder / f"{name}.json").read_text() for name in "ab"]
    assert [json.loads(text)["schema"] for text in texts] == [1, 1]
    records = [json.loads(text)["records"] for text in texts]
    found = [[(r["label"], r["seed"], r["epochs"]) for r in runs] for runs in records]
    assert found[0] == found[1] == sorted(found[0], key=lambda run: run[:2])
    assert all(len(text.splitlines()) == 6 + 2 for text in texts)


def test_a_baseline_of_the_gfopt_before_is_read(sides):
    base, head = sides.side("base"), sides.side("head")
    sides.run(base, "--save", "new.json")
    records = json.loads((sides.folder / "new.json").read_text())["records"]
    old = [downgrade(values) for values in records]
    (sides.folder / "old.json").write_text(json.dumps(old))  # a list, and no `limit`
    assert sides.compare("old.json", head) == sides.compare(base, head)


def test_no_baseline_is_written_of_runs_that_failed(sides):
    config = sides.side("base", optimizer=BROKEN)
    done = sides.run(config, "--save", "baseline.json")
    assert done.exit_code == 3
    assert "ZeroDivisionError" in done.stderr
    assert not (sides.folder / "baseline.json").exists()


def test_folders_of_runs_are_compared_without_running_anything(sides):
    for name, optimizer in (("base", ()), ("head", SLOWED)):
        config = sides.side(name, optimizer=optimizer)
        sides("compare", config, "--save", "x.json", "--out", f"{name}-results")
    done = sides("compare", "base-results", "head-results/race")
    assert done.exit_code == 4
    assert done.stderr == ""


def test_a_folder_with_runs_of_two_versions_of_an_optimizer_is_ambiguous(sides):
    for optimizer in ((), SLOWED):
        sides("compare", sides.side("base", optimizer=optimizer), "--save", "x.json")
    code, values = sides.compare("results", "results")
    assert code == 6
    assert "BASE has several runs of seeds 1, 2, 3" in reason(values, "mine")
    assert "differ in source" in reason(values, "mine")


def test_the_summary_is_appended(sides):
    (sides.folder / "summary.md").write_text("before\n")
    done = sides.run(sides.side("base"), sides.side("head"), "--summary", "summary.md")
    assert (sides.folder / "summary.md").read_text("utf-8") == f"before\n{done.stdout}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--on", "epoch"), "unknown quantity of --on 'epoch'. Did you mean 'epochs'?"),
        (("--tolerance", "5"), "--tolerance 5: give a percentage such as 5% or a fraction such"),
        (("--tolerance", "-5%"), "--tolerance -5%: give"),
        (("--tolerance", "nan"), "--tolerance nan: give"),
        (("--tolerance", "five"), "--tolerance five: give"),
        (("--seeds", "3-1"), "--seeds 3-1: seeds: "),
        (("--save", "x.json"), "give BASE and HEAD; or BASE and --save FILE; or --workflow"),
        (("--summary", "nowhere/x.md"), "nowhere/x.md: No such file or directory"),
        (("--base-python", "nowhere/python"), "nowhere/python: No such file or directory"),
    ],
)
def test_mistakes_are_reported_before_anything_runs(sides, words, message):
    done = sides("compare", sides.side("base"), sides.side("head"), *words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (sides.folder / "results").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "No such file or directory"),
        ("{", "not a baseline: "),
        ("[1]", "not a baseline: record 0: Input should be"),
        ('{"records": []}', "its schema: None"),
        ('{"schema": 9, "records": []}', "its schema: 9"),
        ('{"schema": 1, "records": []}', "no runs found: "),
        ("[]", "no runs found: "),
    ],
)
def test_a_file_that_is_no_baseline_is_reported(sides, text, message):
    if text is not None:
        (sides.folder / "x.json").write_text(text)
    done = sides("compare", "x.json", sides.side("head"))
    assert done.exit_code == 2
    assert done.stderr.startswith("error: x.json: ")
    assert message in done.stderr


def test_a_baseline_with_records_of_another_schema_is_refused(sides):
    sides.run(sides.side("base"), "--save", "x.json")
    values = json.loads((sides.folder / "x.json").read_text())
    for record in values["records"]:
        record["record_schema"] = 99
    (sides.folder / "x.json").write_text(json.dumps(values))
    done = sides("compare", "x.json", sides.side("head"))
    assert done.exit_code == 2
    assert "x.json: holds records of schema 99" in done.stderr
    assert "--save FILE" in done.stderr


def test_a_folder_without_runs_is_reported(sides):
    (sides.folder / "empty").mkdir()
    done = sides("compare", "empty", sides.side("head"))
    assert done.exit_code == 2
    assert done.stderr.startswith("error: empty: no runs found: ")
