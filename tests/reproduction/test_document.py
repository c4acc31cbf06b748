"""reproduction.md, .csv and .json: every claim with both verdicts, whatever became of it."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest

from gfopt.reproduction.document import (
    Finding,
    Picture,
    ours,
    rows,
    summary,
    to_csv,
    to_json,
    to_markdown,
)
from gfopt.reproduction.verdicts import Reproduced, Supported, Verdict, not_run
from tests.reproduction.conftest import claim

INF, NAN = math.inf, math.nan


def finding(name, verdict, **given):
    made = claim("spread", published=2629.17334, id=name, unit="MSE", **given)
    return Finding(made, verdict)


def verdict(values=(), reproduced="yes", supported="yes", sentence="So it is.", **given):
    return Verdict(Reproduced(reproduced), Supported(supported), sentence, values, **given)


FOUND = [
    finding("one", verdict([2.5], percentile=100.0), system="search"),
    finding("two", verdict([1.0, INF, 3.0], "within spread", "no"), system="another"),
    finding("three", verdict([NAN, NAN], "outside spread", "only for this seed"), system="search"),
    finding("four", not_run("no files"), system="search", says="a | b\n  c"),
    finding("five", verdict([881, 600, 650], seeded=881.0), system="another"),
]
CONDITIONS = {"--quick": "yes", "cpu": "A", "gpu": None, "threads": "1"}


def table_rows(text):
    """The cells of the tables' rows, by the claim's name."""
    lines = [line for line in text.splitlines() if line.startswith("| **")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0].rpartition("`")[0].rpartition("`")[2]: row for row in cells}


def test_every_claim_has_its_row_with_both_verdicts():
    found = table_rows(to_markdown(FOUND, [], CONDITIONS))
    verdicts = {name: (row[3], row[4]) for name, row in found.items()}
    assert verdicts == {
        "one": ("yes", "**yes**"),
        "two": ("within spread", "**no**"),
        "three": ("outside spread", "**only for this seed**"),
        "four": ("not run", "**not run**"),
        "five": ("yes", "**yes**"),
    }
    assert {len(row) for row in found.values()} == {6}


def test_a_row_has_claim_source_number_unit_and_sentence():
    found = table_rows(to_markdown(FOUND, [], CONDITIONS))
    assert found["one"][0] == "**it** (here; `one`)"
    assert found["one"][1:3] == ["2629.17334 MSE", "2.500"]
    assert found["one"][5] == "So it is."


def test_a_unit_stands_with_its_numbers_not_with_their_ratio():
    made = claim("ratio", than="b", published=[23, 50], unit="CPU seconds")
    (row,) = table_rows(to_markdown([Finding(made, verdict([0.4]))], [], {})).values()
    assert row[1] == "23 / 50 CPU seconds = 0.4600"


def test_claims_stand_under_their_system_in_the_order_of_the_file():
    text = to_markdown(FOUND, [], CONDITIONS)
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads == [
        "# What stands of the published claims", "## Search", "## Another", "## How to read this"
    ]  # fmt: skip
    assert list(table_rows(text)) == ["one", "three", "four", "two", "five"]


def test_pipes_and_line_breaks_stay_within_their_cell():
    found = table_rows(to_markdown(FOUND, [], CONDITIONS))
    assert found["four"][0] == "**a \\| b c** (here; `four`)"
    broken = finding("bad", not_run("ValueError: one\ntwo | three"))
    (row,) = table_rows(to_markdown([broken], [], {})).values()
    assert row[5] == "Not run: ValueError: one two \\| three."


def test_what_was_not_run_has_no_number_and_its_reason():
    found = table_rows(to_markdown(FOUND, [], CONDITIONS))["four"]
    assert found[2:] == ["—", "not run", "**not run**", "Not run: no files."]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (verdict([2.5]), "2.500"),
        (verdict([1, 2, 3]), "2 (1 to 3), n = 3"),
        (verdict([2, 2]), "2, n = 2"),
        (verdict([1, INF, 3]), "3 (1 to inf), n = 3"),
        (verdict([NAN, NAN]), "inf, n = 2"),
        (verdict([881, 600, 650], seeded=881), "881; over seeds 650 (600 to 881), n = 3"),
        (verdict([881], seeded=881), "881"),
        (verdict(range(1, 7)), "3.500 (1 to 6), n = 6"),
        (not_run("why"), "—"),
    ],
)
def test_ours_is_the_number_of_its_seed_then_median_interval_and_count(given, text):
    assert ours(given) == text


def test_the_summary_counts_each_verdict():
    assert summary(FOUND) == (
        "5 claims. Number reproduced: yes 2, within spread 1, outside spread 1, not run 1. "
        "Claim supported: yes 2, no 1, only for this seed 1, not run 1."
    )
    assert summary(FOUND) in to_markdown(FOUND, [], CONDITIONS)


def test_pictures_are_shown_with_their_captions():
    text = to_markdown(FOUND, [Picture("reproduction/a.png", "Figure 1")], CONDITIONS)
    assert "![Figure 1](reproduction/a.png)\n\nFigure 1" in text
    assert "![" not in to_markdown(FOUND, [], CONDITIONS)


def test_the_report_says_how_it_was_asked_for_and_where_it_was_made():
    text = to_markdown(FOUND, [], CONDITIONS)
    assert text.endswith("- Made with --quick yes, cpu A, threads 1.\n")
    assert "Made with" not in to_markdown(FOUND, [], {})


def test_every_verdict_is_explained():
    text = " ".join(to_markdown(FOUND, [], CONDITIONS).partition("How to read")[2].split())
    for word in Supported:
        assert word in (Supported.YES, Supported.NO) or f"*{word}*" in text


def test_csv_has_a_row_a_claim_at_full_precision():
    found = list(csv.DictReader(io.StringIO(to_csv(FOUND))))
    assert [row["id"] for row in found] == ["one", "two", "three", "four", "five"]
    assert found[0]["published"] == "2629.17334"
    assert (found[0]["ours"], found[0]["percentile"], found[0]["values"]) == ("2.5", "100.0", "1")
    assert (found[1]["ours"], found[1]["ours_lo"], found[1]["ours_hi"]) == ("3.0", "1.0", "inf")
    assert (found[3]["ours"], found[3]["values"]) == ("", "0")
    assert (found[4]["ours"], found[4]["ours_median"]) == ("881.0", "650.0")
    verdicts = [(row["number_reproduced"], row["claim_supported"]) for row in found]
    assert verdicts[2:4] == [("outside spread", "only for this seed"), ("not run", "not run")]
    assert found[3]["sentence"] == "Not run: no files."


def test_json_is_strict_and_what_is_not_finite_is_null():
    found = json.loads(to_json(FOUND, CONDITIONS), parse_constant=pytest.fail)
    assert found["conditions"] == CONDITIONS
    by_id = {row["id"]: row for row in found["claims"]}
    assert (by_id["two"]["ours"], by_id["two"]["ours_hi"]) == (3.0, None)
    assert by_id["three"]["ours"] is None
    assert by_id["four"]["percentile"] is None
    assert {row["claim_supported"] for row in by_id.values()} >= {"no", "not run"}


def test_csv_and_json_have_the_same_columns():
    found = json.loads(to_json(FOUND, {}))["claims"]
    assert to_csv(FOUND).splitlines()[0].split(",") == list(found[0]) == list(rows(FOUND)[0])


def test_a_reason_that_ends_in_a_full_stop_gets_no_second_one():
    assert not_run("put them there.").sentence == "Not run: put them there."
