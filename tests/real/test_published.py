"""The published counts on the real data: the position-wise paper's six, and re-runs by others.

The expected numbers are oracles, and only here: epochs and loss at the end.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

import gfopt
from gfopt.config.packaged_configs import load_config
from gfopt.engine.clock import Clock
from gfopt.engine.loop import train
from gfopt.runner.settings import RunSettings
from gfopt.runner.train import make_task, train_seeds

pytestmark = [pytest.mark.data, pytest.mark.long]

AS_PUBLISHED = {  # the longest first: tests/conftest.py
    "cifar10_poswise": {"gradient_descent": (121, 3.229977), "position_wise": (97, 3.229931)},
    "cat_poswise": {"gradient_descent": (2243, 0.0999618486), "position_wise": (881, 0.0998389520)},
    "mnist_poswise": {"gradient_descent": (195, 3.248305), "position_wise": (139, 3.247959)},
}
# cat, end of epoch: seed 1..6
END_OF_EPOCH = {
    "gradient_descent": (2243, 1060, 1946, 939, 785, 1053),
    "position_wise": (883, 654, 870, 694, 521, 689),
    "gradient_descent x (1, 2, 3, 4)": (856, 650, 876, 668, 599, 628),
    "gradient_descent x 2": (1277, 656, 947, 605, 527, 652),
}
CAT_AS_PUBLISHED = (881, 637, 870, 658, 469, 643)
BACKENDS = ["numba", pytest.param("plain", marks=pytest.mark.nightly)]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("config", AS_PUBLISHED)
def test_the_published_epochs_and_losses_come_out_exactly_on_every_backend(
    config, backend, real_data, tmp_path
):
    result = gfopt.run(config, out=tmp_path, data=real_data, offline=True, backend=backend)
    assert {r.backend for r in result.records} == {backend}
    found = {
        r.optimizer: (r.status, r.epochs, pytest.approx(r.loss, abs=1e-4)) for r in result.records
    }
    assert found == {
        name: ("reached", epochs, loss) for name, (epochs, loss) in AS_PUBLISHED[config].items()
    }


@pytest.fixture(scope="module")
def cat():
    """Experiment and task of the cat race, evaluated at the end of each epoch."""
    experiment = load_config("cat_end_of_epoch")
    return experiment, make_task(experiment, RunSettings(device="cpu", offline=True))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("place", range(4), ids=list(END_OF_EPOCH))
def test_six_vectorized_seeds_give_the_counts_of_six_single_runs(cat, place, backend):
    experiment, task = cat
    entry = experiment.entries[place]
    seeds, terms = list(range(1, 7)), experiment.terms()
    outcomes, _ = train_seeds(task, entry, entry.make_optimizer(4), backend, terms, seeds)
    assert tuple(o.history[-1].epoch for o in outcomes) == list(END_OF_EPOCH.values())[place]


@pytest.mark.parametrize(
    ("backend", "count"),
    [("numba", 6), ("plain", 1), pytest.param("plain", 6, marks=pytest.mark.nightly)],
)
def test_position_wise_as_published_gives_the_counts_of_all_six_seeds(cat, backend, count):
    experiment, task = cat
    entry, seeds = experiment.entries[1], list(range(1, count + 1))
    terms = replace(load_config("cat_poswise").terms(), targets=experiment.targets)
    outcomes, _ = train_seeds(task, entry, entry.make_optimizer(4), backend, terms, seeds)
    assert tuple(o.history[-1].epoch for o in outcomes) == CAT_AS_PUBLISHED[:count]


@pytest.mark.nightly
def test_a_hundred_seeds_of_cat_are_vectorized_and_the_first_six_count_as_ever(real_data, tmp_path):
    result = gfopt.run(
        "cat_end_of_epoch", seeds="1-100", out=tmp_path, data=real_data, offline=True
    )
    rows = result.table.rows
    assert [(row["seeds"], row["seconds"]) for row in rows] == [(100, None)] * 4
    assert all(row["reached"] >= 95 for row in rows)
    assert {r.status for r in result.records} <= {"reached", "budget"}
    for label, counts in zip((row["label"] for row in rows), END_OF_EPOCH.values(), strict=True):
        found = {r.seed: r.epochs for r in result.records if r.label == label}
        assert tuple(found[seed] for seed in range(1, 7)) == counts


def test_single_runs_give_the_counts_of_the_first_seed(real_data, tmp_path):
    result = gfopt.run("cat_end_of_epoch", out=tmp_path, data=real_data, offline=True)
    assert [r.epochs for r in result.records] == [counts[0] for counts in END_OF_EPOCH.values()]
    assert [r.loss for r in result.records] == pytest.approx(
        [0.0999618486, 0.0995513141, 0.0991986768, 0.0992702964], abs=1e-6
    )


def test_an_epoch_of_position_wise_on_cat_costs_what_the_shares_say(cat):
    experiment, task = cat
    terms = replace(
        experiment.terms(), targets=(), budget=experiment.budget.model_copy(update={"epochs": 3})
    )
    row = train(task, experiment.entries[1].make_optimizer(4), terms, [1], Clock())[0].history[-1]
    assert row.forward_passes / (3 * 209) == pytest.approx(1.000915, abs=5e-7)
    assert row.backward_passes / (3 * 209) == pytest.approx(1.001097, abs=5e-7)


def test_the_mnist_target_is_beaten_by_a_constant_and_the_table_says_so(real_data, tmp_path):
    result = gfopt.run(
        "mnist_poswise", out=tmp_path, data=real_data, offline=True, settings=["budget.epochs=2"]
    )
    assert result.records[0].class_prior == pytest.approx(3.24904, abs=5e-6)
    assert any("constant" in note and "WARNING" in note for note in result.table.notes)
