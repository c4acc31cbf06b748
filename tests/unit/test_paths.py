"""Which code path is taken and why; which seeds go in batches; and what the records say of it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

import gfopt
from gfopt.compiled import compiled
from gfopt.config.experiment import load
from gfopt.errors import UsageError
from gfopt.identity import identity
from gfopt.paths import alone, choose
from gfopt.plans import plan
from gfopt.runs import batches

RACE = """\
dataset: {name: digits, scale: unit}
model: {hidden: [8], init: fan_in_normal}
loss: cross_entropy
optimizers:
  - {name: gradient_descent, lr: 0.5}
  - {name: position_wise, lr: 0.5}
target: {train_loss: 1.5}
budget: {epochs: 200}
seeds: 1-3
"""


def experiment(text=RACE, *changes):
    return load(text, "race.yaml", Path(), list(changes))


def test_compiled_loops_are_taken_where_every_rule_has_them():
    assert choose(experiment(), "cpu") == ("compiled", "every rule here has compiled loops")


@pytest.mark.parametrize(
    ("changes", "device", "reason"),
    [
        (["optimizers.1=muon"], "cpu", "muon has no compiled loops"),
        (["optimizers.0.batch_size=10"], "cpu", "gradient_descent: compiled loops take no mini-"),
        (["optimizers.1.schedule={name: StepLR, step_size: 2}"], "cpu", "take no schedules"),
        (["loss={name: am_softmax, normalised: false}"], "cpu", "the loss's derivative"),
        (["budget.epochs=99"], "cpu", "99 epochs don't repay compiling"),
        ([], "cuda", "compiled loops run on the CPU only"),
    ],
)
def test_else_all_rules_run_plain_and_the_reason_is_told(changes, device, reason):
    path, told = choose(experiment(RACE, *changes), device)
    assert path == "plain"
    assert reason in told


def test_plain_can_be_asked_for():
    assert choose(experiment(), "cpu", "plain") == ("plain", "asked for by --path")


def test_compiled_can_be_asked_for_where_it_would_not_repay():
    assert choose(experiment(RACE, "budget.epochs=2"), "cpu", "compiled").path == "compiled"


def test_compiled_that_can_not_be_had_is_an_error_with_every_reason():
    changes = ["optimizers.1=muon", "optimizers.0.batch_size=10"]
    with pytest.raises(UsageError, match=r"(?s)mini-batches.*muon has no compiled loops"):
        choose(experiment(RACE, *changes), "cpu", "compiled")


def test_graphs_need_a_gpu():
    with pytest.raises(UsageError, match="--path graph: CUDA graphs need a GPU"):
        choose(experiment(), "cpu", "graph")


def test_a_run_id_has_the_path_and_the_sources_of_its_loops():
    race = experiment()
    one, two = (identity(race, race.entries[0], 1, "cpu", path) for path in ("plain", "compiled"))
    assert (one["path"], two["path"]) == ("plain", "compiled")
    assert one["source"] != two["source"]


def test_every_kernel_that_loops_name_is_a_file():
    kernels = Path(gfopt.__file__).parent / "kernels"
    for name in compiled:
        assert all((kernels / f"{kernel}.py").is_file() for kernel in compiled[name].kernels)


@pytest.mark.parametrize(
    ("seeds", "timing", "expected"),
    [("1-5", "auto", True), ("1-6", "auto", False), ("1-6", "on", True), ("1", "off", False)],
)
def test_up_to_five_seeds_are_timed_unless_asked_for_otherwise(seeds, timing, expected):
    race = experiment(RACE, f"seeds={seeds}")
    assert alone(race, race.entries[0], timing) is expected


@pytest.mark.parametrize(
    "rule", ["lbfgs", "{name: gradient_descent, schedule: {name: ReduceLROnPlateau}}"]
)
def test_rules_that_take_seeds_one_by_one_are_always_timed(rule):
    race = experiment(RACE, f"optimizers=[{rule}]")
    assert alone(race, race.entries[0], "off")


FROZEN = "{name: position_wise, lr: 0.2, label: frozen, frozen_hidden: true}"


def test_seeds_with_frozen_hidden_layers_go_together_on_the_plain_path_alone():
    race = experiment(RACE, f"optimizers=[{{name: gradient_descent, lr: 0.5}}, {FROZEN}]")
    free, frozen = race.entries
    assert choose(race, "cpu").path == choose(race, "cpu", entries=(free,)).path == "compiled"
    path, told = choose(race, "cpu", entries=(frozen,))
    assert (path, "each seed has inputs of its own" in told) == ("plain", True)
    assert not alone(race, frozen, "off")


def test_frozen_seeds_of_a_batch_count_as_single_runs_do(tmp_path):
    changes = f"optimizers=[{FROZEN}]", "target={train_loss: 2.1}"
    single = records(tmp_path / "on", *changes, timing="on").records
    batch = records(tmp_path / "off", *changes, timing="off").records
    assert [(r.seed, r.epochs, r.status) for r in batch] == [
        (r.seed, r.epochs, r.status) for r in single
    ]
    assert {r.reached for r in single} == {True}
    assert [{r.replicas for r in found} for found in (single, batch)] == [{1}, {3}]


def records(out, *changes, **more):
    config = json.loads(json.dumps(CONFIG)) | {"seeds": [1, 2, 3]}
    return gfopt.run(config, out=out, settings=changes, **more)


CONFIG = {
    "name": "race",
    "dataset": {"name": "digits", "scale": "unit"},
    "model": {"hidden": [8], "init": "fan_in_normal"},
    "loss": "cross_entropy",
    "optimizers": [{"name": "gradient_descent", "lr": 0.5}, {"name": "position_wise", "lr": 0.2}],
    "target": {"train_loss": 1.0},
    "budget": {"epochs": 300},
    "precision": "float64",
}


def test_seeds_of_a_batch_count_as_single_runs_do(tmp_path):
    single = records(tmp_path / "on", timing="on").records
    batch = records(tmp_path / "off", timing="off").records
    assert [(r.label, r.seed, r.epochs, r.status) for r in batch] == [
        (r.label, r.seed, r.epochs, r.status) for r in single
    ]
    assert {r.replicas for r in single} == {1}
    assert {r.replicas for r in batch} == {3}
    assert len({r.epochs for r in batch}) > 2


def test_a_batch_shows_no_seconds_and_says_why(tmp_path):
    table = records(tmp_path, timing="off").table
    assert all(row["seconds"] is None for row in table.rows)
    assert any("one batch" in note for note in table.notes)


def test_runs_made_alone_serve_where_a_batch_would_do_but_not_the_other_way(tmp_path):
    first = records(tmp_path, timing="on").records
    again = records(tmp_path, timing="off").records
    assert [r.id for r in first] == [r.id for r in again]
    other = tmp_path / "other"
    batch = records(other, timing="off").records
    timed = records(other, timing="on").records
    assert not {r.id for r in batch} & {r.id for r in timed}


def test_memory_cuts_batches(tmp_path):
    from gfopt.race import Setting, machine_of
    from gfopt.runs import make_task

    race = experiment(RACE, "seeds=1-12")
    task = make_task(race, machine_of(Setting(data=tmp_path, memory=5 * 10**6)))
    runs = plan(race, tmp_path, "cpu")
    sizes = [len(together) for together in batches(runs, task)]
    assert sum(sizes) == 24
    assert max(sizes) * task.bytes_of_a_replica() <= 5 * 10**6
    assert max(sizes) > 1


def test_a_record_says_which_path_it_took_and_how_long_compiling_took(tmp_path):
    by_path = {
        path: records(
            tmp_path / path, "optimizers=[{name: gradient_descent, lr: 0.5}]", path=path
        ).records[0]
        for path in ("plain", "compiled")
    }
    assert {path: record.path for path, record in by_path.items()} == {
        "plain": "plain",
        "compiled": "compiled",
    }
    assert by_path["plain"].epochs == by_path["compiled"].epochs
    assert by_path["plain"].phases["compile"] == 0
    assert by_path["compiled"].phases["compile"] > 0


def test_what_is_neither_set_up_nor_training_is_not_counted_as_set_up(tmp_path, monkeypatch):
    from gfopt.clock import Clock, Phase

    seen, enter = [], Clock.enter
    monkeypatch.setattr(
        Clock, "enter", lambda self, phase: (seen.append(phase), enter(self, phase))[1]
    )
    records(tmp_path, "optimizers=[{name: gradient_descent, lr: 0.5}]", timing="on")
    between = {after for before, after in pairwise(seen) if before is Phase.TRAIN}
    assert Phase.SET_UP not in between
    assert Phase.OTHER in between
