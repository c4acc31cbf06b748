"""Counted operations against torch's own counter of what its matrix products really did."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import gfopt
from gfopt.analysis.costs import axes, collect_costs
from gfopt.engine.frozen_hidden import make_output_task
from gfopt.engine.tally import Tally, count_backward_products, count_forward_products
from gfopt.optimizers import optimizers
from tests.engine.test_loop import run, task, terms
from tests.record_factory import missed, record
from tests.tiny import Tiny

EPOCHS = 4
NAMES = ["gradient_descent", "position_wise"]


def flops_by_torch(optimizer, tiny, seeds=(1,), epochs=EPOCHS):
    """Operations of the passes and steps of so many epochs, without evaluations."""
    state = optimizer.init(tiny.problem, tiny.initial_weights(seeds), tiny.draw(seeds))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        for _ in range(epochs):
            state = optimizer.step(tiny.problem, state, tiny.problem.forward(state))
    return counter.get_total_flops()


def flops_by_record(optimizer, tiny, seeds=(1,), epochs=EPOCHS):
    """A record's, from the tally of the same passes and steps."""
    tally = Tally(tiny.widths, tiny.problem.samples, len(seeds))
    problem = tiny.problem.with_watcher(tally)
    state = optimizer.init(problem, tiny.initial_weights(seeds), tiny.draw(seeds))
    with torch.no_grad():
        for _ in range(epochs):
            state = optimizer.step(problem, state, problem.forward(state))
    return record(
        forward_passes=tally.forward_passes,
        backward_passes=tally.backward_passes,
        products=(count_forward_products(tiny.widths, 1), count_backward_products(tiny.widths, 1)),
    ).flops


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("widths", [(6, 5, 4, 3), (7, 3), (5, 9, 1), (4, 6, 6, 6, 2)])
def test_the_operations_of_an_optimizer_are_those_that_torch_counts(name, widths):
    loss = "bce" if widths[-1] == 1 else "cross_entropy"
    optimizer, tiny = optimizers[name](lr=0.1), Tiny(widths, loss=loss)
    assert flops_by_record(optimizer, tiny) == flops_by_torch(optimizer, tiny) > 0


@pytest.mark.parametrize("name", NAMES)
def test_the_operations_of_vectorized_seeds_are_those_of_all_seeds(name):
    optimizer, tiny, seeds = optimizers[name](lr=0.1), Tiny(), (1, 2, 3)
    assert 3 * flops_by_record(optimizer, tiny, seeds) == flops_by_torch(optimizer, tiny, seeds)


CONFIG = {
    "name": "flops",
    "dataset": {"name": "digits", "scale": "unit"},
    "model": {"hidden": [9, 7], "init": "fan_in_normal"},
    "loss": "cross_entropy",
    "optimizers": [{"name": name, "lr": 0.1} for name in NAMES],
    "budget": {"epochs": EPOCHS},
}


def test_the_record_of_a_run_has_what_torch_counts_in_as_many_epochs(tmp_path):
    tiny = Tiny((64, 9, 7, 10), samples=1437, dtype=torch.float32)
    for one in gfopt.run(CONFIG, out=tmp_path, backend="plain").records:
        optimizer = optimizers[one.optimizer](lr=0.1)
        assert one.flops == flops_by_torch(optimizer, tiny)


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_run_does_its_epochs_a_step_thrown_away_and_the_last_evaluation(name):
    optimizer, tiny = optimizers[name](lr=0.1), Tiny()
    with FlopCounterMode(display=False) as counter:
        run(optimizer, terms(epochs=EPOCHS))
    epoch = flops_by_torch(optimizer, tiny, epochs=1)
    evaluation = 2 * tiny.problem.samples * sum(n * m for m, n in pairwise(tiny.widths))
    assert counter.get_total_flops() == (EPOCHS + 1) * epoch + evaluation


def test_the_operations_with_frozen_hidden_layers_are_those_of_one_pass_and_the_output_layer():
    given, tiny = task(Tiny()), Tiny()
    optimizer, samples, widths = optimizers["gradient_descent"](lr=0.1), 24, tiny.widths
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        top = make_output_task(given, [1])
    below = counter.get_total_flops() - 2 * samples * widths[-1] * widths[-2]  # it passes all of it
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        start = top.initial_weights([1])
        state = optimizer.init(top.train, start, tiny.draw([1]))
        for _ in range(EPOCHS):
            state = optimizer.step(top.train, state, top.train.forward(state))
    tally = Tally(top.widths, samples, whole=top.whole)
    problem = top.train.with_watcher(tally)
    state = optimizer.init(problem, start, tiny.draw([1]))
    for _ in range(EPOCHS):
        state = optimizer.step(problem, state, problem.forward(state))
    counted = record(
        forward_passes=tally.forward_passes,
        backward_passes=tally.backward_passes,
        products=(count_forward_products(widths, 1), count_backward_products(widths, 1)),
    ).flops
    assert counted == pytest.approx(below + counter.get_total_flops(), rel=1e-12)


def test_where_passes_are_not_counted_neither_are_operations():
    assert record(products=(10, 20), backward_passes=None).flops is None
    assert record(products=None).flops is None
    assert record(products=(10, 20), forward_passes=2.0, backward_passes=3.0).flops == 2 * 80


def test_the_seconds_and_the_memory_of_a_batch_are_no_runs_cost():
    batch = record(replicas=2, peak_memory=10**6)
    assert all(
        axes[name].measure(batch) is None for name in ("seconds", "cpu_seconds", "peak_memory")
    )
    assert axes["epochs"].measure(batch) == 40


def test_costs_tell_who_reached_and_who_never_would():
    runs = [record(), missed(), missed(status="diverged"), missed(status="finished")]
    costs = collect_costs(runs, axes["epochs"])
    assert costs.spent == (40, 1000, 1000, 1000)
    assert costs.reached == (True, False, False, False)
    assert costs.hopeless == (False, False, True, True)
    assert collect_costs([*runs, record(forward_passes=None)], axes["passes"]) is None


def test_without_a_target_a_run_costs_what_it_cost():
    bare = {"target": None, "target_value": None}
    costs = collect_costs([missed(**bare), missed(**bare, status="finished")], axes["epochs"])
    assert costs.spent == (1000, 1000)
    assert (costs.reached, costs.hopeless) == ((True, True), (False, False))
