import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gfopt.report.summary import summarise
from tests.record_factory import missed, record

runs = st.builds(
    lambda seed, epochs, seconds, reached: (record if reached else missed)(
        seed=seed, epochs=epochs, seconds=seconds
    ),
    st.integers(0, 99),
    st.integers(0, 9999).map(float),
    st.floats(0.001, 9999),
    st.booleans(),
)


def test_the_columns_are_those_that_are_promised():
    table = summarise([record()])
    promised = (
        "experiment dataset optimizer label target reading backend seeds reached reached_lo "
        "reached_hi epochs epochs_lo epochs_hi seconds seconds_lo seconds_hi timing "
        "compile_seconds loss accuracy test_accuracy chance tuning_trials tuning_passes "
        "tuning_seconds path"
    )
    assert table.names == list(table.rows[0]) == promised.split()


@pytest.mark.parametrize(
    ("backend", "path"), [("plain", "plain"), ("numba", "compiled"), ("cuda_graph", "graph")]
)
def test_the_old_name_of_a_backend_stays_in_the_column_path(backend, path):
    (row,) = summarise([record(backend=backend)]).rows
    assert (row["backend"], row["path"]) == (backend, path)


def test_no_records_make_an_empty_table():
    assert summarise([]).rows == []


def test_rows_come_in_the_order_in_which_they_first_appear():
    table = summarise([record(label=label) for label in ("b", "a", "b", "c")])
    assert [row["label"] for row in table.rows] == ["b", "a", "c"]


@pytest.mark.parametrize(
    "name", ["experiment", "dataset", "optimizer", "label", "target", "backend"]
)
def test_runs_that_differ_in_a_name_are_in_rows_of_their_own(name):
    assert len(summarise([record(), record(**{name: "other"})]).rows) == 2


def test_runs_of_one_label_with_other_options_are_never_pooled():
    table = summarise([record(epochs=10), record(epochs=30, options={"lr": 0.2})])
    assert [row["epochs"] for row in table.rows] == [10, 30]


def test_a_single_run_and_one_of_vectorized_seeds_are_in_the_same_row():
    one = record(seed=1, identity={"seed": 1, "replicas": 1})
    two = record(seed=2, identity={"seed": 2, "replicas": 4}, replicas=4)
    (row,) = summarise([one, two]).rows
    assert row["seeds"] == 2
    assert row["seconds"] is row["seconds_lo"] is row["seconds_hi"] is None


def test_the_longest_compile_time_of_the_runs_is_reported():
    cold, warm = (
        record(seed=s, backend="numba", phases={"compile": t}) for s, t in ((1, 9.5), (2, 0.1))
    )
    assert summarise([cold, warm]).rows[0]["compile_seconds"] == 9.5
    assert summarise([record()]).rows[0]["compile_seconds"] is None


def test_a_run_that_missed_its_target_took_infinitely_long():
    (row,) = summarise([record(seed=1), missed(seed=2), missed(seed=3)]).rows
    assert (row["seeds"], row["reached"]) == (3, 1)
    assert (row["epochs"], row["epochs_lo"], row["epochs_hi"]) == (math.inf, 40, math.inf)
    assert (row["seconds"], row["seconds_lo"], row["seconds_hi"]) == (math.inf, 1.25, math.inf)


def test_without_a_target_every_run_counts_in_full():
    (row,) = summarise([missed(seed=s, target=None, target_value=None) for s in (1, 2)]).rows
    assert row["reached"] is None
    assert row["epochs"] == 1000


def test_a_single_run_has_no_interval():
    (row,) = summarise([record()]).rows
    assert row["epochs"] == 40
    assert row["epochs_lo"] is row["epochs_hi"] is row["seconds_lo"] is row["seconds_hi"] is None


def test_accuracy_is_of_the_held_out_samples_where_there_are_some():
    assert summarise([record()]).rows[0]["accuracy"] == 0.9
    assert summarise([record(valid_accuracy=None)]).rows[0]["accuracy"] == 0.95
    assert summarise([record(valid_accuracy=None, train_accuracy=None)]).rows[0]["accuracy"] is None


def test_failed_runs_are_no_results():
    assert summarise([record(status="failed")]).rows == []


@given(st.lists(runs, min_size=1, max_size=9), st.randoms())
def test_the_order_of_records_within_a_row_makes_no_difference(records, random):
    shuffled = random.sample(records, len(records))
    assert summarise(shuffled) == summarise(records)


@given(st.lists(runs, min_size=1, max_size=9), st.integers(-3, 3))
def test_scaling_all_seconds_leaves_epochs_alone(records, power):
    scaled = [run.model_copy(update={"seconds": run.seconds * 2.0**power}) for run in records]
    (before,), (after,) = summarise(records).rows, summarise(scaled).rows
    for name in before:
        if name.startswith("seconds_") or name == "seconds":
            assert after[name] == (
                before[name] if before[name] is None else before[name] * 2.0**power
            )
        else:
            assert after[name] == before[name]
