"""Which rows are compared, on which seeds, and the corrected p of each comparison."""

import numpy as np
import pytest
from scipy.stats import binomtest, wilcoxon

from gfopt.records.record import Status
from tests.report.rows import FAST, SLOW, pairs, row

A, B = row("A", SLOW), row("B", FAST)
C = row("C", [f * 1.2 for f in FAST], control_of=["B"])


def named(found):
    return [(pair.first.label, pair.second.label, pair.axis.name) for pair in found]


def of(found, axis, first="B", second="A"):
    (pair,) = [p for p in found if named([p]) == [(first, second, axis)]]
    return pair


def test_each_optimizer_is_compared_with_the_baseline_and_with_its_controls():
    couples = dict.fromkeys((one, other) for one, other, _ in named(pairs(A, B, C)))
    assert list(couples) == [("B", "A"), ("C", "A"), ("B", "C")]
    assert [axis for *_, axis in named(pairs(A, B))] == ["epochs", "passes", "seconds"]


def test_a_pair_with_a_control_is_that_of_an_optimizer_and_its_own_control():
    assert {(p.first.label, p.second.label): p.with_control for p in pairs(A, B, C)} == {
        ("B", "A"): False,
        ("C", "A"): False,
        ("B", "C"): True,
    }


def test_a_baseline_that_is_a_control_is_compared_once():
    first = row("A", SLOW, control_of=["B"])
    assert named(pairs(first, B)) == named(pairs(A, B))
    assert all(pair.with_control and pair.with_baseline for pair in pairs(first, B))


def test_a_baseline_is_compared_with_its_own_controls():
    control = row("C", SLOW, control_of=["A"])
    couples = {(one, other) for one, other, _ in named(pairs(A, control))}
    assert couples == {("C", "A"), ("A", "C")}


@pytest.mark.parametrize("name", ["experiment", "dataset", "target", "reading"])
def test_rows_that_were_not_raced_against_each_other_are_not_compared(name):
    other = row("B", FAST, **{name: "as_published" if name == "reading" else "other"})
    assert pairs(A, other) == []


def test_without_a_target_nothing_is_compared():
    bare = {"target": None, "target_value": None}
    assert pairs(row("A", SLOW, **bare), row("B", FAST, **bare)) == []


def test_ratios_are_geometric_means_and_tests_those_of_scipy():
    ratios = np.array(FAST) / np.array(SLOW)
    pair = of(pairs(A, B), "epochs")
    assert pair.ratio == pytest.approx(np.exp(np.log(ratios).mean()), rel=1e-12)
    assert pair.comparison.p == pytest.approx(wilcoxon(np.log(ratios), method="exact").pvalue)
    assert (pair.comparison.pairs, pair.comparison.wins, pair.comparison.losses) == (10, 10, 0)


def test_with_misses_ratios_are_medians_and_the_test_counts_signs():
    B = row("B", [*FAST[:8], None, None])
    pair = of(pairs(A, B), "epochs")
    ratios = [f / s for f, s in zip(FAST, SLOW, strict=True)][:8] + [np.inf] * 2
    assert pair.ratio == pytest.approx(np.median(ratios))
    assert pair.comparison.p == pytest.approx(binomtest(8, 10).pvalue)
    assert pair.comparison.logrank_p is not None


def test_only_seeds_that_both_have_and_that_did_not_fail_are_paired():
    B = row("B", FAST[:4], seeds=[3, 4, 5, 99])
    B[0] = B[0].model_copy(update={"status": Status.FAILED})
    pair = of(pairs(A, B), "epochs")
    assert pair.comparison.pairs == 2
    ratios = np.array(FAST[1:3]) / np.array(SLOW[3:5])
    assert pair.ratio == pytest.approx(np.exp(np.log(ratios).mean()), rel=1e-12)
    assert pairs(A, row("B", FAST, seeds=range(11, 21))) == []


def test_pairs_are_by_seed_whatever_the_order_of_the_runs():
    one, other = pairs(A, B), pairs(A[::-1], B[3:] + B[:3])
    assert [(p.comparison, p.p) for p in one] == [(p.comparison, p.p) for p in other]


@pytest.mark.parametrize("more", [{"backend": "numba"}, {"replicas": 10}, {"other_work": 0.5}])
def test_another_backend_vectorized_or_disturbed_seeds_are_not_compared_in_seconds(more):
    B = row("B", FAST, **more)
    assert [axis for *_, axis in named(pairs(A, B))] == ["epochs", "passes"]


def test_a_single_disturbed_run_is_left_out_of_the_pairs_of_seconds_alone():
    B = row("B", FAST)
    B[2] = B[2].model_copy(update={"other_work": 1.0})
    found = pairs(A, B)
    assert [of(found, axis).comparison.pairs for axis in ("epochs", "passes", "seconds")] == [
        10,
        10,
        9,
    ]
    kept = [i for i in range(10) if i != 2]
    ratios = np.array(FAST)[kept] / np.array(SLOW)[kept]
    assert of(found, "seconds").ratio == pytest.approx(np.exp(np.log(ratios).mean()), rel=1e-12)


def test_uncounted_passes_are_not_compared():
    B = row("B", FAST, backward_passes=None)
    assert [axis for *_, axis in named(pairs(A, B))] == ["epochs", "seconds"]


def by_hand(ps):
    """Holm's adjusted p: the largest of (m - k) p_k among those no larger, k from 0."""
    ordered = sorted(ps)
    scaled = [min(1.0, (len(ps) - k) * p) for k, p in enumerate(ordered)]
    return [max(s for s, o in zip(scaled, ordered, strict=True) if o <= p) for p in ps]


def test_holms_correction_is_over_all_comparisons_of_an_experiment_on_a_cost():
    near = row("D", [s * (0.9 + 0.02 * i) for i, s in enumerate(SLOW)])
    harder = [row(label, costs, target="harder") for label, costs in (("A", SLOW), ("B", FAST))]
    found = pairs(A, B, C, near, *harder)
    assert len(found) == 3 * (4 + 1)
    for name in ("epochs", "passes", "seconds"):
        own = [pair for pair in found if pair.axis.name == name]
        assert [pair.p for pair in own] == pytest.approx(
            by_hand([pair.comparison.p for pair in own])
        )
    assert of(pairs(A, B), "epochs").p < found[0].p


def test_an_experiment_does_not_depend_on_others_beside_it():
    other = [row(label, costs, experiment="other") for label, costs in (("A", SLOW), ("B", FAST))]
    beside = pairs(A, *other, B, C)
    assert [p for p in beside if p.first.experiment == "digits"] == pairs(A, B, C)
    assert [p for p in beside if p.first.experiment == "other"] == pairs(*other)


def test_significance_is_decided_by_the_corrected_p():
    found = of(pairs(A, B), "epochs")
    assert (found.lower, found.higher) == (True, False)
    turned = of(pairs(B, A), "epochs", "A", "B")
    assert (turned.lower, turned.higher) == (False, True)
    two = pairs(A[:6], B[:6], row("C", FAST[:6]))
    six = of([pair for pair in two if pair.first.label == "B"], "epochs")
    assert six.comparison.p <= 0.05 < six.p == six.smallest_p  # two comparisons
    assert not six.lower
