"""What is said of a comparison: as much as its pairs carry, and no more."""

import numpy as np
import pytest

from gfopt.pairs import pairs_of
from gfopt.records import Tuning
from gfopt.tables import summarise
from tests.reading.factory import missed, record
from tests.reading.rows import FAST, SLOW, TEN, note, notes, row

A, B = row("A", SLOW), row("B", FAST)
SLOWER = [f * (1.3 + s / 50) for s, f in zip(TEN, FAST, strict=True)]  # than FAST, in each seed
EQUAL = [f * (1.1 if s % 2 else 0.93) * (1 + s / 999) for s, f in zip(TEN, FAST, strict=True)]


def control(costs, label="C", of="B"):
    return row(label, costs, control_of=[of])


def gain(*rows):
    """What is said of B's gain in epochs beside its controls."""
    told = note("B's gain over A: ", *rows)
    return told and next(part for part in told.split("; ") if "in epochs" in part)


def test_the_ratio_its_interval_and_what_the_test_shows_are_told():
    told = note("B against A, 10 pairs: ", A, B)
    (found, *_) = pairs_of([A, B])
    mean = np.exp(np.log(np.array(FAST) / np.array(SLOW)).mean())
    lo, hi = found.found.ratio_mean[1:]
    assert told.startswith(
        f"B against A, 10 pairs: {mean:.2f} times the epochs (95 % {lo:.2f} to {hi:.2f}, fewer, "
        f"signed-rank test, p = {found.p:.2g}); {mean:.2f} times the sample-passes ("
    )
    assert f"{mean:.2f} times the training seconds" in told
    assert "no order is claimed" not in told


def test_a_rule_that_takes_more_is_told_as_it_is():
    told = note("A against B, 10 pairs: ", B, A)
    assert "pairs: 2.16 times the epochs (95 % 2.09 to 2.20, more, " in told
    assert "more, signed-rank test" in told
    assert note("A's gain", B, A) is None


def test_a_difference_that_the_test_does_not_show_is_told_as_none():
    C = row("C", [s * (1.2 if i % 2 else 0.85) for i, s in enumerate(SLOW)])
    assert "no difference shown, " in note("C against A", A, C)


@pytest.mark.parametrize(
    ("count", "least", "words"), [(1, 1, "1 pair"), (2, 0.5, "2 pairs"), (5, 0.062, "5 pairs")]
)
def test_of_fewer_pairs_than_a_test_needs_no_order_is_claimed(count, least, words):
    told = note("B against A", A[:count], B[:count])
    assert told.startswith(f"B against A, {words}: ")
    assert told.endswith(
        f"; no order is claimed, p = {least:g} is the least that so few can reach."
    )
    assert "test" not in told
    assert ("range" in told) is (count > 1)


def test_from_six_pairs_on_the_test_is_told():
    assert "no order is claimed" not in note("B against A", A[:6], B[:6])
    assert note("Pairs share a seed", A[:6], B[:6]).endswith(
        "after Holm's correction over the 1 comparisons of a cost; 6 pairs can reach p = 0.031."
    )
    assert note("Pairs share a seed", A[:5], B[:5]).endswith("5 pairs can reach p = 0.062.")


def test_a_gain_that_a_control_has_too_is_matched_by_it():
    faster = control([f * 0.8 for f in FAST])
    told = gain(A, B, faster)
    assert told == "B's gain over A: in epochs matched by C (1.25 times its epochs)"


def test_a_control_that_takes_exactly_as_many_matches_the_gain():
    assert "matched by C (1.00 times its epochs)" in gain(A, B, control(FAST))


def test_a_gain_that_a_control_may_have_is_not_told_apart():
    told = gain(A, B, control(EQUAL))
    assert told.startswith("B's gain over A: in epochs not told apart from C (0.9")


def test_a_gain_beyond_each_control_is_told_so():
    worse, worst = control(SLOWER), control([2 * s for s in SLOWER], "D")
    assert gain(A, B, worse, worst) == "B's gain over A: in epochs beyond every control"


