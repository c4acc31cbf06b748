"""Every backend computes the same training: compiled loops against the optimizer's own file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from gfopt.backends import Job, backends
from gfopt.backends.numba import compiled_loops
from gfopt.backends.numba.torch_optim import ElementwiseLoops
from gfopt.engine.budget import Budget
from gfopt.engine.clock import Clock, make_clock
from gfopt.engine.loop import train
from gfopt.engine.target import Target
from gfopt.engine.terms import Terms
from gfopt.model.initializers import initializers
from gfopt.optimizers import optimizers
from tests.tiny import Tiny

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
TORCH = [name for name in compiled_loops if compiled_loops[name] is ElementwiseLoops]
DIFFERENT = [
    name for name in compiled_loops if name not in TORCH or name == "adam"
]  # in their loops
OPTIONS |= {name: OPTIONS.get(name, [{"lr": 0.01}]) for name in TORCH}
# Samples fewer than inputs (coefficients in their span), more, and so many that threads share them.
SHAPES = {"spanned": ((30, 5, 4, 3), 24), "tall": ((6, 5, 4, 3), 40), "many": ((3, 4, 3, 2), 5000)}
ANY_SHAPE = ("evolution_strategy", "parameter_search", "synaprune")  # no span of samples, no chunks
LOSSES = {
    "evolution_strategy": ("mse", "nmse"),
    "parameter_search": ("mse",),  # the others: tests/backends/test_numba_search.py
    "gradient_descent": ("cross_entropy", "softmax_bce", "mse"),
    "position_wise": ("cross_entropy", "softmax_bce", "mse"),
    "synaprune": ("sigmoid_mse",),
}


def is_quick(name, i, shape, loss):
    """All pairs of options, shapes and losses are nightly; each of them by itself is quick."""
    if name in ANY_SHAPE and shape != "tall":
        return False
    return i == 0 or (shape != "many" and loss == LOSSES.get(name, ("mse",))[0])


CASES = [
    pytest.param(
        name,
        options,
        shape,
        loss,
        id=f"{name}-{i}-{shape}-{loss}",
        marks=[] if is_quick(name, i, shape, loss) else pytest.mark.nightly,
    )
    for name in compiled_loops
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
    return replace(tiny.task(), valid=held_out)


def run(name, options, plain, seeds=(1, 2, 3), epochs=EPOCHS, backend="numba", **terms):
    how = Terms(
        terms.get("targets", ()), terms.get("reading", "end_of_epoch"), Budget(epochs=epochs)
    )
    optimizer = optimizers[name](**options)
    with backends[backend]().prepare(plain, optimizer) as prepared:
        return train(*prepared, how, seeds, Clock())


def gap(one, other):
    """The largest distance of two runs' weights, relative to each tensor's norm."""
    assert one.keys() == other.keys()
    return max(
        float((one[key] - other[key]).norm() / other[key].norm().clamp(min=1e-300)) for key in other
    )


def select(outcome, *columns):
    return [[getattr(row, column) for column in columns] for row in outcome.history]


@pytest.mark.parametrize("name", compiled_loops)
def test_every_optimizer_with_compiled_loops_is_tested(name):
    assert OPTIONS[name]


@pytest.mark.parametrize("backend", backends)
@pytest.mark.parametrize("name", ["gradient_descent", "position_wise", "adam"])
def test_what_a_backend_does_not_refuse_it_computes_as_plain(backend, name):
    """Whatever is registered: a new backend is tested by being there."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tiny, optimizer = Tiny(loss="mse", device=device), optimizers[name](**OPTIONS[name][0])
    job = Job(
        label=name,
        name=name,
        optimizer=optimizer,
        batch_size=None,
        schedule=None,
        frozen_hidden=False,
        activations=("tanh", "tanh"),
        loss=tiny.problem.loss,
        device_kind=device,
    )
    way, how = backends[backend](), Terms((), "end_of_epoch", Budget(epochs=5))
    if reasons := list(way.find_refusals(job)):
        assert all(reasons)
        return
    plain = train(tiny.task(), optimizer, how, (1, 2), make_clock(tiny.device))
    with way.prepare(tiny.task(), optimizer) as prepared:
        found = train(*prepared, how, (1, 2), make_clock(tiny.device))
    for ours, theirs in zip(found, plain, strict=True):
        assert gap(ours.weights, theirs.weights) < 1e-9
        columns = ("epoch", "updates", "forward_passes", "backward_passes")
        assert select(ours, *columns) == select(theirs, *columns)


@pytest.mark.parametrize(("name", "options", "shape", "loss"), CASES)
def test_a_hundred_epochs_give_the_plain_weights_losses_and_passes(name, options, shape, loss):
    epochs = 10 if name == "parameter_search" or shape == "many" else EPOCHS
    plain = task(shape, loss, activation="sigmoid" if name == "synaprune" else "tanh")
    for ours, theirs in zip(
        run(name, options, plain, epochs=epochs),
        run(name, options, plain, epochs=epochs, backend="plain"),
        strict=True,
    ):
        assert gap(ours.weights, theirs.weights) < 1e-9
        np.testing.assert_allclose(
            select(ours, "loss", "epoch"), select(theirs, "loss", "epoch"), rtol=1e-9
        )
        columns = ("updates", "forward_passes", "backward_passes")
        assert select(ours, *columns) == select(theirs, *columns)
        assert (ours.status, ours.notes) == (theirs.status, theirs.notes)
        assert ours.metrics.valid_loss == pytest.approx(theirs.metrics.valid_loss, rel=1e-9)
        assert ours.metrics.valid_accuracy == theirs.metrics.valid_accuracy


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
        run(name, options, plain, (1,), epochs=20, backend=backend)
        for backend in ("numba", "plain")
    )
    assert gap(ours.weights, theirs.weights) < 1e-9


