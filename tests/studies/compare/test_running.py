"""Sides run by other Pythons, and seconds in turn: with a stand-in that prints canned records."""

from __future__ import annotations

import pytest

SLOW = [2.0] * 99


def test_seconds_of_saved_runs_are_refused(sides):
    sides.run(sides.side("base"), "--save", "x.json")
    for words, name in ((("base/race.yaml", "x.json"), "HEAD"), (("x.json", "y"), "BASE")):
        done = sides("compare", *words, "--on", "seconds")
        assert done.exit_code == 2
        assert f"--on seconds: {name} is saved runs (x.json)" in done.stderr


def test_a_python_for_saved_runs_is_refused(sides, stub):
    sides.run(sides.side("base"), "--save", "x.json")
    done = sides("compare", "x.json", sides.side("head"), "--base-python", stub("b"))
    assert done.exit_code == 2
    assert "--base-python: x.json is saved runs" in done.stderr


def seconds(sides, base, head, *words, **more):
    pythons = ("--base-python", base, "--head-python", head)
    given = sides.side("base"), sides.side("head")
    return sides.compare(*given, "--on", "seconds", "--seeds", "1-2", *pythons, *words, **more)


def test_both_sides_take_turns_seed_by_seed(sides, stub):
    words = ("--repeats", "2", "--threads", "1")
    code, _ = seconds(sides, stub("b"), stub("h"), *words, out="results")
    assert code == 0
    assert [name for name, _ in stub.calls] == list("bhhbbhhb")
    found = [words[words.index("--seeds") + 1] for _, words in stub.calls]
    assert found == list("11221122")
    for name, words in stub.calls:
        config = {"b": "base/race.yaml", "h": "head/race.yaml"}[name]
        assert words[:5] == ["-P", "-m", "gfopt", "run", config]
        assert {"--force", "--json", "--quiet"} <= set(words)
        assert words[words.index("--timing") + 1] == "on"
        assert words[words.index("--device") + 1] == "cpu"
        assert words[words.index("--threads") + 1] == "1"
    assert not (sides.folder / "results").exists()


def test_twice_the_seconds_in_every_turn_are_worse(sides, stub):
    code, values = seconds(sides, stub("b"), stub("h", SLOW))
    assert (code, values["verdict"]) == (4, "worse")
    (row,) = values["rows"]
    assert row["ratio"] == {"value": 2, "lo": 2, "hi": 2}
    assert (row["seeds"], row["noise"]) == ([1, 2], 0)


def test_of_the_repeats_of_a_seed_the_median_counts(sides, stub):
    base = stub("b", [1.0, 1.0, 9.0, 1.0, 1.0, 1.0])  # seed 1: calls 0, 2, 4
    code, values = seconds(sides, base, stub("h"))
    assert code == 0
    assert (values["rows"][0]["base"], values["rows"][0]["ratio"]["value"]) == (1.0, 1.0)


def test_a_difference_within_the_noise_is_not_called_worse(sides, stub):
    spread = [1.2, 1.2, 1.0, 1.0, 1.8, 1.8]  # of each seed 1.2, 1.0, 1.8
    code, values = seconds(sides, stub("b", [1.0] * 6), stub("h", spread))
    assert code == 6
    (row,) = values["rows"]
    assert row["noise"] == pytest.approx(0.8 / 1.2)
    assert row["ratio"]["lo"] == pytest.approx(1.2)
    assert "entirely above 1.05, but within the timing noise" in row["reason"]
    assert "noise 67 %" in row["reason"]


def test_too_few_turns_are_no_proof_of_slowness(sides, stub):
    code, values = seconds(sides, stub("b"), stub("h", SLOW), "--repeats", "2")
    assert code == 6
    assert "only in 4 of 4 turns" in values["sentence"]


def test_seconds_on_different_threads_are_not_compared(sides, stub):
    one = {"versions": {}, "cpu": "A", "gpu": None, "device": "cpu", "threads": 1}
    base, head = stub("b", environment=one), stub("h", environment=one | {"threads": 2})
    code, values = seconds(sides, base, head)
    assert code == 6
    assert "different machines or settings: threads" in values["sentence"]
    assert values["changed"]["software and machine"] == ["threads 1 → 2"]


def test_epochs_by_two_pythons_have_a_folder_each(sides, stub):
    given = sides.side("base"), sides.side("head")
    base, head = stub("b", epochs=40.0), stub("h", epochs=80.0)
    pythons = ("--base-python", base, "--head-python", head)
    code, values = sides.compare(*given, *pythons, "--offline", out="results")
    assert code == 4
    assert values["rows"][0]["seeds"] == [1, 2]
    outs = [words[words.index("--out") + 1] for _, words in stub.calls]
    assert outs == ["results/base", "results/head"]
    assert all("--offline" in words and "--seeds" not in words for _, words in stub.calls)


@pytest.mark.parametrize(("code", "ends"), [(2, 2), (5, 5), (1, 3)])
def test_a_python_without_records_is_reported_with_its_error_message(sides, stub, code, ends):
    given = sides.side("base"), sides.side("head")
    python = stub("b", code=code, stderr="error: no such thing\n")
    done = sides("compare", *given, "--base-python", python)
    assert done.exit_code == ends
    assert "-m gfopt run base/race.yaml: no such thing" in done.stderr


def test_a_python_with_failed_runs_is_no_pass(sides, stub):
    given = sides.side("base"), sides.side("head")
    pythons = ("--base-python", stub("b"), "--head-python", stub("h", code=3, failed=["mine: no"]))
    code, values = sides.compare(*given, *pythons)
    assert (code, values["failed"]) == (6, ["HEAD: mine: no"])
    assert values["sentence"].startswith("inconclusive")
    assert "1 run failed" in values["sentence"]


def test_a_python_with_the_gfopt_before_is_compared_with_this_one(sides, stub):
    given = sides.side("base"), sides.side("head")
    pythons = ("--base-python", stub("b", schema=2), "--head-python", stub("h"))
    code, values = sides.compare(*given, *pythons)
    assert (code, values["verdict"], values["changed"]) == (0, "not worse", {})
    ours = {"-P", "-m", "gfopt", "run", "--device", "--data", "--json", "--quiet", "--out"}
    for _, words in stub.calls:  # options that every version has
        assert {word for word in words if word.startswith("-")} <= ours


def test_a_python_with_records_of_another_schema_is_reported(sides, stub):
    given = sides.side("base"), sides.side("head")
    done = sides("compare", *given, "--base-python", stub("b", schema=99))
    assert done.exit_code == 2
    assert "gfopt run base/race.yaml: holds records of schema 99" in done.stderr
    assert "same version of gfopt" in done.stderr


@pytest.mark.nightly
def test_seconds_by_real_processes_have_a_verdict(sides):
    two = ("seeds: 1-3", "seeds: 1-2")
    given = sides.side("base", two), sides.side("head", two)
    code, values = sides.compare(*given, "--on", "seconds", "--threads", "1", "--repeats", "2")
    assert code in (0, 4, 6)
    assert [row["seeds"] for row in values["rows"]] == [[1, 2], [1, 2]]