def test_one_control_that_matches_is_enough():
    told = gain(A, B, control(SLOWER), control([f * 0.8 for f in FAST], "D"))
    assert told == "B's gain over A: in epochs matched by D (1.25 times its epochs)"


def test_few_seeds_show_no_gain_beyond_controls():
    told = gain(A[:5], B[:5], control(SLOWER[:5]))
    assert told.endswith("ahead of every control on these seeds, which are too few to show it")


def test_without_controls_there_is_nothing_to_be_beyond():
    assert note("B's gain", A, B) is None
    assert note("No controls: a gain here may be one that ordinary descent has at other", A, B)
    assert note("No controls", A, B, control(FAST)) is None
    assert note("Controls of B: ", A, B, control(FAST), control(SLOW, "D")) == (
        "Controls of B: C; D."
    )


def test_a_control_that_stands_first_is_still_what_the_rule_is_compared_with():
    first = row("A", SLOW, control_of=["B"])
    assert note("B against A, 10 pairs: ", first, B)
    assert gain(first, B) == "B's gain over A: in epochs beyond every control"
    assert note("Noise floor of the seconds", first, B)


def test_the_rule_that_a_gain_is_over_is_not_named_among_what_matches_it():
    first = row("A", EQUAL, control_of=["B"])
    told = gain(first, B, control([f * 0.8 for f in FAST]))
    assert told == "B's gain over A: in epochs matched by C (1.25 times its epochs)"
    assert gain(first, B).endswith(
        "ahead of every control on these seeds, which are too few to show it"
    )


def test_controls_themselves_are_not_findings():
    assert note("C against", A, B, control(EQUAL)) is None


def test_with_misses_the_median_is_told_and_that_misses_are_in_it():
    told = note("B against A", A, row("B", [*FAST[:8], None, None]))
    assert "times the epochs (median, misses in" in told
    assert "sign test" in told


def half(label, costs, **more):
    """Of ten runs the last five missed."""
    return row(label, [*costs[:5], *[None] * 5], **more)


def test_where_misses_leave_the_ratio_open_pairs_are_counted():
    told = note("B against A, 10 pairs: ", half("A", SLOW), half("B", FAST))
    (found, *_) = pairs_of([half("A", SLOW), half("B", FAST)])
    assert found.ratio is None
    assert (
        "10 pairs: fewer epochs in 5 pairs, more in 0, undecided in 5 (no difference shown, sign "
        f"test, p = {found.p:.2g}); fewer sample-passes in 5 pairs, " in told
    )
    assert "times" not in told


@pytest.mark.parametrize(
    ("costs", "said"),
    [
        ([f * 0.8 for f in FAST], "matched by C (fewer in 0 pairs, more in 5)"),
        (FAST, "not told apart from C (fewer in 0 pairs, more in 0)"),
        (SLOWER, "not told apart from C (fewer in 5 pairs, more in 0)"),
    ],
)
def test_a_gain_that_misses_leave_open_is_set_against_controls_by_its_pairs(costs, said):
    rows = half("A", SLOW), half("B", FAST), half("C", costs, control_of=["B"])
    assert gain(*rows) == f"B's gain over A: in epochs {said}"


def test_one_pair_of_ten_is_too_few_for_a_control_to_match_by():
    once = [[cost, *[None] * 9] for cost in (SLOW[0], FAST[0], FAST[0] * 0.8)]
    rows = [row(label, costs) for label, costs in zip("AB", once, strict=False)]
    told = gain(*rows, row("C", once[2], control_of=["B"]))
    assert told == "B's gain over A: in epochs not told apart from C (fewer in 0 pairs, more in 1)"


def test_several_targets_are_told_apart():
    def two(label, costs):
        return [
            run.model_copy(update={"target": target})
            for target in ("easy", "hard")
            for run in row(label, costs)
        ]

    told = notes(two("A", SLOW), two("B", FAST))
    for target in ("easy", "hard"):
        assert (
            sum(sentence.startswith(f"{target}: B against A, 10 pairs") for sentence in told) == 1
        )


