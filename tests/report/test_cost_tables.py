"""The tables of costs and of pairs: their columns, and their values against direct computation."""

import csv
import io
import json
import math

import numpy as np
import pytest
from scipy.stats import binomtest

from gfopt.analysis.costs import AXES
from gfopt.analysis.statistics import holm
from gfopt.records.record import TargetResult, TuningCost
from gfopt.report.formats import formats
from gfopt.report.summary import summarise
from tests.record_factory import missed, record
from tests.report.rows import FAST, SLOW, row

A, B = row("A", SLOW), row("B", FAST, products=(10, 20), peak_memory=2**20)


def costs(*rows):
    """The rows of the costs table by label and kind of cost."""
    table = summarise([run for runs in rows for run in runs]).more["costs"]
    return {(r["label"], r["cost"]): r for r in table.rows}


def pairs(*rows):
    return summarise([run for runs in rows for run in runs]).more["pairs"]


def test_the_columns_of_both_are_those_that_are_promised():
    more = summarise([*A, *B]).more
    assert " ".join(more["costs"].names) == (
        "experiment label target cost median lo hi mean horizon expected expected_lo expected_hi"
    )
    assert " ".join(more["pairs"].names) == (
        "experiment target cost label against control pairs wins losses ties ratio_mean "
        "ratio_mean_lo ratio_mean_hi ratio_median ratio_median_lo ratio_median_hi test p p_holm "
        "smallest_p logrank_p"
    )
    for table in more.values():
        assert all(list(r) == table.names for r in table.rows)


def test_there_is_a_row_for_each_kind_of_cost_that_the_runs_know():
    found = costs(A, B)
    assert [cost for label, cost in found if label == "B"] == [axis.name for axis in AXES]
    assert {axis.name for axis in AXES} - {cost for label, cost in found if label == "A"} == {
        "flops",
        "peak_memory",
    }


def test_costs_where_all_reached_are_medians_and_means():
    found = costs(A, B)
    for label, spent in (("A", SLOW), ("B", FAST)):
        for cost, factor in (("epochs", 1), ("passes", 2), ("seconds", 0.1)):
            shown = found[label, cost]
            values = factor * np.array(spent)
            assert shown["median"] == pytest.approx(np.median(values))
            assert shown["mean"] == pytest.approx(values.mean())
            assert shown["expected"] == pytest.approx(values.mean())
            assert shown["lo"] == pytest.approx(sorted(values)[1])  # order statistics of ten
            assert shown["hi"] == pytest.approx(sorted(values)[8])
    assert found["B", "flops"]["median"] == pytest.approx(2 * 30 * np.median(FAST))


def test_operations_are_two_for_each_multiply_add_of_a_pass():
    (one,) = row("X", [40], products=(7, 11))
    assert costs([one])["X", "flops"]["median"] == 2 * (40 * 7 + 40 * 11)


def test_misses_count_in_the_expected_cost_and_up_to_the_horizon_in_the_mean():
    found = costs(row("A", [10, 20, None, 40]))["A", "epochs"]  # a miss is at 1000
    assert found["median"] == 30
    assert found["hi"] == math.inf
    assert found["horizon"] == 1000
    assert found["mean"] == (10 + 20 + 40 + 1000) / 4
    assert found["expected"] == (10 + 20 + 40 + 1000) / 3


def test_the_horizon_is_what_any_run_of_the_race_cost():
    found = costs(row("A", [10, 20]), row("B", [30, 700]), row("C", [9000], target="other"))
    assert found["A", "epochs"]["horizon"] == found["B", "epochs"]["horizon"] == 700
    assert found["C", "epochs"]["horizon"] == 9000


def test_memory_has_no_mean_as_restarts_do_not_add_it_up():
    found = costs(B)["B", "peak_memory"]
    assert found["median"] == 2**20
    assert found["mean"] is found["expected"] is None


def test_vectorized_seeds_have_neither_seconds_nor_memory():
    known = {cost for _, cost in costs(row("A", SLOW, replicas=10, peak_memory=5))}
    assert known == {"epochs", "updates", "forward_passes", "backward_passes", "passes"}


