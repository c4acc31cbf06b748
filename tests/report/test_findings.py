"""What is said of a comparison: as much as its pairs carry, and no more."""

# ruff: noqa: RUF001 - × marks a factor

import re

import numpy as np
import pytest

from gfopt.analysis.pairs import compare_rows
from gfopt.records.record import TargetResult
from gfopt.report.summary import summarise
from tests.record_factory import missed, record
from tests.report.rows import FAST, SLOW, TEN, note, notes, row

A, B = row("A", SLOW), row("B", FAST)
SLOWER = [f * (1.3 + s / 50) for s, f in zip(TEN, FAST, strict=True)]  # than FAST, in each seed
EQUAL = [f * (1.1 if s % 2 else 0.93) * (1 + s / 999) for s, f in zip(TEN, FAST, strict=True)]


def control(costs, label="C", of="B"):
    return row(label, costs, control_of=[of])


def gain(*rows):
    """The sentences on B's gain in epochs beside its controls."""
    found = note("B's gain over A in epochs: ", *rows)
    if not found:
        return None
    text = found.removeprefix("B's gain over A in epochs: ")
    return [sentence for sentence in re.split(r"\.(?: |$)", text) if sentence]


def test_the_size_its_interval_and_the_result_of_the_test_are_shown_for_every_cost():
    found = note("B against A, 10 seeds: ", A, B)
    (pair, *_) = compare_rows([A, B])
    mean = np.exp(np.log(np.array(SLOW) / np.array(FAST)).mean())
    lo, hi = pair.comparison.ratio_mean[1:]
    epochs, passes, seconds = found.split(": ")[1].split("; ")
    assert f"{mean:.2f}× fewer epochs [95 % CI {1 / hi:.2f}, {1 / lo:.2f}]" in epochs
    assert f"(significant, p = {pair.p:.2g}, signed-rank test)" in epochs
    assert f"{mean:.2f}× fewer forward + backward passes" in passes
    assert f"{mean:.2f}× fewer training seconds" in seconds


def test_an_optimizer_that_needs_more_is_shown_as_it_is():
    found = note("A against B, 10 seeds: ", B, A)
    assert "2.16× more epochs [95 % CI 2.09, 2.20] (significant" in found
    assert note("A's gain", B, A) is None


def test_a_difference_that_the_test_does_not_show_is_not_significant():
    C = row("C", [s * (1.2 if i % 2 else 0.85) for i, s in enumerate(SLOW)])
    found = note("C against A", A, C)
    assert found.count("(not significant, p = ") == 3
    assert "inconclusive" not in found


def test_an_equal_cost_is_neither_fewer_nor_more():
    found = note("C against A", A, row("C", SLOW))
    assert "1.00× the epochs" in found
    assert "fewer" not in found


@pytest.mark.parametrize(
    ("count", "least", "words"), [(1, 1, "1 seed"), (2, 0.5, "2 seeds"), (5, 0.062, "5 seeds")]
)
def test_fewer_seeds_than_a_test_needs_are_inconclusive(count, least, words):
    found = note("B against A", A[:count], B[:count])
    assert found.startswith(f"B against A, {words}: ")
    assert found.count("(inconclusive)") == 3
    assert "significant" not in found
    assert ("range" in found) is (count > 1)
    why = note("Inconclusive: ", A[:count], B[:count])
    assert f"with {words} and 1 comparison no p below {least:g} is possible" in why
    assert "at least 6 seeds" in why


def test_so_many_seeds_as_are_asked_for_can_be_significant():
    """With 11 comparisons, as Holm's correction multiplies the smallest p."""
    others = [
        row(label, [f * (1 + i / 100) for f in FAST]) for i, label in enumerate("BCDEFGHIJKL")
    ]
    five = [runs[:5] for runs in (A, *others)]
    why = note("Inconclusive: ", *five)
    assert "5 seeds and 11 comparisons no p below 0.69 is possible. Use at least 9 seeds." in why
    nine, eight = ([runs[:n] for runs in (A, *others)] for n in (9, 8))
    assert note("Inconclusive: ", *nine) is None
    assert note("Inconclusive: ", *eight)


def test_from_six_seeds_on_the_test_counts():
    assert "inconclusive" not in note("B against A", A[:6], B[:6])
    how = note("Paired by seed", A[:6], B[:6])
    assert "over 1 comparison of" in how
    assert how.endswith("with 6 seeds is 0.031.")
    assert note("Paired by seed", A[:5], B[:5]).endswith("with 5 seeds is 0.062.")


