"""The order of runs, what runs twice, and the backend of each: by the config alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from gfopt.config.loading import load
from gfopt.runner.identity import digest
from gfopt.runner.plan import order_records, plan_runs
from gfopt.runner.settings import RunSettings
from tests.record_factory import record

RACE = """\
dataset: {name: digits, scale: unit}
model: {hidden: [8], init: fan_in_normal}
loss: cross_entropy
optimizers:
  - {name: gradient_descent, label: A, lr: 0.5}
  - {name: position_wise, label: B, lr: 0.5}
target: {train_loss: 1.5}
budget: {epochs: 200}
seeds: 1-3
"""
ONE = "optimizers=[{name: gradient_descent, label: A}]"
NO_LOOPS = "optimizers.1={name: muon, label: B}"  # and one seed at a time


def runs(*changes, **more):
    race = load(RACE, "race.yaml", Path(), list(changes))
    return plan_runs(race, RunSettings(out=Path("none"), device="cpu", **more))


def order(*changes, **more):
    """Each seed's runs as letters, a repeat with a dash."""
    found = {}
    for run in runs(*changes, **more):
        found.setdefault(run.seed, []).append(run.entry.label + "'" * (run.repeat - 1))
    return [" ".join(turn) for turn in found.values()]


def test_optimizers_take_turns_and_the_first_one_runs_twice():
    assert order() == ["A B A'", "A' B A", "A B A'"]


def test_three_optimizers_take_turns_likewise():
    more = "{name: sgd, label: C, lr: 0.1}"
    assert order(f"optimizers=[A, B, {more}]".replace("A, B", "{name: gradient_descent, label: A}, "
                 "{name: position_wise, label: B}")) == [
        "A B C A'", "A' C B A", "A B C A'",
    ]  # fmt: skip


def test_seeds_come_one_after_the_other_in_the_files_order():
    assert [run.seed for run in runs("seeds=[7, 2, 5]")] == [7] * 3 + [2] * 3 + [5] * 3


def test_an_optimizer_without_another_runs_once():
    assert order(ONE) == ["A", "A", "A"]


@pytest.mark.parametrize("changes", [(), (NO_LOOPS,)], ids=["all", "some"])
def test_nothing_runs_twice_if_some_seeds_are_vectorized(changes):
    assert order("seeds=1-6", *changes) == ["A B", "B A"] * 3
    assert order(*changes, timing="off") == ["A B", "B A", "A B"]


def test_seconds_asked_for_bring_the_repeats_back():
    assert order("seeds=1-6", timing="on") == ["A B A'", "A' B A"] * 3


def test_a_repeat_is_the_same_run_under_an_id_of_its_own():
    first, _, again = runs("seeds=1")
    assert (first.repeat, again.repeat) == (1, 2)
    assert (first.entry, first.seed, first.backend) == (again.entry, again.seed, again.backend)
    assert first.identity | {"repeat": 2} == again.identity
    assert first.id != again.id == digest(again.identity)


def test_no_id_comes_twice():
    ids = [run.id for run in runs()]
    assert len(set(ids)) == len(ids)


def backends_of(*changes, **more):
    return {run.entry.label: (run.backend, run.timed) for run in runs(*changes, **more)}


def test_timed_runs_share_one_backend():
    assert backends_of() == {"A": ("numba", True), "B": ("numba", True)}
    assert backends_of(NO_LOOPS) == {"A": ("plain", True), "B": ("plain", True)}


def test_vectorized_seeds_of_each_optimizer_have_their_own_backend():
    mixed = "optimizers.1={name: position_wise, label: B, schedule: {name: StepLR, step_size: 2}}"
    assert backends_of(mixed) == {"A": ("plain", True), "B": ("plain", True)}
    assert backends_of(mixed, timing="off") == {"A": ("numba", False), "B": ("plain", False)}


def test_an_optimizer_that_takes_seeds_one_by_one_is_timed_on_the_common_backend():
    assert backends_of(NO_LOOPS, "seeds=1-6") == {"A": ("numba", False), "B": ("plain", True)}


def test_the_backend_asked_for_is_that_of_all():
    assert set(backends_of("seeds=1-6", backend="plain").values()) == {("plain", False)}


def test_frozen_hidden_layers_of_many_seeds_are_vectorized_by_plain():
    frozen = "optimizers.1={name: position_wise, label: B, frozen_hidden: true}"
    assert backends_of(frozen, timing="off") == {"A": ("numba", False), "B": ("plain", False)}
    assert backends_of(frozen) == {"A": ("numba", True), "B": ("numba", True)}


def test_records_are_ordered_by_optimizer_then_seed_with_repeats_last():
    race = load(RACE, "race.yaml", Path(), [])
    made = [
        record(label=label, seed=seed, repeat=repeat)
        for seed in (2, 1, 3)
        for label, repeat in (("B", 1), ("A", 2), ("A", 1))
    ]
    shown = [(r.label, r.repeat, r.seed) for r in order_records(race, made)]
    assert shown == [("A", n, s) for n in (1, 2) for s in (1, 2, 3)] + [
        ("B", 1, s) for s in (1, 2, 3)
    ]


def test_without_repeat_first_nothing_runs_twice():
    race = load(RACE, "race.yaml", Path(), [])
    planned = plan_runs(race, RunSettings(out=Path("none"), device="cpu"), repeat_first=False)
    assert {run.repeat for run in planned} == {1}
