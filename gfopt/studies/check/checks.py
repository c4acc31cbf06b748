"""What every optimizer promises: a complete state, finite numbers, the same bits from a seed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from gfopt.config.validation import validate
from gfopt.model.state import State, parameters
from gfopt.runner.preflight import check_state, name_differences
from gfopt.studies.check.autograd_probe import AutogradProbe
from gfopt.studies.check.base import check
from gfopt.studies.check.problems import DEPTH, SAMPLES, CheckProblem

if TYPE_CHECKING:
    from gfopt.studies.check.optimizer_under_test import OptimizerUnderTest

STEPS = 3  # updates of most checks
STEPS_TO_OVERFLOW = 10  # updates of the check that waits for numbers to overflow

VALID_HYPERPARAMETERS = "valid hyperparameters"
VALID_DECLARATIONS = "valid class variables"
COMPLETE_STATE = "complete state"
VALID_SHAPES = "valid shapes of outputs, done and stage"
DETERMINISTIC = "deterministic"

_WORDS = {"takes": ("full", "batch"), "trains": ("all", "output")}
_FLAGS = ("wants_pass", "gradient_free", "once", "local", "affine_output", "batches_seeds")
_NOISE = "draw with gfopt.noise, from draw.seed() and a counter in the state"


@check(VALID_HYPERPARAMETERS, for_modules=True)
def check_hyperparameters(subject: OptimizerUnderTest) -> str | None:
    """They are valid when read back from a config, and fit a network of three layers."""
    optimizer = subject.optimizer
    given = subject.call("a hyperparameter", lambda: optimizer.model_dump(mode="json"))
    _, complaints = validate(type(optimizer), given)
    if complaints:
        return "; ".join(f"{'.'.join(map(str, c.at))}: {c.message}" for c in complaints)
    try:
        optimizer.check(DEPTH)
    except ValueError as error:
        return f"check refuses a network of {DEPTH} layers: {error}"
    return None


@check(VALID_DECLARATIONS, for_modules=True)
def check_declarations(subject: OptimizerUnderTest) -> str | None:
    """Class variables have known values: a misspelt one would count as the other one."""
    for name, known in _WORDS.items():
        if (given := getattr(subject.optimizer, name)) not in known:
            return f"{name} must be {' or '.join(map(repr, known))} (got {given!r})"
    for name in _FLAGS:
        if not isinstance(given := getattr(subject.optimizer, name), bool):
            return f"{name} must be True or False (got {given!r})"
    return None


@check(COMPLETE_STATE, requires=(VALID_HYPERPARAMETERS, VALID_DECLARATIONS), for_modules=True)
def check_complete_state(subject: OptimizerUnderTest) -> str | None:
    """`init` and `step` return all parameters in shape and precision, with one entry per seed."""
    for problem in subject.problems:
        seeds = len(subject.seeds)
        given = {} if subject.is_module else problem.task.initial_weights(subject.seeds)
        state, train = subject.init(problem, subject.seeds), problem.make_problem(seeds)
        fault = _find_state_fault("init", state, given, seeds)
        given = given | state if not fault else given
        for _ in range(STEPS):
            if not fault:
                state = subject.step(train, state)
                fault = _find_state_fault("step", state, given, seeds)
                given = parameters(given)  # memory may grow later on
        if fault:
            return f"{fault}, on {problem.name}"
    return None


def _find_state_fault(what: str, state: Any, given: State, seeds: int) -> str | None:
    """What is wrong with the state that `what` returned."""
    try:
        check_state(what, state, given)
    except TypeError as error:
        return str(error)
    for key, tensor in state.items():
        if not tensor.ndim or len(tensor) != seeds:
            shapes = f"({seeds}, ...) (got {tuple(tensor.shape)})"
            return f"{what}: the first dimension of {key!r} must be the seeds, {shapes}"
        if key in parameters(given) and tensor.dtype != given[key].dtype:
            return f"{what}: {key!r} must stay {given[key].dtype} (got {tensor.dtype})"
        if tensor.requires_grad:
            return f"{what}: {key!r} is part of an autograd graph: return it detached"
    return None


@check(VALID_SHAPES, requires=(COMPLETE_STATE,), for_modules=True)
def check_shapes(subject: OptimizerUnderTest) -> str | None:
    """`outputs` returns z_L (R, n_L, N); `done` and `stage` return (R,) or None."""
    seeds = len(subject.seeds)
    for problem in subject.problems:
        train, state = problem.task.train, subject.run(problem, subject.seeds, 1)
        wanted: dict[str, tuple[int, ...]] = {"outputs": (seeds, len(train.targets), SAMPLES)}
        found = {"outputs": subject.compute_outputs(train, state)}
        for name in ("done", "stage"):
            wanted[name] = (seeds,)
            found[name] = subject.call(name, partial(getattr(subject.optimizer, name), state))
        for name, tensor in found.items():
            if tensor is not None and tuple(tensor.shape) != wanted[name]:
                shapes = f"{wanted[name]} (got {tuple(tensor.shape)})"
                return f"{name} must be {shapes}, on {problem.name}"
    return None


@check("finite numbers", requires=(VALID_SHAPES,), for_modules=True)
def check_finite_numbers(subject: OptimizerUnderTest) -> str | None:
    """Parameters and loss stay finite for some updates from usual initial weights."""
    for problem in subject.problems_in(torch.float32):
        train, state = (
            problem.make_problem(len(subject.seeds)),
            subject.init(problem, subject.seeds),
        )
        for step in range(1, STEPS_TO_OVERFLOW + 1):
            state = subject.step(train, state)
            if fault := _find_infinite(subject, problem, state):
                return f"{fault} not finite after step {step}, on {problem.name}"
    return None


def _find_infinite(subject: OptimizerUnderTest, problem: CheckProblem, state: State) -> str | None:
    """What is infinite or no number, with its verb."""
    weights = subject.optimizer.weights(state)
    keys = [k for k, t in weights.items() if t.is_floating_point() and not t.isfinite().all()]
    if keys:
        return f"{', '.join(keys)} {'are' if len(keys) > 1 else 'is'}"
    train = problem.task.train
    z = subject.compute_outputs(train, state)
    return None if train.loss.value(z, train.targets).isfinite().all() else "the loss is"


@check(DETERMINISTIC, requires=(COMPLETE_STATE,), for_modules=True)
def check_deterministic(subject: OptimizerUnderTest) -> str | None:
    """Two runs from the same seed have the same bits."""
    for problem in subject.problems_in(torch.float32):
        one, two = (copy_state(subject.run(problem, subject.seeds, STEPS)) for _ in range(2))
        if keys := find_changes(one, two):
            advice = (
                "draw from torch's generator, which gfopt seeds before each step"
                if subject.is_module
                else _NOISE
            )
            return f"two runs from the same seed differ in {keys}: {advice}, on {problem.name}"
    return None


@check("no hidden state", requires=(DETERMINISTIC,))
def check_no_hidden_state(subject: OptimizerUnderTest) -> str | None:
    """A step from a saved state is the same after the optimizer has done something else."""
    problem, seeds = subject.problems[0], len(subject.seeds)
    saved = copy_state(subject.run(problem, subject.seeds, STEPS))
    then = copy_state(subject.step(problem.make_problem(seeds), copy_state(saved)))
    subject.run(problem, tuple(seed + 10 for seed in subject.seeds), 1)
    again = subject.step(problem.make_problem(seeds), saved)
    if keys := find_changes(then, again):
        return f"a step repeated from a saved state differs in {keys}: keep all memory in the state"
    return None


@check(
    "independent seeds",
    requires=(DETERMINISTIC,),
    applies=lambda subject: subject.optimizer.batches_seeds,
)
def check_independent_seeds(subject: OptimizerUnderTest) -> str | None:
    """A seed alone equals the same seed among others: in float64, up to rounding."""
    for problem in subject.problems_in(torch.float64):
        vectorized = subject.run(problem, subject.seeds, STEPS)
        for i, seed in enumerate(subject.seeds):
            alone = subject.run(problem, (seed,), STEPS)
            among = {key: tensor[i : i + 1] for key, tensor in vectorized.items()}
            if keys := find_deviations(parameters(among), parameters(alone)):
                return (
                    f"{keys} of seed {seed} differ when seeds are vectorized: take no sum, mean or "
                    "maximum over the first dimension, or declare batches_seeds = False, on "
                    f"{problem.name}"
                )
    return None


def find_deviations(one: State, other: State) -> str:
    """The keys whose float64 tensors differ by more than rounding."""
    return ", ".join(
        key
        for key in one
        if not torch.allclose(one[key], other[key], rtol=1e-9, atol=1e-12, equal_nan=True)
    )


@check(
    "noise depends on the seed",
    requires=(DETERMINISTIC,),
    undetected="draws from the optimizer's own NumPy generators",
)
def check_noise(subject: OptimizerUnderTest) -> str | None:
    """Two seeds with the same initial weights end apart if anything was drawn."""
    problem = subject.problems[0]
    initial = problem.task.initial_weights(subject.seeds[:1])
    with AutogradProbe() as probe:
        one = parameters(subject.run(problem, (1,), STEPS, copy_state(initial)))
    two = parameters(subject.run(problem, (2,), STEPS, copy_state(initial)))
    if probe.drawn and not name_differences(one, two):
        return f"numbers are drawn, but two seeds get the same numbers: {_NOISE}"
    return None


def find_changes(before: State, now: State) -> str:
    """The keys that were added, removed or have another value."""
    there = [key for key in before if key in now and before[key].shape == now[key].shape]
    other = [key for key in (*before, *now) if key not in there]
    values = name_differences({key: before[key] for key in there}, now)
    return ", ".join(filter(None, [values, *dict.fromkeys(other)]))


def copy_state(state: State) -> State:
    """A copy that no step can change."""
    return {key: tensor.detach().clone() for key, tensor in state.items()}