def test_a_gain_that_a_control_has_too_is_not_specific():
    assert gain(A, B, control([f * 0.8 for f in FAST])) == [
        "C needs 1.25× fewer epochs than B, so the gain is not specific to B"
    ]


def test_a_gain_is_not_specific_if_a_control_needs_exactly_as_many():
    assert gain(A, B, control(FAST)) == [
        "C needs no more epochs than B, so the gain is not specific to B"
    ]


def test_a_gain_that_a_control_may_have_is_shown_with_an_interval_that_contains_1():
    (found,) = gain(A, B, control(EQUAL))
    assert found.startswith("B needs 1.02× fewer epochs than C [95 % CI 0.")
    assert found.endswith("contains 1")


def test_a_gain_beyond_each_control_is_significant():
    worse, worst = control(SLOWER), control([2 * s for s in SLOWER], "D")
    assert gain(A, B, worse, worst) == ["B needs significantly fewer epochs than every control"]


def test_one_control_with_the_gain_is_enough():
    found = gain(A, B, control(SLOWER), control([f * 0.8 for f in FAST], "D"))
    assert found == ["D needs 1.25× fewer epochs than B, so the gain is not specific to B"]


def test_the_control_with_the_largest_gain_is_named_first():
    one, two, equal = (
        control([f * x for f in FAST], n) for x, n in ((0.8, "C"), (0.5, "D"), (1, "E"))
    )
    (found,) = gain(A, B, one, two, equal)
    assert found.startswith("D needs 2.00× fewer epochs than B (also C: 1.25×; E: 1.00×)")
    assert found.endswith("not specific to B")


def test_few_seeds_show_no_gain_beyond_controls():
    (found,) = gain(A[:5], B[:5], control(SLOWER[:5]))
    assert found.endswith("than every control (inconclusive)")


def test_without_controls_or_gain_there_is_nothing_to_compare():
    assert note("B's gain", A, B) is None
    assert note("B's gain", B, row("A", SLOW), control(SLOWER, of="A")) is None


def test_a_control_that_stands_first_is_still_the_baseline():
    first = row("A", SLOW, control_of=["B"])
    assert note("B against A, 10 seeds: ", first, B)
    assert gain(first, B) == ["B needs significantly fewer epochs than every control"]
    assert note("Timing noise", first, B)


def test_the_baseline_is_not_named_among_the_controls_that_have_the_gain():
    first = row("A", EQUAL, control_of=["B"])
    found = gain(first, B, control([f * 0.8 for f in FAST]))
    assert found == ["C needs 1.25× fewer epochs than B, so the gain is not specific to B"]
    (alone,) = gain(first, B)
    assert alone.endswith("than every control (not significant)")


def test_controls_themselves_are_not_findings():
    assert note("C against", A, B, control(EQUAL)) is None


def test_with_misses_the_median_is_shown_as_such():
    found = note("B against A", A, row("B", [*FAST[:8], None, None]))
    assert "× fewer epochs [95 % CI 0.00, " in found
    assert "median with censored runs" in found
    assert "sign test" in found
    assert "censored" not in note("B against A", A, B)


def half(label, costs, **more):
    """Of ten runs the last five missed."""
    return row(label, [*costs[:5], *[None] * 5], **more)


def test_where_misses_leave_the_ratio_open_seeds_are_counted():
    found = note("B against A, 10 seeds: ", half("A", SLOW), half("B", FAST))
    (pair, *_) = compare_rows([half("A", SLOW), half("B", FAST)])
    assert pair.ratio is None
    assert "fewer epochs in 5 seeds, more in 0, undecided in 5" in found
    assert f"(not significant, p = {pair.p:.2g}, sign test)" in found
    assert "fewer forward + backward passes in 5 seeds" in found
    assert "×" not in found


@pytest.mark.parametrize(
    ("costs", "facts"),
    [
        ([f * 0.8 for f in FAST], ("C needs fewer", "5 of 10 seeds", "not specific to B")),
        (FAST, ("Against C, B needs ", "fewer epochs in 0 seeds, more in 0", "(not significant, ")),
        (
            SLOWER,
            ("Against C, B needs ", "fewer epochs in 5 seeds, more in 0", "(not significant, "),
        ),
    ],
)
def test_a_gain_that_misses_leave_open_is_compared_with_controls_by_seed(costs, facts):
    rows = half("A", SLOW), half("B", FAST), half("C", costs, control_of=["B"])
    (found,) = gain(*rows)
    assert all(fact in found for fact in facts)


