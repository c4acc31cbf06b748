"""gfopt's optimizers against the reference programs, which use none of its code."""

from __future__ import annotations

import ast
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from gfopt.config.packaged_configs import load_config
from gfopt.datasets import prepare
from gfopt.engine.budget import Budget
from gfopt.engine.clock import Clock
from gfopt.engine.loop import train
from gfopt.engine.target import Target
from gfopt.engine.task import Level, Task, build_task
from gfopt.engine.terms import Terms
from gfopt.model.activations import activations
from gfopt.model.dense import DenseProblem
from gfopt.model.initializers import initializers
from gfopt.model.losses import losses
from gfopt.model.state import parameters
from gfopt.numerics.draw import Draw
from gfopt.numerics.streams import normal
from gfopt.optimizers import optimizers
from gfopt.studies.bench import references
from gfopt.studies.bench.references.descent import (
    Epoch,
    count_epochs,
    gradient_descent,
    position_wise,
)
from gfopt.studies.bench.references.evolution_strategy import evolution_strategy
from gfopt.studies.bench.references.parameter_search import parameter_search
from gfopt.studies.bench.references.synaprune import synaprune
from tests.tiny import Tiny, run_steps


def nth(run, n):
    """What a run yields the n-th time, from 1."""
    return next(islice(run, n - 1, None))


def arrays(state):
    """The parameters of the first seed as NumPy arrays."""
    return {key: p[0].numpy().copy() for key, p in parameters(state).items()}


def assert_close(found, expected, tolerance):
    """Relative to the largest entry of each tensor."""
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert np.abs(np.asarray(found[key]) - value).max() <= tolerance * np.abs(value).max(), key


def columns(problem):
    return problem.inputs.numpy(), problem.targets.numpy()


def make_task(problem, widths, init, output_bias=True):
    level = {"train": Level(1.0, None)}
    return Task(
        train=problem,
        valid=None,
        widths=widths,
        draw_weights=lambda seed: init.initial_weights(seed, widths, output_bias=output_bias),
        classes=False,
        chance=level,
        class_prior=level,
    )


def train_published(task, name, epochs, target=None, **options):
    """gfopt's outcome of seed 1, evaluated as published."""
    terms = Terms((target,) if target else (), "as_published", Budget(epochs=epochs))
    return train(task, optimizers[name](**options), terms, [1], Clock())[0]


# -- gradient descent and position-wise descent


PROGRAMS = {"gradient_descent": gradient_descent, "position_wise": position_wise}
OUTPUTS = {"sigmoid": ("bce", 1), "softmax": ("softmax_bce", 3)}


@pytest.fixture(params=PROGRAMS)
def descent(request):
    return request.param


@pytest.fixture(params=OUTPUTS)
def output(request):
    return request.param


@pytest.fixture
def classified(output):
    """ReLU networks of four layers and of one: a task of separable classes for each."""
    loss, units = OUTPUTS[output]
    tasks = []
    for below in ((6, 7, 6, 5), (6,)):
        tiny = Tiny((*below, units), activation="relu", loss=loss)
        tasks.append(make_task(tiny.problem, tiny.widths, initializers["fan_in_normal"]()))
    return tasks


def test_descent_has_the_losses_of_its_program(descent, output, classified):
    for task in classified:
        initial = arrays(task.initial_weights([1]))
        run = PROGRAMS[descent](*columns(task.train), initial, 0.3, output)
        expected = [epoch.loss for epoch in islice(run, 8)]
        history = train_published(task, descent, 8, lr=0.3).history
        assert [row.loss for row in history] == pytest.approx(expected, rel=1e-12)
        assert expected[-1] < 0.9 * expected[0]


def test_descent_ends_at_the_parameters_of_its_program(descent, output, classified):
    for task in classified:
        initial = arrays(task.initial_weights([1]))
        run = PROGRAMS[descent](*columns(task.train), initial, 0.3, output)
        weights = train_published(task, descent, 8, lr=0.3).weights
        assert_close(weights, nth(run, 8).params, 1e-12)


def test_the_published_count_is_that_of_the_program(descent, output, classified):
    task = classified[0]
    given = (*columns(task.train), arrays(task.initial_weights([1])), 0.01, output)
    target = 0.9 * nth(PROGRAMS[descent](*given), 1).loss
    first = count_epochs(target, PROGRAMS[descent](*given), 1000)
    for interval, expected in ((1000, first), (first, first + 1)):
        assert count_epochs(target, PROGRAMS[descent](*given), interval) == expected
        terms = Target(train_loss=target, skip_every=interval)
        last = train_published(task, descent, 500, target=terms, lr=0.01).history[-1]
        assert last.epoch == expected


