"""What every rule promises: a whole state, finite numbers, and the same bits again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from gfopt.checking.base import check
from gfopt.checking.made import DEPTH, SAMPLES, Made
from gfopt.checking.watching import Watching
from gfopt.config.validation import validate
from gfopt.problem import State, parameters
from gfopt.tryout import differing, sound

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.checking.subject import Subject

STEPS, LONG = 3, 10  # steps of most checks; of the one that waits for numbers to overflow

OPTIONS, CLAIMS = "options are valid", "class variables have known values"
WHOLE, BITS = "init and step return the whole state", "same seed, same bits"
ANSWERS = "outputs, done and stage give each replica its own"
_WORDS = {"takes": ("full", "batch"), "trains": ("all", "output")}
_FLAGS = ("wants_pass", "gradient_free", "once", "local", "affine_output", "batches_seeds")


@check(OPTIONS, modules=True)
def options(subject: Subject) -> str | None:
    """Written into a config as they are, they are taken, and a network of three layers too."""
    rule = subject.rule
    given = subject.called("an option", lambda: rule.model_dump(mode="json"))
    _, complaints = validate(type(rule), given)
    if complaints:
        return "; ".join(f"{'.'.join(map(str, c.at))}: {c.message}" for c in complaints)
    try:
        rule.check(DEPTH)
    except ValueError as error:
        return f"check refuses a network of {DEPTH} layers: {error}"
    return None


@check(CLAIMS, modules=True)
def claims(subject: Subject) -> str | None:
    """A misspelt value would count as the other one."""
    for name, known in _WORDS.items():
        if (given := getattr(subject.rule, name)) not in known:
            return f"{name} must be {' or '.join(map(repr, known))} (got {given!r})"
    for name in _FLAGS:
        if not isinstance(given := getattr(subject.rule, name), bool):
            return f"{name} must be True or False (got {given!r})"
    return None


@check(WHOLE, needs=(OPTIONS, CLAIMS), modules=True)
def whole(subject: Subject) -> str | None:
    """All parameters, in their shapes and precision, and each tensor leading with the replicas."""
    for made in subject.problems:
        replicas = len(subject.seeds)
        given = {} if subject.module else made.task.start(subject.seeds)
        state, problem = subject.init(made, subject.seeds), made.problem(replicas)
        wrong = _unsound("init", state, given, replicas)
        given = given | state if not wrong else given
        for _ in range(STEPS):
            if not wrong:
                state = subject.step(problem, state)
                wrong = _unsound("step", state, given, replicas)
                given = parameters(given)  # memory may grow later on
        if wrong:
            return f"{wrong}, on {made.name}"
    return None


def _unsound(what: str, state: Any, given: State, replicas: int) -> str | None:
    """What is wrong with the state that `what` returned."""
    try:
        sound(what, state, given)
    except TypeError as error:
        return str(error)
    for key, tensor in state.items():
        if not tensor.ndim or len(tensor) != replicas:
            shapes = f"({replicas}, ...) (got {tuple(tensor.shape)})"
            return f"{what}: {key!r} must lead with the replicas, {shapes}"
        if key in parameters(given) and tensor.dtype != given[key].dtype:
            return f"{what}: {key!r} must stay {given[key].dtype} (got {tensor.dtype})"
        if tensor.requires_grad:
            return f"{what}: {key!r} carries autograd's graph along: return it detached"
    return None


@check(ANSWERS, needs=(WHOLE,), modules=True)
def answers(subject: Subject) -> str | None:
    """z_L (R, n_L, N), and (R,) of done and stage, where they say anything."""
    replicas = len(subject.seeds)
    for made in subject.problems:
        problem, state = made.task.train, subject.run(made, subject.seeds, 1)
        wanted: dict[str, tuple[int, ...]] = {"outputs": (replicas, len(problem.targets), SAMPLES)}
        found = {"outputs": subject.outputs(problem, state)}
        for name in ("done", "stage"):
            wanted[name] = (replicas,)
            found[name] = subject.called(name, partial(getattr(subject.rule, name), state))
        for name, tensor in found.items():
            if tensor is not None and tuple(tensor.shape) != wanted[name]:
                shapes = f"{wanted[name]} (got {tuple(tensor.shape)})"
                return f"{name} must be {shapes}, on {made.name}"
    return None


@check("numbers stay finite", needs=(ANSWERS,), modules=True)
def finite(subject: Subject) -> str | None:
    """Parameters and loss, for some steps from the usual start."""
    for made in subject.problems_in(torch.float32):
        problem, state = made.problem(len(subject.seeds)), subject.init(made, subject.seeds)
        for step in range(1, LONG + 1):
            state = subject.step(problem, state)
            if wrong := _not_finite(subject, made, state):
                return f"{wrong} not finite after step {step} of the usual start, on {made.name}"
    return None


def _not_finite(subject: Subject, made: Made, state: State) -> str | None:
    """What is infinite or no number, with its verb."""
    weights = subject.rule.weights(state)
    keys = [k for k, t in weights.items() if t.is_floating_point() and not t.isfinite().all()]
    if keys:
        return f"{', '.join(keys)} {'are' if len(keys) > 1 else 'is'}"
    train = made.task.train
    z = subject.outputs(train, state)
    return None if train.loss.value(z, train.targets).isfinite().all() else "the loss is"


@check(BITS, needs=(WHOLE,), modules=True)
def bits(subject: Subject) -> str | None:
    """Two runs from the same start."""
    for made in subject.problems_in(torch.float32):
        one, two = (kept(subject.run(made, subject.seeds, STEPS)) for _ in range(2))
        if keys := changed(one, two):
            return f"two runs differ in {keys}: {_OWN_DRAWS[subject.module]}, on {made.name}"
    return None


_OWN_DRAWS = {
    False: "draw with gfopt.noise, from draw.seed() and a counter in the state",
    True: "draw from torch's generator, which each step starts from its seed",
}


@check("all memory is in the state", needs=(BITS,))
def memory(subject: Subject) -> str | None:
    """A step from a saved state comes out the same after the rule has done something else."""
    made, replicas = subject.problems[0], len(subject.seeds)
    saved = kept(subject.run(made, subject.seeds, STEPS))
    then = kept(subject.step(made.problem(replicas), kept(saved)))
    subject.run(made, tuple(seed + 10 for seed in subject.seeds), 1)
    again = subject.step(made.problem(replicas), saved)
    if keys := changed(then, again):
        return f"a step from a saved state comes out otherwise later on ({keys}): keep nothing else"
    return None


@check(
    "a replica alone equals the same one among others",
    needs=(BITS,),
    asked=lambda subject: subject.rule.batches_seeds,
)
def alone(subject: Subject) -> str | None:
    """In float64, up to the rounding of products of other sizes."""
    for made in subject.problems_in(torch.float64):
        many = subject.run(made, subject.seeds, STEPS)
        for i, seed in enumerate(subject.seeds):
            one = subject.run(made, (seed,), STEPS)
            own = {key: tensor[i : i + 1] for key, tensor in many.items()}
            if keys := apart(parameters(own), parameters(one)):
                return (
                    f"{keys} of seed {seed} differs alone and among others: let no sum, mean or "
                    f"maximum run over the replicas, or say batches_seeds = False, on {made.name}"
                )
    return None


def apart(one: State, other: State) -> str:
    """The keys whose tensors differ by more than rounding."""
    return ", ".join(key for key in one if not _close(one[key], other[key]))


def _close(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors in float64 are the same but for rounding."""
    return torch.allclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True)


@check(
    "other seeds, other noise",
    needs=(BITS,),
    unseen="draws from NumPy generators of its own",
)
def noise(subject: Subject) -> str | None:
    """Two seeds from one start end apart, if anything was drawn on the way."""
    made = subject.problems[0]
    start = made.task.start(subject.seeds[:1])
    with Watching() as seen:
        one = parameters(subject.run(made, (1,), STEPS, kept(start)))
    two = parameters(subject.run(made, (2,), STEPS, kept(start)))
    if seen.drawn and not differing(one, two):
        return (
            "numbers are drawn, but two seeds get the same ones: draw with gfopt.noise, from "
            "draw.seed() and a counter in the state"
        )
    return None


def changed(before: State, now: State) -> str:
    """The keys that came, went or have another value."""
    there = [key for key in before if key in now and before[key].shape == now[key].shape]
    other = [key for key in (*before, *now) if key not in there]
    values = differing({key: before[key] for key in there}, now)
    return ", ".join(filter(None, [values, *dict.fromkeys(other)]))


def kept(state: State) -> State:
    """A copy that no step can change."""
    return {key: tensor.detach().clone() for key, tensor in state.items()}
