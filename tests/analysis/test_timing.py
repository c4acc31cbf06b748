"""Whether timings are reliable: other processes, outliers, the noise of repeats."""

import math

import pytest

from gfopt.analysis.timing import (
    NoiseFloor,
    find_outliers,
    is_first_slow,
    is_reliable,
    measure_noise,
)
from tests.record_factory import record
from tests.report.rows import SLOW, row

A = row("A", SLOW)


def paced(*seconds, **more):
    """Runs of ten epochs that took so many seconds."""
    return [record(seed=i, epochs=10.0, seconds=s, **more) for i, s in enumerate(seconds, 1)]


def with_work(runs, count, work=0.5):
    return [
        run.model_copy(update={"other_work": work if i < count else 0.0})
        for i, run in enumerate(runs)
    ]


@pytest.mark.parametrize(("disturbed", "reliable"), [(0, True), (1, True), (2, False), (10, False)])
def test_up_to_a_tenth_of_the_runs_may_have_other_processes_beside_them(disturbed, reliable):
    assert is_reliable(with_work(A, disturbed)) is reliable


def test_seconds_of_vectorized_seeds_are_not_reliable():
    assert not is_reliable(row("A", SLOW, replicas=10))


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
    assert find_outliers(paced(*seconds)) == odd


def test_outliers_are_those_of_the_modified_z_score():
    seconds = [10.0, 10.4, 9.7, 10.1, 10.2, 11.5, 8.0, 10.05]
    middle = sorted(seconds)[3] / 2 + sorted(seconds)[4] / 2
    deviations = sorted(abs(s - middle) for s in seconds)
    spread = deviations[3] / 2 + deviations[4] / 2
    by_hand = [i for i, s in enumerate(seconds, 1) if 0.6745 * abs(s - middle) / spread > 3.5]
    assert find_outliers(paced(*seconds)) == by_hand == [6, 7]


def test_runs_of_different_lengths_are_compared_by_their_seconds_per_epoch():
    runs = [record(seed=s, epochs=10.0 * s, seconds=3.0 * s) for s in range(1, 7)]
    assert find_outliers(runs) == []


def test_a_run_with_its_target_at_initialization_is_no_outlier():
    runs = [*paced(1, 1, 1, 1), record(seed=9, epochs=0.0, seconds=0.0)]
    assert find_outliers(runs) == []


def test_a_slow_first_run_is_told_apart_from_a_fast_one():
    assert is_first_slow(paced(30.0, 10.0, 10.1, 9.9, 10.0))
    assert not is_first_slow(paced(3.0, 10.0, 10.1, 9.9, 10.0))
    assert not is_first_slow(paced(10.0, 10.1, 30.0, 9.9, 10.0))


def test_the_noise_floor_is_symmetric_in_run_and_repeat():
    one, two = paced(10, 10, 10), paced(12, 8, 10, repeat=2)
    assert measure_noise(one, two) == measure_noise(two, one)
    assert measure_noise(one, two) == NoiseFloor("gradient_descent", 3, *[pytest.approx(1.25)] * 2)


def test_the_noise_floor_is_the_95_percent_quantile_from_twenty_pairs_on():
    ratios = [1 + i / 100 for i in range(20)]
    floor = measure_noise(paced(*[10] * 20), paced(*[10 * r for r in ratios], repeat=2))
    assert floor.single == pytest.approx(ratios[18])
    assert floor.mean < floor.single


def test_the_noise_floor_uses_undisturbed_runs_without_vectorization_only():
    runs = paced(10, 10, 10)
    assert measure_noise(runs, paced(20, 20, 20, repeat=2, other_work=1.0)) is None
    assert measure_noise(runs, paced(20, 20, 20, repeat=2, replicas=3)) is None
    assert measure_noise(runs, []) is None
    mixed = [*paced(20, other_work=1.0, repeat=2), *paced(0.5, 11, repeat=2)[1:]]
    assert math.isclose(measure_noise(runs, mixed).single, 1.1)
