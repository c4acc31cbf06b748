"""Whether seconds can be believed, and what is said where they can't."""

import math

import pytest

from gfopt.records import Hit
from gfopt.tables import summarise
from gfopt.timing import Floor, is_time, noise_floor, outliers, slow_first
from tests.reading.factory import record
from tests.reading.rows import FAST, SLOW, note, notes, row

A = row("A", SLOW)


def paced(*seconds, **more):
    """Runs of ten epochs that took so many seconds."""
    return [record(seed=i, epochs=10.0, seconds=s, **more) for i, s in enumerate(seconds, 1)]


def with_work(runs, count, work=0.5):
    return [
        run.model_copy(update={"other_work": work if i < count else 0.0})
        for i, run in enumerate(runs)
    ]


@pytest.mark.parametrize(("disturbed", "believed"), [(0, True), (1, True), (2, False), (10, False)])
def test_up_to_a_tenth_of_the_runs_may_have_had_other_work_beside_them(disturbed, believed):
    assert is_time(with_work(A, disturbed)) is believed


def test_seconds_of_a_batch_are_no_time():
    assert not is_time(row("A", SLOW, replicas=10))


def test_runs_with_other_work_beside_them_are_warned_of():
    assert note("WARNING", with_work(A, 2)) == (
        "WARNING: the machine did other work beside A (2 of 10 runs): their seconds are not a time."
    )
    assert note("WARNING", with_work(A, 1)) == (
        "WARNING: the machine did other work beside A (1 of 10 runs): their seconds are left out "
        "of pairs."
    )
    assert note("WARNING", A) is None


def test_where_seconds_are_not_a_time_no_seconds_are_compared():
    told = note("B against A", with_work(A, 2), row("B", FAST))
    assert "sample-passes" in told
    assert "seconds" not in told


@pytest.mark.parametrize(
    ("seconds", "odd"),
    [
        ([10, 10, 10, 10, 10], []),
        ([10.0, 10.1, 9.9, 10.05, 30.0], [5]),
        ([10.0, 10.1, 9.9, 10.05, 2.0], [5]),
        ([30.0, 10.1, 9.9], []),  # too few to tell
        ([10.0, 10.0, 10.0, 10.15], []),  # within 2 % of the median
        ([10.0, 10.0, 10.0, 10.3], [4]),
        ([8, 9, 10, 11, 12], []),
    ],
)
def test_an_outlier_lies_many_median_deviations_from_the_median(seconds, odd):
    assert outliers(paced(*seconds)) == odd


def test_outliers_are_those_of_the_modified_z_score():
    seconds = [10.0, 10.4, 9.7, 10.1, 10.2, 11.5, 8.0, 10.05]
    middle = sorted(seconds)[3] / 2 + sorted(seconds)[4] / 2
    deviations = sorted(abs(s - middle) for s in seconds)
    spread = deviations[3] / 2 + deviations[4] / 2
    by_hand = [i for i, s in enumerate(seconds, 1) if 0.6745 * abs(s - middle) / spread > 3.5]
    assert outliers(paced(*seconds)) == by_hand == [6, 7]


def test_runs_of_other_lengths_are_compared_by_their_seconds_an_epoch():
    runs = [record(seed=s, epochs=10.0 * s, seconds=3.0 * s) for s in range(1, 7)]
    assert outliers(runs) == []


def test_a_run_that_had_its_target_at_the_start_has_no_pace():
    runs = [*paced(1, 1, 1, 1), record(seed=9, epochs=0.0, seconds=0.0)]
    assert outliers(runs) == []


def test_a_slow_first_run_is_told_apart_from_a_fast_one():
    assert slow_first(paced(30.0, 10.0, 10.1, 9.9, 10.0))
    assert not slow_first(paced(3.0, 10.0, 10.1, 9.9, 10.0))
    assert not slow_first(paced(10.0, 10.1, 30.0, 9.9, 10.0))


def test_outliers_are_named_by_their_seeds():
    begins = "gradient_descent: outliers in seconds an epoch (median absolute deviation): "
    assert note(begins, paced(10.0, 10.1, 30.0, 9.9, 10.0)) == f"{begins}seed 3."
    assert note(begins, paced(30.0, 10.1, 30.0, 9.9, 10.0, 10.0, 10.0)) == (
        f"{begins}seeds 1, 3, the first run among them, on the slow side."
    )
    assert note(begins, paced(10.0, 10.1, 9.9, 10.0)) is None


