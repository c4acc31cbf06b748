"""Sides run by other Pythons, and seconds in turn: with a stand-in that prints canned records."""

from __future__ import annotations

import pytest

SLOW = [2.0] * 99


def test_seconds_of_saved_runs_are_refused(sides):
    for words in (("base/race.yaml", "x.json"), ("x.json", "base/race.yaml")):
        sides("compare", sides.side("base"), "--save", "x.json")
        done = sides("compare", *words, "--on", "seconds")
        assert done.exit_code == 2
        assert "is saved runs (x.json), whose seconds are of another machine or hour" in done.stderr


def test_a_python_for_saved_runs_is_refused(sides, stub):
    sides("compare", sides.side("base"), "--save", "x.json")
    done = sides("compare", "x.json", sides.side("head"), "--base-python", stub("b"))
    assert done.exit_code == 2
    assert "--base-python: BASE is saved runs (x.json): nothing to run" in done.stderr


def seconds(sides, base, head, *words, seeds="1-2"):
    pythons = ("--base-python", base, "--head-python", head)
    given = sides.side("base"), sides.side("head")
    return sides.compare(*given, "--on", "seconds", "--seeds", seeds, *pythons, *words)


def test_both_sides_take_turns_seed_by_seed(sides, stub):
    code, _ = seconds(sides, stub("b"), stub("h"), "--repeats", "2", "--threads", "1")
    assert code == 0
    assert [name for name, _ in stub.calls] == list("bhhbbhhb")
    found = [words[words.index("--seeds") + 1] for _, words in stub.calls]
    assert found == list("11221122")
    for name, words in stub.calls:
        config = {"b": "base/race.yaml", "h": "head/race.yaml"}[name]
        assert words[:5] == ["-P", "-m", "gfopt", "run", config]
        assert words[-3:] == ["--timing", "on", "--force"]
        assert {"--json", "--quiet"} <= set(words)
        assert words[words.index("--device") + 1] == "cpu"
        assert words[words.index("--threads") + 1] == "1"
    assert not (sides.folder / "results").exists()


def test_twice_the_seconds_in_every_turn_are_worse(sides, stub):
    code, told = seconds(sides, stub("b"), stub("h", SLOW))
    assert (code, told["verdict"]) == (4, "worse")
    assert "2 times BASE's seconds (2 to 2, 2 pairs, noise 0 %)" in told["sentence"]


def test_of_the_repeats_of_a_seed_the_median_counts(sides, stub):
    base = stub("b", [1.0, 1.0, 9.0, 1.0, 1.0, 1.0])  # seed 1: calls 0, 2, 4
    code, told = seconds(sides, base, stub("h"))
    assert code == 0
    assert (told["rows"][0]["base"], told["rows"][0]["ratio"]["value"]) == (1.0, 1.0)


def test_a_difference_within_the_noise_is_not_called_worse(sides, stub):
    spread = [1.2, 1.2, 1.0, 1.0, 1.8, 1.8]  # of each seed 1.2, 1.0, 1.8
    code, told = seconds(sides, stub("b", [1.0] * 6), stub("h", spread))
    assert code == 6
    assert told["rows"][0]["noise"] == pytest.approx(0.8 / 1.2)
    ratio = "1.2 times BASE's seconds (1.2 to 1.2, 2 pairs, noise 67 %), all of it above 1.05, "
    assert f"{ratio}but within the noise" in told["sentence"]


def test_too_few_turns_are_no_proof_of_slowness(sides, stub):
    code, told = seconds(sides, stub("b"), stub("h", SLOW), "--repeats", "2")
    assert code == 6
    assert "in 4 of 4 turns only: more seeds or repeats would decide" in told["sentence"]


def test_seconds_on_different_threads_are_not_compared(sides, stub):
    one = {"versions": {}, "cpu": "A", "gpu": None, "device": "cpu", "threads": 1}
    base, head = stub("b", environment=one), stub("h", environment=one | {"threads": 2})
    code, told = seconds(sides, base, head)
    assert code == 6
    assert "seconds are of different machines or settings: threads" in told["sentence"]
    assert told["changed"]["software and machine"] == ["threads 1 → 2"]


def test_epochs_by_two_pythons_have_a_folder_each(sides, stub):
    given = sides.side("base"), sides.side("head")
    base, head = stub("b", epochs=40.0), stub("h", epochs=80.0)
    code, told = sides.compare(*given, "--base-python", base, "--head-python", head, "--offline")
    assert code == 4
    assert told["rows"][0]["seeds"] == [1, 2]
    outs = [words[words.index("--out") + 1] for _, words in stub.calls]
    assert outs == ["results/base", "results/head"]
    assert all("--offline" in words and "--seeds" not in words for _, words in stub.calls)


@pytest.mark.parametrize(("code", "ends"), [(2, 2), (5, 5), (1, 3)])
def test_a_python_that_comes_to_nothing_is_told_with_what_it_said(sides, stub, code, ends):
    given = sides.side("base"), sides.side("head")
    python = stub("b", code=code, said="error: no such thing\n")
    done = sides("compare", *given, "--base-python", python)
    assert done.exit_code == ends
    assert "-m gfopt run base/race.yaml: no such thing" in done.stderr


def test_a_python_with_failed_runs_is_no_pass(sides, stub):
    given = sides.side("base"), sides.side("head")
    pythons = ("--base-python", stub("b"), "--head-python", stub("h", code=3, failed=["mine: no"]))
    code, told = sides.compare(*given, *pythons)
    assert (code, told["failed"]) == (6, ["HEAD: mine: no"])
    assert told["sentence"] == "inconclusive, so no pass: 1 run failed."


def test_a_python_whose_records_are_foreign_is_told(sides, stub):
    given = sides.side("base"), sides.side("head")
    done = sides("compare", *given, "--base-python", stub("b", record_schema=0))
    assert done.exit_code == 2
    assert "records of schema 0, this gfopt's are of 2" in done.stderr


@pytest.mark.long
def test_seconds_by_real_processes_have_a_verdict(sides):
    given = sides.side("base"), sides.side("head")
    code, told = sides.compare(*given, "--on", "seconds", "--threads", "1")
    assert code in (0, 4, 6)
    assert [len(row["seeds"]) for row in told["rows"]] == [3, 3]