def test_pairs_are_counted_and_their_ratios_are_those_of_the_costs():
    table = pairs(A, B, row("C", [1.2 * f for f in FAST], control_of=["B"]))
    assert [(r["label"], r["against"], r["control"]) for r in table.rows[::3]] == [
        ("B", "A", None),
        ("C", "A", None),
        ("B", "C", "yes"),
    ]
    first = table.rows[0]
    ratios = np.array(FAST) / np.array(SLOW)
    assert (first["pairs"], first["wins"], first["losses"], first["ties"]) == (10, 10, 0, 0)
    assert first["ratio_mean"] == pytest.approx(np.exp(np.log(ratios).mean()))
    assert first["ratio_median"] == pytest.approx(np.median(ratios))
    assert first["smallest_p"] == 2**-9
    epochs = [r for r in table.rows if r["cost"] == "epochs"]
    assert [r["p_holm"] for r in epochs] == pytest.approx(holm([r["p"] for r in epochs]))


def test_ties_and_misses_are_counted():
    (first, *_) = pairs(row("A", [10, 20, None, None]), row("B", [10, None, 30, None])).rows
    assert [first[name] for name in ("wins", "losses", "ties")] == [1, 1, 2]
    assert first["ratio_mean"] is None
    assert first["test"] == "sign"


def test_the_share_that_reaches_has_wilsons_interval():
    (shown,) = summarise(row("A", [10, 20, None, 40])).rows
    expected = binomtest(3, 4).proportion_ci(0.95, method="wilson")
    assert (shown["reached"], shown["seeds"]) == (3, 4)
    assert (shown["reached_lo"], shown["reached_hi"]) == pytest.approx(tuple(expected))
    (bare,) = summarise([missed(target=None, target_value=None)]).rows
    assert bare["reached"] is bare["reached_lo"] is bare["reached_hi"] is None


def test_repeats_are_in_no_row():
    again = [run.model_copy(update={"repeat": 2, "seconds": 1e6}) for run in A]
    with_them, without = summarise([*A, *B, *again]), summarise([*A, *B])
    assert with_them.rows == without.rows
    for name in ("costs", "pairs"):
        assert with_them.more[name] == without.more[name]
    assert with_them.notes != without.notes  # but for the noise floor


def test_repeats_alone_make_no_rows():
    again = [run.model_copy(update={"repeat": 2}) for run in A]
    assert summarise(again).rows == []


def of_two_targets(seed, easy, hard):
    def hit(target, epochs):
        run = record(epochs=epochs)
        fields = {name: getattr(run, name) for name in TargetResult.model_fields}
        return TargetResult(**(fields | {"target": target}))

    return record(seed=seed, target="easy; hard", hits=[hit("easy", easy), hit("hard", hard)])


def test_each_of_several_targets_has_its_row_its_costs_and_its_pairs():
    runs = [of_two_targets(1, 10.0, 30.0), of_two_targets(2, 20.0, 50.0)]
    other = [run.model_copy(update={"label": "B"}) for run in runs]
    table = summarise([*runs, *other])
    assert [(r["label"], r["target"], r["epochs"]) for r in table.rows[:2]] == [
        ("gradient_descent", "easy", 15),
        ("gradient_descent", "hard", 40),
    ]
    shown = [(r["label"], r["target"]) for r in table.more["costs"].rows if r["cost"] == "epochs"]
    assert len(set(shown)) == 4
    assert {(r["label"], r["target"]) for r in table.more["pairs"].rows} == {
        ("B", "easy"),
        ("B", "hard"),
    }


@pytest.mark.parametrize(("disturbed", "timing"), [(0, None), (1, None), (2, "unreliable")])
def test_the_timing_of_a_row_says_whether_its_seconds_are_unreliable(disturbed, timing):
    runs = [run.model_copy(update={"other_work": float(i < disturbed)}) for i, run in enumerate(A)]
    assert summarise(runs).rows[0]["timing"] == timing


def test_without_seconds_there_is_no_verdict_on_timing():
    mixed = [A[0], *row("A", SLOW[1:], seeds=range(2, 11), replicas=9, other_work=1.0)]
    assert summarise(mixed).rows[0]["seconds"] is summarise(mixed).rows[0]["timing"] is None


def test_tuning_has_its_columns():
    tuned = TuningCost(trials=20, epochs=3.0, passes=7.0, seconds=9.5)
    (shown,) = summarise([record(tuned=tuned)]).rows
    assert [shown[f"tuning_{n}"] for n in ("trials", "passes", "seconds")] == [20, 7.0, 9.5]


