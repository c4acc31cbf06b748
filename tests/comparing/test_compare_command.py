"""gfopt compare on real runs: what is worse, what isn't, and what can't be told."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.comparing.conftest import SLOWED

HIDDEN = ("hidden: [4]", "hidden: [5]")
ONE_SEED = ("seeds: 1-3", "seeds: 1")


def test_a_rule_slowed_on_purpose_is_worse(sides):
    done = sides("compare", sides.side("base"), sides.side("head", rule=SLOWED), "--on", "epochs")
    assert done.exit_code == 4
    assert done.stdout.splitlines()[2].startswith(
        "worse: HEAD needs over 5 % more epochs than BASE on 1 of 2 rows compared: mine: "
    )
    assert "- mine: source of the rule, or of what it runs on (" in done.stdout
    assert "| gradient_descent | 3 |" in done.stdout


def test_equal_runs_are_not_worse(sides):
    done = sides("compare", sides.side("base"), sides.side("head"), "--on", "epochs")
    assert done.exit_code == 0, done.output
    assert "| mine | 3 |" in done.stdout
    assert "| 1 (1–1) | not worse |" in done.stdout  # noqa: RUF001
    assert "- nothing: the same options, source, software and machine" in done.stdout


def test_one_seed_is_inconclusive_even_for_a_rule_slowed_on_purpose(sides):
    given = sides.side("base", ONE_SEED), sides.side("head", ONE_SEED, rule=SLOWED)
    code, told = sides.compare(*given)
    assert (code, told["verdict"]) == (6, "inconclusive")
    assert "mine: there is 1 pair of seeds, at least 2 are needed" in told["sentence"]


@pytest.mark.parametrize(("rule", "code"), [(SLOWED, 4), ((), 0)])
def test_ten_repeats_on_a_noisy_machine_give_the_same_answer_on_epochs(sides, rule, code):
    less = ("  - {name: gradient_descent, lr: 0.1}\n", ""), ("seeds: 1-3", "seeds: 1-2")
    given = sides.side("base", *less), sides.side("head", *less, rule=rule)
    busy = "while True: pass"
    with subprocess.Popen([sys.executable, "-c", busy]) as noise:
        try:
            done = [sides("compare", *given, "--quiet", "--out", f"out{i}") for i in range(10)]
        finally:
            noise.kill()
    assert {(one.exit_code, one.stdout) for one in done} == {(code, done[0].stdout)}


def test_fewer_epochs_are_better(sides):
    code, told = sides.compare(sides.side("base", rule=SLOWED), sides.side("head"))
    assert (code, told["verdict"]) == (0, "not worse")  # of the other row
    assert {row["label"]: row["verdict"] for row in told["rows"]} == {
        "mine": "better",
        "gradient_descent": "not worse",
    }


def test_the_tolerance_decides(sides):
    given = sides.side("base"), sides.side("head", rule=SLOWED)
    code, told = sides.compare(*given)
    (ratio,) = [row["ratio"] for row in told["rows"] if row["label"] == "mine"]
    assert code == 4
    assert 1.5 < ratio["lo"] <= ratio["value"] <= ratio["hi"] < 2.5
    assert sides.compare(*given, "--tolerance", f"{100 * ratio['hi'] - 99.9}%")[0] == 0
    middle = (ratio["lo"] + ratio["hi"]) / 2 - 1
    assert sides.compare(*given, "--tolerance", f"{100 * middle}%")[0] == 6


def test_a_head_that_misses_where_base_reached_is_worse(sides):
    given = sides.side("base"), sides.side("head", rule=("self.lr *", "1e-9 * self.lr *"))
    code, told = sides.compare(*given)
    assert code == 4
    assert "HEAD missed the target on seeds 1, 2, 3, where BASE reached it" in told["sentence"]
    assert "not reached" in sides("compare", *given).stdout


def test_runs_that_both_miss_the_target_are_no_pass(sides):
    hard = ("train_loss: 0.4", "train_loss: 1.0e-9")
    code, told = sides.compare(sides.side("base", hard), sides.side("head", hard))
    assert code == 6
    assert "both sides missed the target on 3 of 3 seeds" in told["sentence"]


@pytest.mark.parametrize(
    ("pieces", "key"),
    [
        ((HIDDEN,), "model.hidden"),
        ((("loss: cross_entropy", "loss: softmax_bce"),), "loss.name"),
        ((("epochs: 400", "epochs: 300"),), "budget.epochs"),
        ((("seeds", "precision: float64\nseeds"),), "precision"),
    ],
)
def test_unlike_configs_are_inconclusive_and_the_key_is_named(sides, pieces, key):
    code, told = sides.compare(sides.side("base"), sides.side("head", *pieces))
    assert code == 6
    assert f"BASE and HEAD are unlike in {key}" in told["sentence"]


def test_unlike_data_are_inconclusive(sides):
    given = sides.side("base"), sides.side("head")
    sides.points(sides.folder / "head" / "points.csv", seed=1)
    code, told = sides.compare(*given)
    assert code == 6
    assert "unlike in data.fingerprint" in told["sentence"]


def test_a_changed_option_is_no_unlikeness_and_is_told(sides):
    slower = ("gradient_descent, lr: 0.1", "gradient_descent, lr: 0.05")
    code, told = sides.compare(sides.side("base"), sides.side("head", slower))
    assert code == 4
    assert told["changed"] == {"gradient_descent": ["lr 0.1 → 0.05"]}


def test_another_target_makes_rows_of_one_side_only(sides):
    target = ("train_loss: 0.4", "train_loss: 0.5")
    code, told = sides.compare(sides.side("base"), sides.side("head", target))
    assert code == 6
    assert "has runs on BASE's side only" in told["sentence"]


def test_seeds_and_labels_of_one_side_only_are_named(sides):
    fewer = ("seeds: 1-3", "seeds: 2,3")
    code, told = sides.compare(sides.side("base"), sides.side("head", fewer))
    assert code == 6
    assert "mine: HEAD has no run of seed 1" in told["sentence"]
    code, told = sides.compare(sides.side("base"), sides.side("head", ("label: mine, ", "")))
    assert code == 6
    assert "mine: has runs on BASE's side only" in told["sentence"]
    assert "rule: has runs on HEAD's side only" in told["sentence"]


def test_a_side_whose_runs_fail_is_no_pass_and_its_mistake_is_told(sides):
    given = sides.side("base"), sides.side("head", rule=("return {key", "1 / 0; {key"))
    code, told = sides.compare(*given)
    assert code == 6
    assert "mine: has runs on BASE's side only" in told["sentence"]
    assert told["failed"][0].startswith("HEAD: mine, seed 1: ZeroDivisionError")


def test_a_baseline_stands_for_the_runs_that_it_was_made_of(sides):
    base, head = sides.side("base"), sides.side("head", rule=SLOWED)
    made = sides("compare", base, "--save", "baseline.json")
    assert (made.exit_code, made.stdout) == (0, "")
    assert "baseline: baseline.json, 6 runs" in made.stderr
    fresh = sides.compare(base, head)
    assert sides.compare("baseline.json", head, "--out", "elsewhere") == fresh
    assert sides.compare("results", "baseline.json", "--seeds", "1-2")[0] == 6  # rule twice
    assert (sides.folder / "baseline.json").stat().st_size < 6 * 3000


def test_a_baseline_is_the_same_file_every_time(sides):
    config = sides.side("base")
    for name in ("a", "b"):
        assert sides("compare", config, "--save", f"{name}.json", "--out", name).exit_code == 0
    texts = [(sides.folder / f"{name}.json").read_text() for name in "ab"]
    found = [[(r["label"], r["seed"], r["epochs"]) for r in json.loads(text)] for text in texts]
    assert found[0] == found[1] == sorted(found[0], key=lambda run: run[:2])
    assert all(len(text.splitlines()) == 6 + 2 for text in texts)


def test_no_baseline_is_written_of_runs_that_failed(sides):
    config = sides.side("base", rule=("return {key", "1 / 0; {key"))
    done = sides("compare", config, "--save", "baseline.json")
    assert done.exit_code == 3
    assert "ZeroDivisionError" in done.stderr
    assert not (sides.folder / "baseline.json").exists()


def test_folders_of_runs_are_compared_without_running_anything(sides):
    for name, rule in (("base", ()), ("head", SLOWED)):
        config = sides.side(name, rule=rule)
        sides("compare", config, "--save", "x.json", "--out", f"{name}-results")
    done = sides("compare", "base-results", "head-results/race")
    assert done.exit_code == 4
    assert done.stderr == ""


def test_a_folder_with_runs_of_two_versions_of_a_rule_is_ambiguous(sides):
    for rule in ((), SLOWED):
        sides("compare", sides.side("base", rule=rule), "--save", "x.json")
    code, told = sides.compare("results", "results")
    assert code == 6
    assert (
        "mine: BASE has more than one run of seeds 1, 2, 3, which differ in source"
        in (told["sentence"])
    )


def test_the_summary_is_appended(sides):
    (sides.folder / "summary.md").write_text("before\n")
    done = sides("compare", sides.side("base"), sides.side("head"), "--summary", "summary.md")
    assert (sides.folder / "summary.md").read_text("utf-8") == f"before\n{done.stdout}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--on", "epoch"), "unknown quantity of --on 'epoch'. Did you mean 'epochs'?"),
        (("--tolerance", "5"), "--tolerance 5: give a percentage such as 5% or a fraction such"),
        (("--tolerance", "-5%"), "--tolerance -5%: give"),
        (("--tolerance", "nan"), "--tolerance nan: give"),
        (("--tolerance", "five"), "--tolerance five: give"),
        (("--seeds", "3-1"), "--seeds 3-1: seeds: a range of seeds goes up"),
        (("--save", "x.json"), "give BASE and HEAD; or BASE and --save FILE; or --workflow"),
        (("--summary", "nowhere/x.md"), "nowhere/x.md: No such file or directory"),
        (("--base-python", "nowhere/python"), "nowhere/python: No such file or directory"),
    ],
)
def test_mistakes_are_told_before_anything_runs(sides, words, said):
    done = sides("compare", sides.side("base"), sides.side("head"), *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not (sides.folder / "results").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "No such file or directory"),
        ("{", "no baseline: "),
        ("[1]", "no baseline: 0: Input should be"),
        ("[]", "holds no runs: give a folder with runs in it, like results/digits"),
    ],
)
def test_a_file_that_is_no_baseline_is_told(sides, text, said):
    if text is not None:
        (sides.folder / "x.json").write_text(text)
    done = sides("compare", "x.json", sides.side("head"))
    assert done.exit_code == 2
    assert done.stderr.startswith("error: x.json: ")
    assert said in done.stderr


def test_a_baseline_of_another_schema_is_refused(sides):
    sides("compare", sides.side("base"), "--save", "x.json")
    text = (sides.folder / "x.json").read_text()
    (sides.folder / "x.json").write_text(
        text.replace('"record_schema":2,"id"', '"record_schema":0,"id"')
    )
    done = sides("compare", "x.json", sides.side("head"))
    assert done.exit_code == 2
    assert "records of schema 0, this gfopt's are of 2; make it anew with" in done.stderr


def test_a_folder_without_runs_is_told(sides):
    (sides.folder / "empty").mkdir()
    done = sides("compare", "empty", sides.side("head"))
    assert done.exit_code == 2
    assert done.stderr.startswith("error: empty: holds no runs: give a folder with runs in it")