def test_one_seed_of_ten_is_too_few_for_a_control_to_have_the_gain():
    once = [[cost, *[None] * 9] for cost in (SLOW[0], FAST[0], FAST[0] * 0.8)]
    rows = [row(label, costs) for label, costs in zip("AB", once, strict=False)]
    (found,) = gain(*rows, row("C", once[2], control_of=["B"]))
    assert found.startswith("Against C, B needs fewer epochs in 0 seeds, more in 1")
    assert "not significant" in found


def test_several_targets_are_told_apart():
    def two(label, costs):
        return [
            run.model_copy(update={"target": target})
            for target in ("easy", "hard")
            for run in row(label, costs)
        ]

    found = notes(two("A", SLOW), two("B", FAST))
    for target in ("easy", "hard"):
        named = [note for note in found if note.startswith(f"{target}: B against A, 10 seeds")]
        assert len(named) == 1


def test_many_optimizers_are_summarised_by_the_result_of_the_test():
    faster = [row(label, [f * (1 + i / 99) for f in FAST]) for i, label in enumerate("BCDEF")]
    same = [
        row(label, [s * (1.2 if i % 2 else 0.85) for i, s in enumerate(SLOW)]) for label in "GH"
    ]
    slower = row("I", [2 * s + i for i, s in enumerate(SLOW)])
    found = note("Epochs against A", A, *faster, *same, slower)
    fewer, more, rest = found.split("; ")
    assert "significantly fewer: B (2.16× fewer), C (" in fewer
    assert "significantly more: I (2.04× more)" in more
    assert rest == "not significant: 2 of 8 optimizers."
    few = [runs[:2] for runs in (A, *faster, *same, slower)]
    assert note("Epochs against A", *few).endswith(": inconclusive: 8 of 8 optimizers.")


def test_an_easy_target_is_warned_of_before_any_finding():
    easy = {"target": "train_loss < 3.2494", "target_value": 3.2494, "class_prior": 3.24904}
    first, *rest = notes(row("A", SLOW, **easy), row("B", FAST, **easy))
    assert first.startswith("WARNING: ")
    assert any(sentence.startswith("B against A") for sentence in rest)


def again(runs, factor):
    return [
        run.model_copy(update={"repeat": 2, "seconds": run.seconds * factor, "id": f"{run.id}2"})
        for run in runs
    ]


def noise(*rows, more=()):
    found = summarise([run for runs in (*rows, more) for run in runs]).notes
    return [sentence for sentence in found if "timing noise" in sentence.lower()]


def test_the_timing_noise_is_how_far_equal_runs_lie_apart():
    (found,) = noise(A, B, more=again(A, 1.3))
    assert "A against its own repeats, 10 seeds" in found
    assert "1.30× on average" in found
    assert "1.30× in single runs" in found


def test_differences_that_are_not_larger_than_the_timing_noise_are_listed_together():
    one, two = (row(label, [s * (1.05 + s / 1e5) for s in SLOW]) for label in "NM")
    _, found = noise(A, one, two, B, more=again(A, 1 / 1.3))
    assert "(1.30×)" in found
    assert found.endswith("from A of N (1.05× more), M (1.05× more).")


def test_without_undisturbed_repeats_the_timing_noise_is_unknown():
    assert "unknown" in noise(A, B)[0]
    disturbed = [run.model_copy(update={"other_work": 1.0}) for run in again(A, 1.3)]
    assert "unknown" in noise(A, B, more=disturbed)[0]


def test_where_no_seconds_are_compared_there_is_no_timing_noise():
    batch = (row(label, costs, replicas=10) for label, costs in (("A", SLOW), ("B", FAST)))
    assert noise(*batch) == []


def test_runs_of_several_targets_are_compared_with_their_own_repeats():
    def hit(run, target, times):
        values = {name: getattr(run, name) for name in TargetResult.model_fields}
        return TargetResult(**values | {"target": target, "seconds": run.seconds * times})

    def raced(*seconds, **more):
        """Runs that reached an easy target, and after five times as long a hard one."""
        runs = [record(seed=i, seconds=s, **more) for i, s in enumerate(seconds, 1)]
        return [
            run.model_copy(update={"hits": [hit(run, "easy", 1), hit(run, "hard", 5)]})
            for run in runs
        ]

    runs = [*raced(10, 11, 9), *raced(10, 11, 9.9, repeat=2), *raced(10, 11, 9, label="B")]
    assert "1.10× in single runs" in note("own repeats", runs)


def test_misses_are_never_left_out_of_a_comparison():
    B = [missed(label="B", optimizer="B", seed=seed) for seed in (1, 2)]
    found = note("B against A", A[:2], B)
    assert "fewer epochs in 0 seeds, more in 2, undecided in 0" in found