@pytest.mark.parametrize(
    ("values", "skip_every", "expected"),
    [([3, 2, 1], 100, 2), ([1, 3, 1], 2, None), ([3, 3, 1, 2], 2, None), ([1, 3, 1, 1], 2, 3)],
)
def test_a_multiple_of_the_printing_interval_is_no_published_count(values, skip_every, expected):
    assert count_epochs(2, (Epoch(v, {}) for v in values), skip_every) == expected


def test_float32_data_leave_the_programs_weights_in_float64(descent, classified, output):
    task = classified[0]
    X, Y = (t.astype(np.float32) for t in columns(task.train))
    found, expected = (
        nth(PROGRAMS[descent](x, y, arrays(task.initial_weights([1])), 0.3, output), 5)
        for x, y in ((X, Y), (X.astype(float), Y.astype(float)))
    )
    assert {p.dtype for p in found.params.values()} == {np.dtype("float64")}
    assert_close(found.params, expected.params, 1e-12)


@pytest.mark.data
def test_the_first_losses_on_the_photographs_are_those_of_the_program(descent, real_data):
    experiment = load_config("cat_poswise")
    data = prepare(experiment.dataset, real_data, precision="float64", offline=True)
    task = build_task(
        experiment.model,
        experiment.initializer,
        experiment.loss,
        experiment.targets,
        data,
        torch.device("cpu"),
    )
    run = PROGRAMS[descent](
        data.x.T, data.y[None], arrays(task.initial_weights([1])), 0.0075, "sigmoid"
    )
    expected = [epoch.loss for epoch in islice(run, 5)]
    history = train_published(task, descent, 5, lr=0.0075).history
    assert [row.loss for row in history] == pytest.approx(expected, rel=1e-12)


# -- the evolution strategy


KEYS = ("W1", "W2", "W3", "b1", "b2")  # the order of the post's vector
OURS = ("W1", "b1", "W2", "b2", "W3")  # of gfopt's
SIZES = {"W1": 10, "W2": 100, "W3": 10, "b1": 10, "b2": 10}


def posts(vectors):
    """Columns in the post's order, from those in gfopt's."""
    cut = np.split(vectors, np.cumsum([SIZES[key] for key in OURS])[:-1], axis=1)
    parts = dict(zip(OURS, cut, strict=True))
    return np.concatenate([parts[key] for key in KEYS], 1)


def vector(state):
    """The parameters of the first seed in the post's order, (140,)."""
    return np.concatenate([state[key][0].numpy().ravel() for key in KEYS])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_first_generations_are_those_of_the_posts_program(seed):
    s = np.random.RandomState(4).standard_normal((1, 300))
    x = 2 * s**2 + 5
    hidden = (activations["negative_part"],) * 2
    problem = DenseProblem(hidden, losses["nmse"](), *map(torch.from_numpy, (s, x)))
    init = initializers["normal"](std=1, biases="drawn")
    task = make_task(problem, (1, 10, 10, 1), init, output_bias=False)
    optimizer = optimizers["evolution_strategy"](
        members=100, sigma=0.01, lr=1e-4, reward="inverse_loss"
    )
    params = task.initial_weights([seed])
    state = optimizer.init(problem, params, Draw((seed,), torch.device("cpu"), torch.float64))
    noise = lambda t: posts(normal(seed, t, 0, 100 * 140).reshape(100, 140))  # noqa: E731
    for nmse, w in islice(evolution_strategy(s, x, vector(params), noise), 5):
        state = optimizer.step(problem, state, None)
        moved, expected = (v - vector(params) for v in (vector(state), w))
        assert np.abs(moved - expected).max() <= 1e-9 * np.abs(expected).max()
        assert float(problem.losses(problem.forward(state))[0]) == pytest.approx(nmse, rel=1e-12)


# -- the parameter search


def regression(widths, samples, dtype=torch.float64):
    """A task of values that no network of these widths meets."""
    draw = np.random.RandomState(5)
    x = draw.standard_normal((widths[0], samples))
    y = 3 * x[:1] * x[1:2] + draw.standard_normal((1, samples))
    hidden = (activations["identity"], activations["relu"])
    problem = DenseProblem(
        hidden, losses["mse"](), *(torch.from_numpy(t).to(dtype) for t in (x, y))
    )
    init = initializers["uniform"](low=-5, high=5, stream="torch", biases="drawn")
    return make_task(problem, widths, init)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_sweep_keeps_exactly_the_values_of_the_searching_program(seed):
    task = regression((6, 5, 4, 1), 40)
    optimizer = optimizers["parameter_search"](low=-5, high=5, count=15)
    weights = task.initial_weights([seed])
    state = optimizer.init(task.train, weights, Draw((seed,), torch.device("cpu"), torch.float64))
    for sweep in islice(parameter_search(*columns(task.train), arrays(weights), -5, 5, 15), 4):
        at = task.train.forward(state)
        state = optimizer.step(task.train, state, at)
        assert_close(arrays(state), sweep.params, 0)
        loss = float(task.train.losses(task.train.forward(state))[0])
        assert loss == pytest.approx(sweep.loss, rel=1e-9)


