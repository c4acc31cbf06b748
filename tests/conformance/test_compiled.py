"""What every compiled rule of the registry promises: the results of its plain statement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from gfopt.clock import Clock
from gfopt.compiled import compiled
from gfopt.compiled.torch_optim import ElementwiseLoops
from gfopt.engine import train
from gfopt.initializers import initializers
from gfopt.kernels.threads import sharing
from gfopt.optimizers import optimizers
from gfopt.target import Budget, Target, Terms
from gfopt.task import Level, Task
from tests.conftest import Tiny

EPOCHS = 100
OPTIONS = {
    "gradient_descent": [
        {"lr": 0.3},
        {"lr": 0.3, "momentum": 0.8},
        {"lr": 0.1, "multipliers": (1.0, 2.0, 3.0)},  # at twice the lr losses explode, and rounding
        {"lr": 0.1, "momentum": 0.5, "multipliers": (0.0, 1.0, 2.0)},
    ],
    "position_wise": [{"lr": 0.2}],
    "evolution_strategy": [
        {"members": 12},  # at larger steps rounding grows from one generation to the next
        {"members": 12, "reward": "inverse_loss", "antithetic": True},
        {"members": 7, "lr": 1e-3, "shaping": "centred_ranks", "inner": "adam"},
    ],
    "parameter_search": [{}, {"keep_incumbent": True, "shrink": 0.8, "order": "random"}],
    "synaprune": [{}],
    "adam": [{"lr": 0.02}, {"lr": 0.02, "weight_decay": 0.1, "amsgrad": True}],
    "sgd": [{"lr": 0.1}, {"lr": 0.1, "momentum": 0.9, "nesterov": True}],
}
TORCH = [name for name in compiled if compiled[name] is ElementwiseLoops]
DIFFERENT = [name for name in compiled if name not in TORCH or name == "adam"]  # in their loops
OPTIONS |= {name: OPTIONS.get(name, [{"lr": 0.01}]) for name in TORCH}
# Samples fewer than inputs (coefficients in their span), more, and so many that threads share them.
SHAPES = {"spanned": ((30, 5, 4, 3), 24), "tall": ((6, 5, 4, 3), 40), "many": ((3, 4, 3, 2), 5000)}
LOSSES = {
    "evolution_strategy": ("mse", "nmse"),
    "parameter_search": ("mse",),  # the others: tests/unit/test_compiled_search.py
    "gradient_descent": ("cross_entropy", "softmax_bce", "mse"),
    "position_wise": ("cross_entropy", "softmax_bce", "mse"),
    "synaprune": ("sigmoid_mse",),
}
CASES = [
    pytest.param(name, options, shape, loss, id=f"{name}-{i}-{shape}-{loss}")
    for name in compiled
    for i, options in enumerate(OPTIONS[name])
    for shape in SHAPES
    for loss in LOSSES.get(name, ("mse", "cross_entropy"))
    if shape != "many" or (i == 0 and name not in ("parameter_search", "synaprune"))
    if name in DIFFERENT or (shape, loss) == ("tall", "mse")
]


def task(shape, loss, activation="tanh", dtype=torch.float64, valid=True):
    widths, samples = SHAPES[shape]
    tiny = Tiny(widths, activation, loss, samples, dtype)
    held_out = Tiny(widths, activation, loss, 9, dtype).problem if valid else None
    level = {part: Level(1.0, 1 / 3) for part in ("train", "valid")}
    init = initializers["fan_in_normal"]()
    return Task(tiny.problem, held_out, widths, init, True, True, level, level)


def run(name, options, plain, seeds=(1, 2, 3), epochs=EPOCHS, path="compiled", **terms):
    how = Terms(
        terms.get("targets", ()), terms.get("reading", "end_of_epoch"), Budget(epochs=epochs)
    )
    rule = optimizers[name](**options)
    if path == "plain":
        return train(plain, rule, how, seeds, Clock())
    with sharing():
        return train(*compiled[name]().made(rule, plain), how, seeds, Clock())


def gap(one, other):
    """The largest distance of two runs' weights, relative to each tensor's length."""
    assert one.keys() == other.keys()
    return max(
        float((one[key] - other[key]).norm() / other[key].norm().clamp(min=1e-300)) for key in other
    )


def readings(outcome, *columns):
    return [[getattr(row, column) for column in columns] for row in outcome.history]


@pytest.mark.parametrize("name", compiled)
def test_every_compiled_rule_has_options_to_be_tested_with(name):
    assert OPTIONS[name]


@pytest.mark.parametrize(("name", "options", "shape", "loss"), CASES)
def test_a_hundred_epochs_give_the_plain_weights_losses_and_passes(name, options, shape, loss):
    epochs = 10 if name == "parameter_search" or shape == "many" else EPOCHS
    plain = task(shape, loss, activation="sigmoid" if name == "synaprune" else "tanh")
    for ours, theirs in zip(
        run(name, options, plain, epochs=epochs),
        run(name, options, plain, epochs=epochs, path="plain"),
        strict=True,
    ):
        assert gap(ours.weights, theirs.weights) < 1e-9
        np.testing.assert_allclose(
            readings(ours, "loss", "epoch"), readings(theirs, "loss", "epoch"), rtol=1e-9
        )
        columns = ("updates", "forward_passes", "backward_passes")
        assert readings(ours, *columns) == readings(theirs, *columns)
        assert (ours.status, ours.notes) == (theirs.status, theirs.notes)
        assert ours.levels.valid_loss == pytest.approx(theirs.levels.valid_loss, rel=1e-9)
        assert ours.levels.valid_accuracy == theirs.levels.valid_accuracy


@pytest.mark.parametrize("activation", ["identity", "relu", "negative_part", "tanh", "sigmoid"])
@pytest.mark.parametrize(
    ("name", "shape"),
    [(name, shape) for name in ("gradient_descent", "position_wise") for shape in SHAPES]
    + [("evolution_strategy", "tall")],  # whose loops see no difference between shapes
)
def test_every_activation_is_the_plain_one(name, activation, shape):
    plain = task(shape, "mse", activation)
    options = OPTIONS[name][0] | {"lr": 1e-3}
    (ours,), (theirs,) = (
        run(name, options, plain, (1,), epochs=20, path=path) for path in ("compiled", "plain")
    )
    assert gap(ours.weights, theirs.weights) < 1e-9


@pytest.mark.parametrize("name", ["gradient_descent", "position_wise"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_published_reading_is_of_the_same_pass(name, shape):
    plain, loss = task(shape, "softmax_bce", "relu"), 0.9
    target = Target(train_loss=loss, skip_every=7)
    (ours,), (theirs,) = (
        run(name, {"lr": 0.1}, plain, (1,), path=path, targets=(target,), reading="as_published")
        for path in ("compiled", "plain")
    )
    assert readings(ours, "epoch", "updates") == readings(theirs, "epoch", "updates")
    np.testing.assert_allclose(readings(ours, "loss"), readings(theirs, "loss"), rtol=1e-9)
    columns = ("forward_passes", "backward_passes")
    assert readings(ours, *columns) == readings(theirs, *columns)


@pytest.mark.parametrize(
    ("name", "shape"),
    [(name, "tall") for name in DIFFERENT] + [("gradient_descent", "many"), ("adam", "many")],
)
def test_replicas_that_leave_a_batch_end_as_they_do_alone(name, shape):
    plain = task(shape, "mse", "sigmoid")
    seeds = tuple(range(1, 13))
    start = [outcome.history for outcome in run(name, OPTIONS[name][0], plain, seeds, epochs=30)]
    middle = float(np.median([rows[min(8, len(rows) - 1)].loss for rows in start]))
    target = Target(train_loss=middle)
    together = run(name, OPTIONS[name][0], plain, seeds, epochs=30, targets=(target,))
    assert len({outcome.history[-1].epoch for outcome in together}) > 1
    for seed, one in zip(seeds, together, strict=True):
        (alone,) = run(name, OPTIONS[name][0], plain, (seed,), epochs=30, targets=(target,))
        assert (one.status, readings(one, "epoch")) == (alone.status, readings(alone, "epoch"))
        assert gap(one.weights, alone.weights) < 1e-9


@pytest.mark.parametrize("name", DIFFERENT)
@pytest.mark.parametrize("shape", SHAPES)
def test_threads_change_no_bit(name, shape):
    if shape == "many" and name in ("parameter_search", "synaprune"):
        pytest.skip("one thread whatever the samples, and slow on so many")
    plain, runs = task(shape, "mse", "sigmoid"), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        runs.append(run(name, OPTIONS[name][0], plain, tuple(range(9)), epochs=4))
    for one, two in zip(*runs, strict=True):
        assert all(torch.equal(one.weights[key], two.weights[key]) for key in one.weights)


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_step_leaves_the_state_it_was_given_as_it_was_unless_the_loops_say_otherwise(name):
    way, rule = compiled[name]().made(
        optimizers[name](**OPTIONS[name][0]), task("tall", "mse", "sigmoid")
    )
    draw = Tiny(*SHAPES["tall"][:1]).draw((1, 2))
    with torch.no_grad():
        state = rule.init(way.train, way.start((1, 2)), draw)
        before = {key: tensor.clone() for key, tensor in state.items()}
        rule.step(way.train, state, way.train.forward(state) if rule.wants_pass else None)
    kept = all(torch.equal(before[key], tensor) for key, tensor in state.items())
    assert kept is not compiled[name].in_place


@pytest.mark.parametrize("name", ["gradient_descent", "position_wise"])
def test_a_run_that_diverges_is_told_from_one_that_goes_on(name):
    plain = task("tall", "mse", "identity")
    ends = [run(name, {"lr": 1e3}, plain, (1,), path=path)[0] for path in ("compiled", "plain")]
    assert [end.status for end in ends] == ["diverged", "diverged"]


@pytest.mark.parametrize("name", ["gradient_descent", "position_wise"])
@pytest.mark.parametrize("widths", [(6, 3), (30, 3), (6, 5, 3)], ids=str)
@pytest.mark.parametrize("output_bias", [True, False])
def test_shallow_networks_and_outputs_without_bias_are_the_plain_ones(name, widths, output_bias):
    plain = replace(task("tall", "cross_entropy"), widths=widths, output_bias=output_bias)
    tiny = Tiny(widths, "tanh", "cross_entropy", 24)
    plain = replace(plain, train=tiny.problem, valid=tiny.problem)
    (ours,), (theirs,) = (
        run(name, {"lr": 0.3}, plain, (1,), epochs=50, path=path) for path in ("compiled", "plain")
    )
    assert (f"b{len(widths) - 1}" in ours.weights) is output_bias
    assert gap(ours.weights, theirs.weights) < 1e-9
    assert ours.levels.valid_loss == pytest.approx(theirs.levels.valid_loss, rel=1e-9)


@pytest.mark.long  # compiles all loops once more
def test_float32_keeps_to_the_weights_themselves():
    plain = task("spanned", "cross_entropy", dtype=torch.float32)
    way, rule = compiled["gradient_descent"]().made(optimizers["gradient_descent"](), plain)
    state = rule.init(way.train, way.start((1,)), Tiny(dtype=torch.float32).draw((1,)))
    assert state["W1"].shape == (1, 5, 30)
    (ours,), (theirs,) = (
        run("gradient_descent", {"lr": 0.3}, plain, (1,), epochs=50, path=path)
        for path in ("compiled", "plain")
    )
    assert gap(ours.weights, theirs.weights) < 1e-4
