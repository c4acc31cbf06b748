"""What the numbers of a table are and are not: which footnotes stand there, and when."""

import pytest

from gfopt.records.record import TuningCost
from tests.record_factory import missed, record
from tests.report.rows import FAST, SLOW, note, notes, row

A = row("A", SLOW)
TUNED = TuningCost(trials=20, epochs=1.0, passes=None, seconds=1.0)


@pytest.mark.parametrize(
    ("reading", "facts"),
    [
        ("end_of_epoch", ("first epoch", "end-of-epoch loss falls below", "epoch 0 = init")),
        ("as_published", ("index (from 0)", "last known full-data loss", "published program")),
    ],
)
def test_epochs_to_target_are_defined_by_when_the_loss_is_evaluated(reading, facts):
    found = note("Epochs to target: ", [record(reading=reading)])
    assert all(fact in found for fact in facts)


def test_epochs_of_an_accuracy_and_without_a_target_are_defined_as_they_are():
    accuracy = record(target_metric="valid_accuracy", class_prior=0.1)
    assert "end-of-epoch accuracy reaches" in note("Epochs to target: ", [accuracy])
    assert "no target" in note("Epochs: ", [record(target=None)])


def test_two_definitions_of_epochs_in_one_table_are_told_apart():
    rows = [record(), record(reading="as_published")]
    assert "index" in note("as_published evaluation: ", rows)
    assert "first epoch" in note("end_of_epoch evaluation: ", rows)


def test_a_target_over_several_evaluations_is_explained():
    several = record(target="train_loss < 0.5, 3 evaluations in a row")
    assert note("reached at the last of them", [several])


def test_evaluations_every_few_updates_make_epochs_fractional():
    assert "fractional" in note(
        "Evaluated every 5 updates", [record(config={"evaluate_every": "5 updates"})]
    )


def test_accuracy_is_of_the_samples_that_there_are():
    assert "accuracy (held-out samples)" in note("Loss (training samples)", [record()])
    train = record(valid_accuracy=None)
    assert "accuracy (training samples)" in note("Loss (training samples)", [train])
    none = record(valid_accuracy=None, train_accuracy=None)
    assert "accuracy" not in note("Loss (training samples)", [none])


@pytest.mark.parametrize(
    ("seeds", "facts"),
    [
        ([3], ["minimum and maximum below 6 seeds"]),
        ([7], ["95 % CI of the median"]),
        ([1, 3, 7], ["minimum and maximum below 6 seeds", "95 % CI", "from 6 seeds on", "1 seed"]),
    ],
)
def test_brackets_are_explained_if_there_are_any(seeds, facts):
    runs = [[record(label=f"of {n}", seed=seed) for seed in range(n)] for n in seeds]
    found = note("Medians over seeds", *runs)
    assert all(fact in found for fact in facts)
    assert ("minimum" in found) is (min(seeds) < 6)


def test_one_seed_has_no_brackets_to_explain():
    assert note("Medians over seeds", [record()]) is None


def test_few_seeds_are_named():
    assert "initial weights" in note("Only 1 seed", [record()])
    assert "noise" in note("Only 2 seeds", [record(seed=1), record(seed=2)])
    rows = [record(label="a")], [record(seed=1), record(seed=2)]
    assert note("Only 1 to 2 seeds", *rows)
    assert note("Only", [record(seed=s) for s in range(6)]) is None


def test_chance_level_and_constant_predictor_are_listed():
    found = note("chance level", [record()])
    assert found.startswith("train_loss on digits: ")
    assert "chance level 2.3026" in found
    assert "constant-predictor baseline 2.301" in found


@pytest.mark.parametrize(("seeds", "shown"), [(1, False), (2, True), (9, True), (10, False)])
def test_every_value_is_listed_below_ten_seeds(seeds, shown):
    found = note("Epochs of each seed", row("A", SLOW[:seeds]))
    values = ", ".join(f"{epochs:g}" for epochs in SLOW[:seeds])
    assert bool(found) is shown
    assert not found or found.endswith(f": A {values}.")