def test_the_search_ends_after_the_sweep_that_ends_its_program():
    task = regression((3, 2, 2, 1), 20)
    run = parameter_search(*columns(task.train), arrays(task.initial_weights([1])), -5, 5, 6)
    expected = [sweep.loss for sweep in islice(run, 30)]
    outcome = train_published(task, "parameter_search", 30, low=-5, high=5, count=6)
    assert [row.loss for row in outcome.history] == pytest.approx(expected, rel=1e-9)
    assert outcome.status == "finished"


def test_the_searching_program_stays_in_float32_as_its_original():
    task = regression((6, 5, 4, 1), 40, torch.float32)
    run = parameter_search(*columns(task.train), arrays(task.initial_weights([1])), -5, 5, 15)
    tried = set(np.linspace(-5, 5, 15).astype(np.float32).tolist())
    for value in nth(run, 1).params.values():
        assert value.dtype == np.float32
        assert set(value.ravel().tolist()) <= tried


def test_the_searching_program_keeps_the_first_of_equals_and_a_value_none_beats():
    X, y = np.ones((1, 3)), np.ones((1, 3))
    dead = {"W1": 1, "b1": 0, "W2": 0, "b2": -9, "W3": 3, "b3": 0}
    params = {key: np.full((1, 1), float(value)) for key, value in dead.items()}
    found = nth(parameter_search(X, y, params, -2, 2, 5), 1).params
    assert found["W1"] == found["W2"] == -2
    nothing = nth(parameter_search(X, y * np.nan, params, -2, 2, 5), 1).params
    assert_close(nothing, params, 0)


# -- SynaPrune


@pytest.mark.parametrize("output_error", ["own", "largest"])
@pytest.mark.parametrize("lr", [0.01, 1])
@pytest.mark.parametrize("widths", [(6, 5, 4, 3), (6, 3), (3, 4, 1)])
def test_synaprune_is_its_text_sample_by_sample(widths, lr, output_error):
    tiny = Tiny(widths, activation="sigmoid", loss="sigmoid_mse")
    optimizer = optimizers["synaprune"](lr=lr, output_error=output_error)
    run = synaprune(*columns(tiny.problem), arrays(tiny.initial_weights((4,))), lr, output_error)
    for epoch, expected in enumerate(islice(run, 3), start=1):
        assert_close(arrays(run_steps(optimizer, tiny, (4,), epoch)), expected, 1e-12)


# -- all of them


def programs():
    """Each program's run and the parameters that it was given, by name."""
    tiny = Tiny((6, 5, 4, 3), activation="relu", loss="softmax_bce")
    (X, Y), search = columns(tiny.problem), regression((3, 2, 2, 1), 20)
    given = arrays(tiny.initial_weights((1,)))
    for name, program in PROGRAMS.items():
        yield name, program(X, Y, given, 0.1, "softmax"), given
    yield "synaprune", synaprune(X, Y, given, 0.1), given
    few = arrays(search.initial_weights([1]))
    yield "parameter_search", parameter_search(*columns(search.train), few, -5, 5, 3), few
    w, noise = {"w": np.ones(140)}, lambda t: np.random.RandomState(t).randn(100, 140)
    yield "evolution_strategy", evolution_strategy(X[:1], Y[:1] + 1, w["w"], noise), w


@pytest.mark.parametrize("name", [*PROGRAMS, "synaprune", "parameter_search", "evolution_strategy"])
def test_a_program_leaves_the_parameters_it_is_given_as_they_are(name):
    run, given = next((run, given) for other, run, given in programs() if other == name)
    before = {key: np.copy(p) for key, p in given.items()}
    nth(run, 2)
    assert_close(given, before, 0)


def test_the_programs_use_none_of_gfopts_code():
    found = set()
    for path in sorted(Path(references.__file__).parent.glob("*.py")):
        if path.name != "adapters.py":  # which runs them on gfopt's tasks
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                found |= {node.module} if isinstance(node, ast.ImportFrom) else set()
                found |= {a.name for a in node.names} if isinstance(node, ast.Import) else set()
    assert found == {"__future__", "collections.abc", "typing", "numpy", "numpy.typing"}
