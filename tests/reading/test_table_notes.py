import pytest

from gfopt.tables import summarise
from tests.reading.factory import missed, record


def notes(*records):
    return summarise(records).notes


def note(begins, *records):
    """The one note that begins so; None where there is none."""
    found = [sentence for sentence in notes(*records) if sentence.startswith(begins)]
    assert len(found) <= 1
    return found[0] if found else None


def test_a_target_above_the_class_prior_is_warned_of_first():
    run = record(target="train_loss < 3.2494", target_value=3.2494, class_prior=3.24904)
    assert notes(run)[0] == (
        "WARNING: the target train_loss < 3.2494 is no harder than the class-prior level 3.24904: "
        "a constant output reaches it."
    )


@pytest.mark.parametrize(("value", "warned"), [(0.1, True), (0.106, True), (0.95, False)])
def test_an_accuracy_target_up_to_the_class_prior_is_warned_of(value, warned):
    name = f"valid_accuracy >= {value}"
    run = record(target=name, target_metric="valid_accuracy", target_value=value, class_prior=0.106)
    assert bool(note("WARNING", run)) is warned


def test_a_hard_loss_target_is_not_warned_of():
    assert note("WARNING", record()) is None


@pytest.mark.parametrize(
    ("reading", "sentence"),
    [
        (
            "end_of_epoch",
            (
                "epochs = completed epochs when the loss of the resulting parameters is first "
                "below the target; the start is epoch 0."
            ),
        ),
        (
            "as_published",
            (
                "epochs = index, from 0, of the epoch whose last known full-data pass is below the "
                "target, as the published program counts."
            ),
        ),
    ],
)
def test_the_reading_is_told(reading, sentence):
    assert sentence in notes(record(reading=reading))


def test_the_reading_of_an_accuracy_and_of_no_target_is_told_as_it_is():
    assert note(
        "epochs = completed epochs when the accuracy of the resulting parameters is first at or",
        record(target_metric="valid_accuracy", class_prior=0.1),
    )
    assert note("epochs = ", record(target=None)) == "epochs = epochs as run: there is no target."


def test_two_readings_in_one_table_are_told_apart():
    assert note("Reading as_published: ", record(), record(reading="as_published"))


def test_misses_are_counted_by_how_they_ended():
    runs = [record(seed=1), missed(seed=2), missed(seed=3), missed(seed=4, status="diverged")]
    assert note("Misses", *runs) == (
        "Misses of train_loss < 0.5, counted as infinity: gradient_descent 3 of 4 runs (2 at the "
        "end of the budget, 1 diverged)."
    )


def test_diverged_runs_are_told_without_a_target_too():
    run = missed(target=None, target_value=None, status="diverged")
    assert note("No loss", run) == "No loss: gradient_descent 1 of 1 runs (1 diverged)."
    assert note("No loss", missed(target=None, target_value=None)) is None


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        ([1], None),
        (
            [3],
            "Medians over seeds; in brackets, lo and hi, their minimum and maximum below 6 seeds.",
        ),
        (
            [7],
            (
                "Medians over seeds; in brackets, lo and hi, the 95 % interval of the median "
                "(order statistics)."
            ),
        ),
        (
            [1, 3, 7],
            (
                "Medians over seeds; in brackets, lo and hi, their minimum and maximum below 6 "
                "seeds, the 95 % interval of the median (order statistics) from 6 on; none for one "
                "seed."
            ),
        ),
    ],
)
def test_lo_and_hi_are_explained_where_there_are_any(seeds, told):
    runs = [record(label=f"of {n}", seed=seed) for n in seeds for seed in range(n)]
    assert note("Medians", *runs) == told


def test_few_seeds_are_told():
    assert note("1 seed a row", record())
    assert note("2 seeds a row", record(seed=1), record(seed=2))
    assert note("1 to 2 seeds a row", record(label="a"), record(seed=1), record(seed=2))
    assert "seeds a row" not in " ".join(notes(*(record(seed=s) for s in range(6))))


def test_the_levels_of_the_metric_are_told():
    assert note("Levels", record()) == (
        "Levels of train_loss on digits: chance 2.3026, class prior (best constant output) 2.301."
    )


def test_a_mix_of_versions_machines_and_threads_is_told_with_what_differs():
    here = {"versions": {"torch": "2.9.0", "numpy": "2.4"}, "cpu": "A", "threads": 4, "git": "1"}
    there = here | {"versions": {"torch": "2.10.0", "numpy": "2.4"}, "threads": 8, "git": "2"}
    assert note("WARNING", record(seed=1, environment=here), record(seed=2, environment=there)) == (
        "WARNING: the runs are of different machines or software: torch (2.9.0, 2.10.0); "
        "threads (4, 8)."
    )


def test_rows_of_one_name_are_told_apart_by_what_differs():
    assert note("WARNING", record(), record(options={"lr": 0.2})) == (
        "WARNING: 2 rows are called gradient_descent; their runs differ in: optimizer.options.lr."
    )


def test_a_seed_that_counts_twice_is_told():
    assert note("WARNING", record(seed=3), record(seed=3)) == (
        "WARNING: gradient_descent: more than one run of the seeds 3; each counts."
    )


def test_seconds_of_a_batch_and_of_several_paths_are_told():
    assert note("No seconds where seeds ran in one batch", record(replicas=2))
    assert note("Seconds of different code paths (graph, plain)", record(), record(path="graph"))


def test_rules_whose_passes_are_not_counted_are_named():
    run = record(label="adam", forward_passes=None, backward_passes=None)
    assert note("Sample-passes are not counted for adam: ", run, record())


def test_what_the_runs_say_is_told_once():
    told = notes(record(seed=1, notes=["a"]), record(seed=2, notes=["a", "b"]))
    assert told[-2:] == ["a", "b"]


def test_rows_of_several_experiments_are_called_by_both_names():
    said = note("Misses", missed(experiment="one"), record(experiment="two"))
    assert "one/gradient_descent 1 of 1" in said


def test_nothing_was_tuned():
    assert note(
        "Learning rates and other options are those of the config, not tuned alike", record()
    )
