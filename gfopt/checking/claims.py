"""What a rule says of itself by its class variables, tried where it says it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from gfopt.checking.base import check
from gfopt.checking.checks import BITS, STEPS, apart
from gfopt.checking.effects import MOVES
from gfopt.checking.made import DEPTH, SAMPLES, Made, made_task
from gfopt.checking.watching import Watching
from gfopt.problem import State, parameters
from gfopt.rng import normal
from gfopt.tally import Tally
from gfopt.tryout import differing

if TYPE_CHECKING:
    from gfopt.checking.subject import Subject
    from gfopt.problem import DenseProblem


class _Strict(Tally):
    """A tally that goes on counting derivatives where the rule says that nobody counts."""

    def uncounted(self) -> None:
        """Nothing."""


@check(
    "gradient_free: no backward pass",
    needs=(MOVES,),
    asked=lambda subject: all(rule.gradient_free for rule in subject.rule.family()),
    unseen="derivatives written out by hand, or in forward mode",
)
def gradient_free(subject: Subject) -> str | None:
    """Neither the problem's gradient nor autograd's."""
    for made in subject.problems_in(torch.float32):
        tally = _Strict(made.task.widths, SAMPLES, len(subject.seeds))
        problem, state = made.problem(len(subject.seeds)), subject.init(made, subject.seeds)
        with Watching() as seen:
            for _ in range(STEPS):
                state = subject.step(problem.watched(tally), state)
        if tally.backward_passes or seen.backward:
            means = "problem.gradient" if tally.backward_passes else "autograd"
            return f"a step made a backward pass, by {means}, on {made.name}"
    return None


@check(
    'trains = "output": hidden layers keep their start',
    needs=(MOVES,),
    asked=lambda subject: subject.rule.trains == "output",
)
def output_alone(subject: Subject) -> str | None:
    """W_l and b_l of l < L."""
    for made in subject.problems:
        start, end = made.task.start(subject.seeds), subject.run(made, subject.seeds, STEPS)
        hidden = {key: p for key, p in start.items() if int(key[1:]) < DEPTH}
        if keys := differing(hidden, end):
            return f"{keys} moved, on {made.name}"
    return None


@check(
    "once: a second step changes nothing",
    needs=(MOVES,),
    asked=lambda subject: subject.rule.once,
)
def once(subject: Subject) -> str | None:
    """In float64, up to rounding."""
    for made in subject.problems_in(torch.float64):
        one, two = (parameters(subject.run(made, subject.seeds, n)) for n in (1, 2))
        if keys := apart(one, two):
            return f"a second step changed {keys}, on {made.name}"
    return None


_SHORT = 1e-3  # of the usual lr: several passes in a step then see nearly the same network
_OTHERS = 3  # networks that are tried above a layer
_ALIKE = 0.01  # relative difference up to which two updates are the same but for that


@check(
    "local: a layer's update doesn't hang on the layers above it",
    needs=(BITS, MOVES),
    asked=lambda subject: subject.rule.local,
    unseen="what only several samples in one update show",
)
def local(subject: Subject) -> str | None:
    """One step on one sample, with other layers above.

    Layer l keeps its weights, its input and its output; all weights above it are others. Then the
    network's output is another one, and so is either its error y - a_L or, chosen so that the error
    is the same, the target y. An update made of what the layer has and of what it is handed, be it
    the error or the target, is the same in one of the two.
    """
    made = Made("one sample", made_task("values"))
    train, start = made.problem(1), made.task.start(subject.seeds[:1])
    problem = replace(train, inputs=train.inputs[:, :1], targets=train.targets[:, :1])
    usual = _update(subject, made, problem, start)
    for l in range(1, DEPTH):
        others = [_above(start, l, draw) for draw in range(_OTHERS)]
        same_target = [_update(subject, made, problem, other) for other in others]
        same_error = [
            _update(subject, made, _with_error_of(problem, start, other), other) for other in others
        ]
        for key in (f"W{l}", f"b{l}"):
            if min(_furthest(usual, some, key) for some in (same_target, same_error)) > _ALIKE:
                return (
                    f"the update of {key} is another with other layers above it, though its "
                    "layer's input, its output and the error (or the target) are the same"
                )
    return None


def _above(params: State, l: int, draw: int) -> State:
    """The parameters with others above layer l, as large as those of a start."""
    return {key: _another(p, draw) if int(key[1:]) > l else p for key, p in params.items()}


def _another(p: torch.Tensor, draw: int) -> torch.Tensor:
    drawn = normal(1, draw, p.shape[-1], p.numel())
    return p + torch.as_tensor(drawn, dtype=p.dtype).view_as(p)


def _with_error_of(problem: DenseProblem, params: State, other: State) -> DenseProblem:
    """The problem with targets such that the other network's error is that of the first."""
    shift = problem.forward(other).a[-1] - problem.forward(params).a[-1]
    return replace(problem, targets=problem.targets + shift[0])


def _update(subject: Subject, made: Made, problem: DenseProblem, params: State) -> State:
    """What one step with a short lr adds to each parameter."""
    before = subject.init(made, subject.seeds[:1], params)
    if "lr" in before:
        before = before | {"lr": before["lr"] * _SHORT}
    after = subject.step(problem, before)
    return {key: after[key] - before[key] for key in parameters(before)}


def _furthest(usual: State, others: list[State], key: str) -> float:
    """The largest relative difference from the usual update."""
    return max(_relative(usual[key], other[key]) for other in others)


def _relative(one: torch.Tensor, other: torch.Tensor) -> float:
    """How far apart two updates are, relative to the larger one; 0 where both are 0."""
    largest = max(float(one.norm()), float(other.norm()))
    return float((one - other).norm()) / largest if largest else 0.0