@pytest.mark.parametrize("name", ["gradient_descent", "position_wise"])
@pytest.mark.parametrize("shape", SHAPES)
def test_as_published_evaluates_the_same_pass(name, shape):
    plain, loss = task(shape, "softmax_bce", "relu"), 0.9
    target = Target(train_loss=loss, skip_every=7)
    (ours,), (theirs,) = (
        run(
            name,
            {"lr": 0.1},
            plain,
            (1,),
            backend=backend,
            targets=(target,),
            reading="as_published",
        )
        for backend in ("numba", "plain")
    )
    assert select(ours, "epoch", "updates") == select(theirs, "epoch", "updates")
    np.testing.assert_allclose(select(ours, "loss"), select(theirs, "loss"), rtol=1e-9)
    columns = ("forward_passes", "backward_passes")
    assert select(ours, *columns) == select(theirs, *columns)


@pytest.mark.parametrize(
    ("name", "shape"),
    [(name, "tall") for name in DIFFERENT] + [("gradient_descent", "many"), ("adam", "many")],
)
def test_vectorized_seeds_end_as_they_do_alone(name, shape):
    plain = task(shape, "mse", "sigmoid")
    seeds = tuple(range(1, 13))
    histories = [
        outcome.history for outcome in run(name, OPTIONS[name][0], plain, seeds, epochs=30)
    ]
    middle = float(np.median([rows[min(8, len(rows) - 1)].loss for rows in histories]))
    target = Target(train_loss=middle)
    together = run(name, OPTIONS[name][0], plain, seeds, epochs=30, targets=(target,))
    assert len({outcome.history[-1].epoch for outcome in together}) > 1
    for seed, one in zip(seeds, together, strict=True):
        (alone,) = run(name, OPTIONS[name][0], plain, (seed,), epochs=30, targets=(target,))
        assert (one.status, select(one, "epoch")) == (alone.status, select(alone, "epoch"))
        assert gap(one.weights, alone.weights) < 1e-9


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        (name, shape)
        for name in DIFFERENT
        for shape in SHAPES
        if shape == "tall" or name not in ANY_SHAPE
    ],
)
def test_threads_change_no_bit(name, shape):
    plain, runs = task(shape, "mse", "sigmoid"), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        runs.append(run(name, OPTIONS[name][0], plain, tuple(range(9)), epochs=4))
    for one, two in zip(*runs, strict=True):
        assert all(torch.equal(one.weights[key], two.weights[key]) for key in one.weights)


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_step_leaves_the_state_it_was_given_as_it_was_unless_the_loops_say_otherwise(name):
    way, optimizer = compiled_loops[name]().prepare(
        optimizers[name](**OPTIONS[name][0]), task("tall", "mse", "sigmoid")
    )
    draw = Tiny(*SHAPES["tall"][:1]).draw((1, 2))
    with torch.no_grad():
        state = optimizer.init(way.train, way.initial_weights((1, 2)), draw)
        before = {key: tensor.clone() for key, tensor in state.items()}
        optimizer.step(way.train, state, way.train.forward(state) if optimizer.wants_pass else None)
    kept = all(torch.equal(before[key], tensor) for key, tensor in state.items())
    assert kept is not compiled_loops[name].in_place


@pytest.mark.parametrize("name", ["gradient_descent", "position_wise"])
def test_a_run_that_diverges_ends_on_every_backend(name):
    plain = task("tall", "mse", "identity")
    ends = [
        run(name, {"lr": 1e3}, plain, (1,), backend=backend)[0] for backend in ("numba", "plain")
    ]
    assert [end.status for end in ends] == ["diverged", "diverged"]


@pytest.mark.parametrize("name", ["gradient_descent", "position_wise"])
@pytest.mark.parametrize("widths", [(6, 3), (30, 3), (6, 5, 3)], ids=str)
@pytest.mark.parametrize("output_bias", [True, False])
def test_shallow_networks_and_outputs_without_bias_are_the_plain_ones(name, widths, output_bias):
    tiny, init = Tiny(widths, "tanh", "cross_entropy", 24), initializers["fan_in_normal"]()
    draw = lambda seed: init.initial_weights(seed, widths, output_bias=output_bias)  # noqa: E731
    plain = replace(tiny.task(), valid=tiny.problem, draw_weights=draw)
    (ours,), (theirs,) = (
        run(name, {"lr": 0.3}, plain, (1,), epochs=50, backend=backend)
        for backend in ("numba", "plain")
    )
    assert (f"b{len(widths) - 1}" in ours.weights) is output_bias
    assert gap(ours.weights, theirs.weights) < 1e-9
    assert ours.metrics.valid_loss == pytest.approx(theirs.metrics.valid_loss, rel=1e-9)


@pytest.mark.long  # compiles all loops once more
def test_float32_keeps_to_the_weights_themselves():
    plain = task("spanned", "cross_entropy", dtype=torch.float32)
    way, optimizer = compiled_loops["gradient_descent"]().prepare(
        optimizers["gradient_descent"](), plain
    )
    state = optimizer.init(
        way.train, way.initial_weights((1,)), Tiny(dtype=torch.float32).draw((1,))
    )
    assert state["W1"].shape == (1, 5, 30)
    (ours,), (theirs,) = (
        run("gradient_descent", {"lr": 0.3}, plain, (1,), epochs=50, backend=backend)
        for backend in ("numba", "plain")
    )
    assert gap(ours.weights, theirs.weights) < 1e-4