def test_every_run_has_a_row_with_its_costs_repeats_included():
    again = [run.model_copy(update={"repeat": 2, "id": "once more"}) for run in A[:1]]
    table = summarise([*A, *row("B", [7.0, None]), *again]).more["runs"]
    assert len(table.rows) == len(A) + 3
    hit, miss = (r for r in table.rows if r["label"] == "B")
    assert (hit["seed"], hit["status"], hit["epochs"], hit["passes"]) == (1, "reached", 7, 14)
    assert (miss["seed"], miss["status"], miss["epochs"]) == (2, "budget", 1000)
    assert [r["seed"] for r in table.rows if r["repeat"] == 2] == [1]
    assert "once more" not in formats["md"](summarise([*A, *again]))


def test_a_run_of_several_targets_has_a_row_each_and_vectorized_seeds_have_no_seconds():
    values = {name: getattr(A[0], name) for name in TargetResult.model_fields}
    hits = [TargetResult(**values | {"target": target}) for target in ("easy", "hard")]
    table = summarise([A[0].model_copy(update={"hits": hits, "replicas": 5})]).more["runs"]
    assert [(r["target"], r["seconds"]) for r in table.rows] == [("easy", None), ("hard", None)]


def header(markdown):
    first = next(line for line in markdown.splitlines() if line.startswith("|"))
    return [cell.strip() for cell in first.strip("|").split("|")]


def test_markdown_leaves_out_columns_that_are_empty_all_over():
    bare = header(formats["md"](summarise([record(), record(label="b")])))
    full = header(formats["md"](summarise([record(), record(label="b", test_accuracy=0.5)])))
    assert set(full) - set(bare) == {"test_accuracy"}
    assert "compile_seconds" not in full
    assert "tuning_trials" not in full


def section(markdown, title):
    return markdown.split(f"## {title}")[1].split("\n## ")[0].strip().split("\n\n", 1)[1]


def test_markdown_shows_costs_with_a_column_for_each_kind():
    text = section(formats["md"](summarise([*A, *B])), "Costs to the target")
    assert " ".join(header(text)) == (
        "label epochs expected updates forward_passes backward_passes passes "
        "seconds cpu_seconds flops peak_memory"
    )
    one, two = ([c.strip() for c in line.strip("|").split("|")] for line in text.splitlines()[2:])
    values = dict(zip(header(text), one, strict=True))
    assert float(values["epochs"]) == np.median(SLOW)
    assert float(values["expected"]) == np.mean(SLOW)
    assert values["flops"] == values["peak_memory"] == ""
    assert dict(zip(header(text), two, strict=True))["flops"] == f"{60 * np.median(FAST):.4g}"


def test_markdown_tells_several_targets_apart():
    hard = [run.model_copy(update={"target": "hard"}) for run in (*A, *B)]
    text = formats["md"](summarise([*A, *B, *hard]))
    for title in ("Costs to the target", "Seed by seed"):
        assert "target" in header(section(text, title))
        assert "experiment" not in header(section(text, title))


def test_markdown_has_no_heading_without_rows():
    bare = {"target": None, "target_value": None}
    text = formats["md"](summarise([record(**bare), record(label="b", **bare)]))
    assert "## Seed by seed" not in text
    assert "## " not in formats["md"](summarise([]))


def test_json_has_both_tables_and_no_infinities():
    table = json.loads(
        formats["json"](summarise([*A, *row("B", [None] * 10)])), parse_constant=pytest.fail
    )
    assert table["costs"]["columns"][3] == "cost"
    assert len(table["pairs"]["rows"]) == 3
    missing = [r for r in table["costs"]["rows"] if (r["label"], r["cost"]) == ("B", "epochs")]
    assert missing[0]["median"] is missing[0]["expected"] is None


def test_csv_of_the_pairs_can_be_read_back_at_full_precision():
    table = pairs(A, B)
    for read, raw in zip(
        csv.DictReader(io.StringIO(formats["csv"](table))), table.rows, strict=True
    ):
        assert float(read["ratio_mean"]) == raw["ratio_mean"]
        assert int(read["pairs"]) == raw["pairs"]
        assert read["control"] == ""