def test_the_noise_floor_is_symmetric_in_run_and_repeat():
    one, two = paced(10, 10, 10), paced(12, 8, 10, repeat=2)
    assert noise_floor(one, two) == noise_floor(two, one)
    assert noise_floor(one, two) == Floor("gradient_descent", 3, *[pytest.approx(1.25)] * 2)


def test_the_noise_floor_is_the_95_percent_quantile_from_twenty_pairs_on():
    ratios = [1 + i / 100 for i in range(20)]
    floor = noise_floor(paced(*[10] * 20), paced(*[10 * r for r in ratios], repeat=2))
    assert floor.single == pytest.approx(ratios[18])
    assert floor.mean < floor.single


def test_only_undisturbed_runs_alone_tell_the_noise_floor():
    runs = paced(10, 10, 10)
    assert noise_floor(runs, paced(20, 20, 20, repeat=2, other_work=1.0)) is None
    assert noise_floor(runs, paced(20, 20, 20, repeat=2, replicas=3)) is None
    assert noise_floor(runs, []) is None
    mixed = [*paced(20, other_work=1.0, repeat=2), *paced(0.5, 11, repeat=2)[1:]]
    assert math.isclose(noise_floor(runs, mixed).single, 1.1)


def test_runs_of_several_targets_are_set_against_their_own_repeats():
    def raced(*seconds, **more):
        """Runs that reached an easy target, and after five times as long a hard one."""
        return [
            run.model_copy(update={"hits": [hit(run, "easy", 1), hit(run, "hard", 5)]})
            for run in paced(*seconds, **more)
        ]

    runs = [*raced(10, 11, 9), *raced(10, 11, 9.9, repeat=2), *raced(10, 11, 9, label="B")]
    (told,) = (n for n in summarise(runs).notes if n.startswith("Noise floor"))
    assert "single runs up to 1.10 times" in told


def hit(run, target, times):
    values = {name: getattr(run, name) for name in Hit.model_fields}
    return Hit(**values | {"target": target, "seconds": run.seconds * times})


def test_outliers_to_several_targets_are_told_once():
    easy, hard = (paced(*[10.0, 10.1, 30.0, 9.9, 10.0], target=t) for t in ("easy", "hard"))
    (told,) = (sentence for sentence in notes(easy, hard) if "outliers" in sentence)
    assert told.endswith("(median absolute deviation): seed 3.")


@pytest.mark.parametrize(("seeds", "shown"), [(1, False), (2, True), (9, True), (10, False)])
def test_every_value_is_shown_below_ten_seeds(seeds, shown):
    told = note("Epochs of each seed, in order: ", row("A", SLOW[:seeds]))
    values = ", ".join(f"{epochs:g}" for epochs in SLOW[:seeds])
    assert told == (f"Epochs of each seed, in order: A {values}." if shown else None)


def test_misses_among_the_values_are_shown_with_how_they_ended():
    assert note("Epochs of each seed", row("A", [12.5, None, 7])) == (
        "Epochs of each seed, in order: A 12.5, budget (1000), 7."
    )


def test_values_of_several_targets_are_shown_apart():
    hard = row("A", [30, 40], target="hard")
    told = [n for n in notes(row("A", [10, 20]), hard) if n.startswith("Epochs of each seed")]
    assert told == [
        "Epochs of each seed, in order (train_loss < 0.5): A 10, 20.",
        "Epochs of each seed, in order (hard): A 30, 40.",
    ]


def test_the_threads_and_the_order_of_the_runs_are_told_with_seconds():
    assert note("Seconds are wall-clock", A) == (
        "Seconds are wall-clock on 4 threads of A; the rules took turns, A B B A."
    )


def test_batches_have_no_seconds_and_say_so():
    batch = row("A", SLOW, replicas=10)
    assert note("Seconds are wall-clock", batch) is None
    assert note("No seconds where seeds ran in one batch", batch)
    assert note("B against A", batch, row("B", FAST, replicas=10)).count("seconds") == 0


def test_rows_of_different_paths_are_not_compared_in_seconds_and_it_is_said():
    other = row("B", FAST, path="compiled")
    assert "seconds" not in note("B against A", A, other)
    assert note(
        "Seconds of different code paths (compiled, plain) are not to be compared.", A, other
    )


def test_test_samples_are_told_of_where_they_were_looked_at():
    assert note("test_accuracy: of the published test samples, looked at once, at the end of a run",
                row("A", SLOW, test_accuracy=0.9))  # fmt: skip
    assert note("test_accuracy", A) is None