def test_misses_among_the_values_are_marked_by_how_they_ended():
    runs = row("A", [12.5, None, 7])
    runs.append(missed(label="A", optimizer="A", seed=4, status="diverged", epochs=3.0))
    found = note("Epochs of each seed", runs)
    assert found.endswith(": A 12.5, not reached (1000), 7, diverged (3).")


def test_values_of_several_targets_are_told_apart():
    hard = row("A", [30, 40], target="hard")
    found = [n for n in notes(row("A", [10, 20]), hard) if n.startswith("Epochs of each seed")]
    assert ["A 10, 20" in found[0], "A 30, 40" in found[1]] == [True, True]
    assert ["train_loss < 0.5" in found[0], "(hard)" in found[1]] == [True, True]


def test_the_machine_its_threads_and_the_order_of_runs_stand_beside_seconds():
    found = note("wall-clock", A)
    assert "4 threads of A" in found
    assert "A B B A" in found


def test_vectorized_seeds_have_no_seconds():
    batch, other = row("A", SLOW, replicas=10), row("B", FAST, replicas=10)
    assert note("wall-clock", batch) is None
    assert note("No seconds for vectorized seeds", batch)
    assert "seconds" not in note("B against A", batch, other)


def test_seconds_of_different_backends_are_not_compared():
    other = row("B", FAST, backend="numba")
    assert "seconds" not in note("B against A", A, other)
    assert "(numba, plain)" in note("different backends", A, other)
    assert note("different backends", A) is None


def test_optimizers_without_counted_passes_are_named():
    run = record(label="adam", forward_passes=None, backward_passes=None)
    assert "adam:" in note("not counted", [run, record()])
    assert note("not counted", [record()]) is None


def test_published_test_samples_are_mentioned_if_they_were_evaluated():
    assert "once" in note("test_accuracy", row("A", SLOW, test_accuracy=0.9))
    assert note("test_accuracy", A) is None


def test_controls_are_listed_or_missed():
    B, C = row("B", FAST), row("C", FAST, control_of=["B"])
    assert "learning rate" in note("No controls", A, B)
    assert note("No controls", A, B, C) is None
    assert note("No controls", A) is None
    D = row("D", SLOW, control_of=["B"])
    assert note("Controls of", A, B, C, D) == "Controls of B: C; D."


def test_controls_of_several_races_are_named_once():
    races = ([record(experiment=name, label="C", control_of=["B"])] for name in ("one", "two"))
    assert note("Controls of B", *races) == "Controls of B: C."


def test_hyperparameters_that_were_not_tuned_make_no_ranking():
    assert "ranking" in note("not tuned", [record()])
    half = [record(label="A", tuned=TUNED), record(label="B")]
    assert note("not tuned", half)
    assert note("tuned alike", half) is None


def test_hyperparameters_tuned_alike_are_told_with_their_trials():
    alike = [record(label="A", tuned=TUNED), record(label="B", tuned=TUNED)]
    assert "20 trials" in note("tuned alike", alike)
    assert note("not tuned", alike) is None
    fixed = record(label="F", tuned=TuningCost(trials=1, epochs=1.0, passes=None, seconds=1.0))
    assert note("tuned alike", [*alike, fixed]).endswith("Nothing to tune: F.")


def test_each_experiment_is_told_whether_it_was_tuned():
    races = [record(experiment="one")], [record(experiment="two", tuned=TUNED)]
    assert "not tuned" in note("one: ", *races)
    assert "20 trials" in note("two: ", *races)


def test_the_notes_of_the_runs_come_last_and_once():
    found = notes([record(seed=1, notes=["a"]), record(seed=2, notes=["a", "b"])])
    assert found[-2:] == ["a", "b"]
    assert found.count("a") == 1
