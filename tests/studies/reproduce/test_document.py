"""reproduction.md, .csv and .json: every claim with both verdicts, whatever became of it."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest

from gfopt.studies.reproduce.document import (
    SCHEMA,
    JudgedClaim,
    format_ours,
    write_csv,
    write_json,
    write_markdown,
    write_summary,
)
from gfopt.studies.reproduce.draw_figures import DrawnFigure
from gfopt.studies.reproduce.verdicts import (
    ClaimVerdict,
    Reproduced,
    Supported,
    make_not_run_verdict,
)
from tests.studies.reproduce.conftest import assert_facts, claim

INF, NAN = math.inf, math.nan


def make_judged(name, verdict, **given):
    made = claim("spread", published=2629.17334, id=name, unit="MSE", **given)
    return JudgedClaim(made, verdict)


def verdict(values=(), reproduced="yes", supported="yes", sentence="So it is.", **given):
    return ClaimVerdict(Reproduced(reproduced), Supported(supported), sentence, values, **given)


FOUND = [
    make_judged("one", verdict([2.5], percentile=100.0), system="search"),
    make_judged("two", verdict([1.0, INF, 3.0], "within spread", "no"), system="another"),
    make_judged(
        "three", verdict([NAN, NAN], "outside spread", "only for this seed"), system="search"
    ),
    make_judged("four", make_not_run_verdict("no files"), system="search", says="a | b\n  c"),
    make_judged("five", verdict([881, 600, 650], seed_value=881.0), system="another"),
]
CONDITIONS = {"--quick": "yes", "cpu": "A", "gpu": None, "threads": "1"}


def table_rows(text):
    """The cells of the tables' rows, by the claim's name."""
    lines = [line for line in text.splitlines() if line.startswith("| **")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0].rpartition("`")[0].rpartition("`")[2]: row for row in cells}


def test_every_claim_has_its_row_with_both_verdicts():
    found = table_rows(write_markdown(FOUND, [], CONDITIONS))
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
    found = table_rows(write_markdown(FOUND, [], CONDITIONS))
    assert found["one"][0] == "**it** (here; `one`)"
    assert found["one"][1:3] == ["2629.17334 MSE", "2.500"]
    assert found["one"][5] == "So it is."


def test_a_unit_stands_with_its_numbers_not_with_their_ratio():
    made = claim("ratio", than="b", published=[23, 50], unit="CPU seconds")
    (row,) = table_rows(write_markdown([JudgedClaim(made, verdict([0.4]))], [], {})).values()
    assert row[1] == "23 / 50 CPU seconds = 0.4600"


def test_claims_stand_under_their_system_in_the_order_of_the_file():
    text = write_markdown(FOUND, [], CONDITIONS)
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads == [
        "# Published claims and what our runs show",
        "## Search",
        "## Another",
        "## How to read this report",
    ]
    assert list(table_rows(text)) == ["one", "three", "four", "two", "five"]


def test_pipes_and_line_breaks_stay_within_their_cell():
    found = table_rows(write_markdown(FOUND, [], CONDITIONS))
    assert found["four"][0] == "**a \\| b c** (here; `four`)"
    broken = make_judged("bad", make_not_run_verdict("ValueError: one\ntwo | three"))
    (row,) = table_rows(write_markdown([broken], [], {})).values()
    assert row[5] == "Not run: ValueError: one two \\| three."


def test_a_claim_that_was_not_run_has_no_number_and_a_reason():
    found = table_rows(write_markdown(FOUND, [], CONDITIONS))["four"]
    assert found[2:] == ["—", "not run", "**not run**", "Not run: no files."]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (verdict([2.5]), "2.500"),
        (verdict([1, 2, 3]), "2 (1 to 3), n = 3"),
        (verdict([2, 2]), "2, n = 2"),
        (verdict([1, INF, 3]), "3 (1 to inf), n = 3"),
        (verdict([NAN, NAN]), "inf, n = 2"),
        (
            verdict([881, 600, 650], seed_value=881),
            "881; median over seeds 650 (600 to 881), n = 3",
        ),
        (verdict([881], seed_value=881), "881"),
        (verdict(range(1, 7)), "3.500 (1 to 6), n = 6"),
        (make_not_run_verdict("why"), "—"),
    ],
)
def test_ours_is_the_number_of_the_seed_then_median_interval_and_count(given, text):
    assert format_ours(given) == text


def test_the_summary_counts_each_verdict():
    assert_facts(
        write_summary(FOUND), "5 claims", "yes 2, within spread 1, outside spread 1, not run 1"
    )
    assert_facts(write_summary(FOUND), "yes 2, no 1, only for this seed 1, not run 1")
    assert write_summary(FOUND) in write_markdown(FOUND, [], CONDITIONS)


def test_figures_are_shown_with_their_captions():
    text = write_markdown(FOUND, [DrawnFigure("reproduction/a.png", "Figure 1")], CONDITIONS)
    assert "![Figure 1](reproduction/a.png)\n\nFigure 1" in text
    assert "![" not in write_markdown(FOUND, [], CONDITIONS)


def test_the_report_gives_the_options_and_the_machine():
    text = write_markdown(FOUND, [], CONDITIONS)
    assert_facts(text.splitlines()[-1], "--quick yes", "cpu A", "threads 1")
    assert "gpu" not in text.splitlines()[-1]
    assert "--quick" not in write_markdown(FOUND, [], {})


def test_every_verdict_is_explained():
    text = " ".join(write_markdown(FOUND, [], CONDITIONS).partition("How to read")[2].split())
    for word in Supported:
        assert word in (Supported.YES, Supported.NO) or f"*{word}*" in text


def test_csv_has_a_row_a_claim_at_full_precision():
    found = list(csv.DictReader(io.StringIO(write_csv(FOUND))))
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
    found = json.loads(write_json(FOUND, CONDITIONS), parse_constant=pytest.fail)
    assert found["conditions"] == CONDITIONS
    by_id = {row["id"]: row for row in found["claims"]}
    assert (by_id["two"]["ours"], by_id["two"]["ours_hi"]) == (3.0, None)
    assert by_id["three"]["ours"] is None
    assert by_id["four"]["percentile"] is None
    assert {row["claim_supported"] for row in by_id.values()} >= {"no", "not run"}


def test_csv_and_json_have_the_same_columns_and_a_schema_version():
    found = json.loads(write_json(FOUND, {}))
    assert found["schema"] == SCHEMA
    header, *lines = csv.reader(io.StringIO(write_csv(FOUND)))
    assert header == [*found["claims"][0], "schema"]
    assert {line[-1] for line in lines} == {str(SCHEMA)}


def test_a_reason_gets_one_full_stop():
    assert make_not_run_verdict("put them there.").sentence == "Not run: put them there."
