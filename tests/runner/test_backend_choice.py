"""Which backend is chosen and why; which seeds are vectorized; what the records say of it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

import gfopt
from gfopt.backends import Backend, backends
from gfopt.config.loading import load
from gfopt.engine.clock import Clock, Phase
from gfopt.errors import UnknownNameError, UsageError
from gfopt.runner.backend_choice import choose_backend, is_timed
from gfopt.runner.execute import split_batches
from gfopt.runner.identity import identify
from gfopt.runner.listener import Silent
from gfopt.runner.plan import plan_runs
from gfopt.runner.race import Race
from gfopt.runner.settings import RunSettings
from gfopt.runner.train import make_task, train_seeds

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


def test_numba_is_chosen_if_every_optimizer_has_compiled_loops():
    backend, reason = choose_backend(experiment(), "cpu")
    assert (backend, "every optimizer" in reason) == ("numba", True)


@pytest.mark.parametrize(
    ("changes", "device", "reason"),
    [
        (["optimizers.1=muon"], "cpu", "muon has no compiled loops"),
        (["optimizers.0.batch_size=10"], "cpu", "gradient_descent: compiled loops take no mini-"),
        (["optimizers.1.schedule={name: StepLR, step_size: 2}"], "cpu", "take no schedules"),
        (["loss={name: am_softmax, normalised: false}"], "cpu", "the derivative"),
        (["budget.epochs=99"], "cpu", "99 epochs are too few"),
        ([], "cuda", "compiled loops run on the CPU only"),
    ],
)
def test_else_all_optimizers_run_plain_and_the_reason_is_given(changes, device, reason):
    backend, given = choose_backend(experiment(RACE, *changes), device)
    assert backend == "plain"
    assert reason in given


def test_plain_can_be_asked_for():
    assert choose_backend(experiment(), "cpu", "plain") == ("plain", "chosen by --backend")


@pytest.mark.parametrize("asked", ["numba", "compiled"])  # the second is the old name
def test_numba_can_be_asked_for_where_compiling_does_not_pay(asked):
    assert choose_backend(experiment(RACE, "budget.epochs=2"), "cpu", asked).backend == "numba"


def test_a_backend_that_can_not_be_used_is_an_error_with_every_reason():
    changes = ["optimizers.1=muon", "optimizers.0.batch_size=10"]
    with pytest.raises(UsageError, match=r"(?s)mini-batches.*muon has no compiled loops"):
        choose_backend(experiment(RACE, *changes), "cpu", "numba")


@pytest.mark.parametrize("asked", ["cuda_graph", "graph"])
def test_graphs_need_a_gpu(asked):
    with pytest.raises(UsageError, match="--backend cuda_graph: CUDA graphs need a GPU"):
        choose_backend(experiment(), "cpu", asked)


def test_an_unknown_backend_is_an_error_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match=r"nmba.*numba"):
        choose_backend(experiment(), "cpu", "nmba")


def test_a_run_id_has_the_backend_and_the_sources_of_its_loops():
    race = experiment()
    one, two = (identify(race, race.entries[0], 1, "cpu", name) for name in ("plain", "numba"))
    assert (one["backend"], two["backend"]) == ("plain", "numba")
    assert one["source"] != two["source"]


@pytest.mark.parametrize(
    ("seeds", "timing", "expected"),
    [("1-5", "auto", True), ("1-6", "auto", False), ("1-6", "on", True), ("1", "off", False)],
)
def test_up_to_five_seeds_are_timed_unless_asked_for_otherwise(seeds, timing, expected):
    race = experiment(RACE, f"seeds={seeds}")
    assert is_timed(race, race.entries[0], timing) is expected


@pytest.mark.parametrize(
    "optimizer", ["lbfgs", "{name: gradient_descent, schedule: {name: ReduceLROnPlateau}}"]
)
def test_optimizers_that_take_seeds_one_by_one_are_always_timed(optimizer):
    race = experiment(RACE, f"optimizers=[{optimizer}]")
    assert is_timed(race, race.entries[0], "off")


FROZEN = "{name: position_wise, lr: 0.2, label: frozen, frozen_hidden: true}"


def test_seeds_with_frozen_hidden_layers_are_vectorized_by_the_plain_backend_only():
    race = experiment(RACE, f"optimizers=[{{name: gradient_descent, lr: 0.5}}, {FROZEN}]")
    free, frozen = race.entries
    assert choose_backend(race, "cpu").backend == "numba"
    assert choose_backend(race, "cpu", vectorized=free).backend == "numba"
    backend, reason = choose_backend(race, "cpu", vectorized=frozen)
    assert (backend, "frozen: frozen hidden layers" in reason) == ("plain", True)
    assert not is_timed(race, frozen, "off")


CONFIG = {
    "dataset": {"name": "digits", "scale": "unit"},
    "model": {"hidden": [8], "init": "fan_in_normal"},
    "loss": "cross_entropy",
    "optimizers": [{"name": "gradient_descent", "lr": 0.5}, {"name": "position_wise", "lr": 0.2}],
    "target": {"train_loss": 1.0},
    "budget": {"epochs": 300},
    "precision": "float64",
    "seeds": [1, 2, 3],
}
ONE = "optimizers=[{name: gradient_descent, lr: 0.5}]"


def run_all(out, *changes, **more):
    """The records of CONFIG with changes, without repeats."""
    settings = RunSettings(out=out, device="cpu", **more)
    race = Race(load(json.dumps(CONFIG), "race", Path(), changes), settings)
    race.run(Silent())
    assert race.failures == []
    return [record for record in race.records if record.repeat == 1]


def count(records):
    return [(r.label, r.seed, r.epochs, r.status) for r in records]


@pytest.fixture(scope="module")
def in_turn(tmp_path_factory):
    """The records of vectorized seeds, of timed ones, and once more of vectorized ones."""
    out = tmp_path_factory.mktemp("runs")
    return [run_all(out, timing=timing) for timing in ("off", "on", "off")]


def test_vectorized_seeds_count_as_single_runs_do(in_turn):
    vectorized, timed, _ = in_turn
    assert count(vectorized) == count(timed)
    assert [{r.replicas for r in records} for records in (vectorized, timed)] == [{3}, {1}]
    assert len({r.epochs for r in timed}) > 2


def test_timed_runs_serve_where_vectorized_ones_would_do_but_not_the_other_way(in_turn):
    vectorized, timed, again = in_turn
    assert not {r.id for r in vectorized} & {r.id for r in timed}
    assert [r.id for r in again] == [r.id for r in timed]


def test_vectorized_frozen_seeds_count_as_single_runs_do(tmp_path):
    changes = f"optimizers=[{FROZEN}]", "target={train_loss: 2.1}"
    timed, vectorized = (run_all(tmp_path, *changes, timing=timing) for timing in ("on", "off"))
    assert [r.id for r in timed] != [r.id for r in vectorized]
    assert count(vectorized) == count(timed)
    assert {r.reached for r in timed} == {True}
    assert [{r.replicas for r in records} for records in (timed, vectorized)] == [{1}, {3}]


def test_memory_cuts_batches(tmp_path):
    race = experiment(RACE, "seeds=1-12")
    settings = RunSettings(out=tmp_path, data=tmp_path, device="cpu", memory=5 * 10**6)
    task = make_task(race, settings)
    runs = plan_runs(race, settings)
    sizes = [len(together) for together in split_batches(runs, task)]
    assert sum(sizes) == 24
    assert max(sizes) * task.estimate_seed_bytes() <= 5 * 10**6
    assert max(sizes) > 1


def test_a_record_has_its_backend_with_its_remark_and_compile_time(tmp_path):
    plain, numba = (run_all(tmp_path, ONE, backend=name) for name in ("plain", "numba"))
    assert [{r.backend for r in records} for records in (plain, numba)] == [{"plain"}, {"numba"}]
    assert count(plain) == count(numba)
    assert {r.phases["compile"] for r in plain} == {0}
    assert all(r.phases["compile"] > 0 for r in numba)
    remark = backends["numba"].remark
    assert [r.notes.count(remark) for r in (*plain, *numba)] == [0, 0, 0, 1, 1, 1]


def test_the_table_has_a_backends_remark_once_and_says_why_there_are_no_seconds(tmp_path):
    table = gfopt.run(CONFIG, out=tmp_path, settings=["budget.epochs=100"], timing="off").table
    assert all(row["seconds"] is None for row in table.rows)
    assert any("batch" in note or "vectorized" in note for note in table.notes)
    assert table.notes.count(backends["numba"].remark) == 1


def test_what_is_neither_set_up_nor_training_is_not_counted_as_set_up(tmp_path, monkeypatch):
    seen, enter = [], Clock.enter
    monkeypatch.setattr(
        Clock, "enter", lambda self, phase: (seen.append(phase), enter(self, phase))[1]
    )
    run_all(tmp_path, ONE, "budget.epochs=5", timing="on", backend="plain")
    between = {after for before, after in pairwise(seen) if before is Phase.TRAIN}
    assert Phase.SET_UP not in between
    assert Phase.OTHER in between


@pytest.fixture
def dropped():
    """A backend as a file dropped into gfopt/backends registers it."""

    class Dropped(Backend):
        remark = "Backend dropped: a test."
        warm_up = Phase.COMPILE

        def find_refusals(self, job):
            if job.batch_size:
                yield f"{job.label}: no mini-batches"

        def find_worthwhile_epochs(self, job):
            return 10

        @contextmanager
        def prepare(self, task, optimizer):
            prepared.append(type(optimizer).__name__)
            yield task, optimizer

    prepared = []
    with backends.register_temporarily("dropped", Dropped):
        yield prepared


def test_a_backend_dropped_into_the_folder_is_selectable_and_trains(dropped, tmp_path):
    chosen = choose_backend(experiment(), "cpu", "dropped")
    assert chosen.backend == "dropped"
    with pytest.raises(UsageError, match="--backend dropped: gradient_descent: no mini-batches"):
        choose_backend(experiment(RACE, "optimizers.0.batch_size=10"), "cpu", "dropped")
    race = load(json.dumps(CONFIG), "race", Path(), [ONE, "budget.epochs=5"])
    task, entry = make_task(race, RunSettings(device="cpu")), race.entries[0]
    (outcome,), _ = train_seeds(task, entry, entry.optimizer, "dropped", race.terms(), [1])
    (plain,), _ = train_seeds(task, entry, entry.optimizer, "plain", race.terms(), [1])
    assert [e.loss for e in outcome.history] == [e.loss for e in plain.history]
    assert dropped == ["GradientDescent"]


def test_the_runs_of_a_dropped_backend_have_its_name_its_remark_and_its_own_ids(dropped, tmp_path):
    plain, own = (
        run_all(tmp_path, ONE, "budget.epochs=5", backend=b) for b in ("plain", "dropped")
    )
    assert [r.backend for r in own] == ["dropped"] * 3
    assert all("Backend dropped: a test." in r.notes for r in own)
    assert not {r.id for r in own} & {r.id for r in plain}
    assert {r.hashes["source"] for r in own} != {r.hashes["source"] for r in plain}
    assert count(own) == count(plain)


def test_auto_chooses_a_dropped_backend_only_if_it_says_so(dropped, monkeypatch):
    muon = experiment(RACE, "optimizers.1=muon")  # no compiled loops
    assert choose_backend(muon, "cpu").backend == "plain"
    monkeypatch.setattr(backends["dropped"], "automatic", True)
    assert choose_backend(muon, "cpu").backend == "dropped"
    assert choose_backend(experiment(RACE, "optimizers.1=muon", "budget.epochs=9"), "cpu") == (
        "plain",
        "9 epochs are too few to compile for; muon has no compiled loops",
    )