def test_a_target_that_a_constant_reaches_is_warned_of_before_any_finding():
    easy = {"target": "train_loss < 3.2494", "target_value": 3.2494, "class_prior": 3.24904}
    first, *rest = notes(row("A", SLOW, **easy), row("B", FAST, **easy))
    assert first == (
        "WARNING: the target train_loss < 3.2494 is no harder than the class-prior level 3.24904: "
        "a constant output reaches it."
    )
    assert any(sentence.startswith("B against A") for sentence in rest)


def again(runs, factor):
    return [
        run.model_copy(update={"repeat": 2, "seconds": run.seconds * factor, "id": f"{run.id}2"})
        for run in runs
    ]


def floor(*rows, more=()):
    told = summarise([run for runs in (*rows, more) for run in runs]).notes
    return [sentence for sentence in told if "noise floor" in sentence.lower()]


def test_the_noise_floor_is_how_far_equal_runs_lie_apart():
    assert floor(A, B, more=again(A, 1.3)) == [
        (
            "Noise floor of the seconds: A against itself is up to 1.30 times apart on average "
            "over 10 pairs, single runs up to 1.30 times."
        )
    ]


def test_a_difference_within_the_noise_floor_is_told():
    near = row("N", [s * (1.05 + s / 1e5) for s in SLOW])
    _, told = floor(A, near, more=again(A, 1 / 1.3))
    assert told == (
        "Within the noise floor are the differences in seconds from A of N (1.05 times)."
    )


def test_differences_within_the_noise_floor_are_told_together():
    one, two = (row(label, [s * (1.05 + s / 1e5) for s in SLOW]) for label in "NM")
    _, told = floor(A, one, two, more=again(A, 1 / 1.3))
    assert told.endswith("in seconds from A of N (1.05 times), M (1.05 times).")


def test_without_repeats_the_noise_floor_is_not_known():
    assert floor(A, B) == ["Noise floor of the seconds: not known, no rule ran twice undisturbed."]
    disturbed = [run.model_copy(update={"other_work": 1.0}) for run in again(A, 1.3)]
    assert "not known" in floor(A, B, more=disturbed)[0]


def test_where_no_seconds_are_compared_no_noise_floor_is_told():
    batch = (row(label, costs, replicas=10) for label, costs in (("A", SLOW), ("B", FAST)))
    assert floor(*batch) == []


def test_options_tuned_alike_are_told_and_others_are_not_a_ranking():
    tuned = {"tuned": Tuning(trials=20, epochs=1.0, passes=None, seconds=1.0)}
    alike = record(label="A", **tuned), record(label="B", **tuned)
    assert note("Options tuned alike", alike) == (
        "Options tuned alike: the best of 20 trials each, on other seeds."
    )
    fixed = record(label="F", tuned=Tuning(trials=1, epochs=1.0, passes=None, seconds=1.0))
    assert note("Options tuned alike", [*alike, fixed]).endswith("nothing to tune: F.")
    assert note("Options tuned alike", [alike[0], record(label="B")]) is None
    assert note("Learning rates and other options are those of the config, not tuned alike",
                [alike[0], record(label="B")])  # fmt: skip


def test_each_race_is_told_whether_its_options_were_tuned():
    tuned = Tuning(trials=20, epochs=1.0, passes=None, seconds=1.0)
    races = [record(experiment="one")], [record(experiment="two", tuned=tuned)]
    assert note("one: Learning rates and other options are those of the config", *races)
    assert note("two: Options tuned alike: the best of 20 trials each", *races)


def test_controls_of_several_races_are_called_by_their_labels_once():
    races = ([record(experiment=name, label="C", control_of=["B"])] for name in ("one", "two"))
    assert note("Controls of B", *races) == "Controls of B: C."


def test_misses_are_never_left_out_of_a_comparison():
    told = note(
        "B against A", A[:2], [missed(label="B", optimizer="B", seed=seed) for seed in (1, 2)]
    )
    assert "2 pairs: fewer epochs in 0 pairs, more in 2, undecided in 0; fewer sample" in told
