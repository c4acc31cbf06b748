"""What a reader is warned of before the numbers, and when."""

import pytest

from tests.record_factory import missed, record
from tests.report.rows import FAST, SLOW, note, notes, row

A = row("A", SLOW)


def with_work(runs, count):
    """The runs, the first of them with another process beside them."""
    return [
        run.model_copy(update={"other_work": 0.5 if i < count else 0.0})
        for i, run in enumerate(runs)
    ]


def paced(*seconds, **more):
    """Runs of ten epochs that took so many seconds."""
    return [record(seed=i, epochs=10.0, seconds=s, **more) for i, s in enumerate(seconds, 1)]


def test_a_target_that_a_constant_predictor_reaches_is_warned_of_first():
    run = record(target="train_loss < 3.2494", target_value=3.2494, class_prior=3.24904)
    first, *_ = notes([run])
    assert first.startswith("WARNING: ")
    assert "constant predictor reaches the target train_loss < 3.2494" in first
    assert "baseline is 3.24904" in first


@pytest.mark.parametrize(("value", "warned"), [(0.1, True), (0.106, True), (0.95, False)])
def test_an_accuracy_target_up_to_the_constant_predictor_is_warned_of(value, warned):
    name = f"valid_accuracy >= {value}"
    run = record(target=name, target_metric="valid_accuracy", target_value=value, class_prior=0.106)
    assert bool(note("WARNING", [run])) is warned


def test_a_hard_loss_target_is_not_warned_of():
    assert note("WARNING", [record()]) is None


def test_runs_beside_other_processes_are_warned_of():
    unreliable, usable = note("WARNING", with_work(A, 2)), note("WARNING", with_work(A, 1))
    assert "Timings unreliable" in unreliable
    assert "A (2 of 10 runs)" in unreliable
    assert "A (1 of 10 runs)" in usable
    assert "unreliable" not in usable
    assert note("WARNING", A) is None


def test_unreliable_seconds_are_not_compared():
    found = note("B against A", with_work(A, 2), row("B", FAST))
    assert "passes" in found
    assert "seconds" not in found


def test_outliers_are_named_by_their_seeds():
    one = note("outliers", paced(10.0, 10.1, 30.0, 9.9, 10.0))
    assert one.startswith("gradient_descent: ")
    assert one.endswith("seed 3.")
    two = note("outliers", paced(30.0, 10.1, 30.0, 9.9, 10.0, 10.0, 10.0))
    assert "seeds 1, 3." in two
    assert "first run was slow" in two
    assert note("outliers", paced(10.0, 10.1, 9.9, 10.0)) is None


def test_outliers_to_several_targets_are_listed_once():
    easy, hard = (paced(*[10.0, 10.1, 30.0, 9.9, 10.0], target=t) for t in ("easy", "hard"))
    assert note("outliers", easy, hard).endswith("seed 3.")


def test_misses_are_counted_by_how_they_ended():
    runs = [record(seed=1), missed(seed=2), missed(seed=3), missed(seed=4, status="diverged")]
    censored, never = note("1000 epochs", runs), note("training diverged", runs)
    assert censored.startswith("Target not reached within 1000 epochs: ")
    assert "gradient_descent 2 of 4 runs (censored)" in censored
    assert "gradient_descent 1 of 4 runs (counted as never reaching it)" in never


def test_each_limit_of_a_budget_is_named():
    runs = [missed(seed=1, limit="60 s"), missed(seed=2, limit="60 s"), missed(seed=3)]
    assert "2 of 3 runs" in note("within 60 s", runs)
    assert "1 of 3 runs" in note("within 1000 epochs", runs)


def test_misses_of_several_targets_are_told_apart():
    hard = [missed(seed=s, target="hard") for s in (1, 2)]
    assert "2 of 2 runs" in note("Target hard not reached", A, hard)


def test_diverged_runs_are_counted_without_a_target_too():
    bare = {"target": None, "target_value": None}
    assert "1 of 1 runs" in note("diverged", [missed(**bare, status="diverged")])
    assert note("not reached", [missed(**bare)]) is None


def test_rows_of_several_experiments_are_named_by_both():
    found = note("not reached", [missed(experiment="one")], [record(experiment="two")])
    assert "one/gradient_descent 1 of 1" in found


def test_a_mix_of_versions_machines_and_threads_is_warned_of_with_what_differs():
    here = {"versions": {"torch": "2.9.0", "numpy": "2.4"}, "cpu": "A", "threads": 4, "git": "1"}
    there = here | {"versions": {"torch": "2.10.0", "numpy": "2.4"}, "threads": 8, "git": "2"}
    found = note("WARNING", [record(seed=1, environment=here), record(seed=2, environment=there)])
    assert "torch (2.9.0, 2.10.0); threads (4, 8)." in found
    assert "numpy" not in found
    assert "git" not in found


def test_rows_of_one_name_are_told_apart_by_what_differs():
    found = note("WARNING", [record(), record(options={"lr": 0.2})])
    assert "2 rows are named gradient_descent" in found
    assert found.endswith("optimizer.options.lr.")


def test_a_seed_that_counts_twice_is_warned_of():
    found = note("WARNING", [record(seed=3), record(seed=3), record(seed=4)])
    assert "gradient_descent has more than one run of seed 3." in found


def test_failed_runs_are_counted_by_label():
    from gfopt.report.summary import summarise

    first, second, *_ = summarise([record()], failed=["a", "b", "a"]).notes
    assert "2 runs of a failed" in first
    assert "1 run of b failed" in second
