"""What an optimizer declares of itself by class variables, checked if it declares it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from gfopt.engine.tally import Tally
from gfopt.model.state import State, parameters
from gfopt.numerics.streams import normal
from gfopt.runner.preflight import name_differences
from gfopt.studies.check.autograd_probe import AutogradProbe
from gfopt.studies.check.base import check
from gfopt.studies.check.checks import DETERMINISTIC, STEPS, find_deviations
from gfopt.studies.check.problems import DEPTH, SAMPLES, CheckProblem, make_check_task
from gfopt.studies.check.side_effects import PARAMETERS_CHANGE

if TYPE_CHECKING:
    from gfopt.model.dense import DenseProblem
    from gfopt.studies.check.optimizer_under_test import OptimizerUnderTest


class _StrictTally(Tally):
    """A tally that keeps counting when the optimizer marks its passes as uncounted."""

    def uncounted(self) -> None:
        """Ignore the mark."""


@check(
    "gradient_free: no backward pass",
    requires=(PARAMETERS_CHANGE,),
    applies=lambda subject: all(part.gradient_free for part in subject.optimizer.family()),
    undetected="derivatives written out by hand, or in forward mode",
)
def check_gradient_free(subject: OptimizerUnderTest) -> str | None:
    """A step uses neither the problem's gradient nor autograd's."""
    for problem in subject.problems_in(torch.float32):
        tally = _StrictTally(problem.task.widths, SAMPLES, len(subject.seeds))
        train = problem.make_problem(len(subject.seeds)).with_watcher(tally)
        state = subject.init(problem, subject.seeds)
        with AutogradProbe() as probe:
            for _ in range(STEPS):
                state = subject.step(train, state)
        if tally.backward_passes or probe.backward:
            means = "problem.gradient" if tally.backward_passes else "autograd"
            return f"a step made a backward pass, by {means}, on {problem.name}"
    return None


@check(
    'trains = "output": hidden layers keep their initial weights',
    requires=(PARAMETERS_CHANGE,),
    applies=lambda subject: subject.optimizer.trains == "output",
)
def check_trains_output(subject: OptimizerUnderTest) -> str | None:
    """W_l and b_l of l < L stay as they are."""
    for problem in subject.problems:
        initial = problem.task.initial_weights(subject.seeds)
        hidden = {key: p for key, p in initial.items() if int(key[1:]) < DEPTH}
        if keys := name_differences(hidden, subject.run(problem, subject.seeds, STEPS)):
            return f"{keys} changed, on {problem.name}"
    return None


@check(
    "once: a second step changes nothing",
    requires=(PARAMETERS_CHANGE,),
    applies=lambda subject: subject.optimizer.once,
)
def check_once(subject: OptimizerUnderTest) -> str | None:
    """In float64, up to rounding."""
    for problem in subject.problems_in(torch.float64):
        one, two = (parameters(subject.run(problem, subject.seeds, n)) for n in (1, 2))
        if keys := find_deviations(one, two):
            return f"a second step changed {keys}, on {problem.name}"
    return None


_SHORT = 1e-3  # of the usual lr: several passes in a step then see nearly the same network
_OTHERS = 3  # networks that are tried above a layer
_ALIKE = 0.01  # relative difference up to which two updates count as equal


@check(
    "local: updates do not depend on the layers above",
    requires=(DETERMINISTIC, PARAMETERS_CHANGE),
    applies=lambda subject: subject.optimizer.local,
    undetected="what only several samples in one update show",
)
def check_local(subject: OptimizerUnderTest) -> str | None:
    """One step on one sample, with other layers above.

    Layer l keeps its weights, its input and its output; all weights above it are replaced. The
    network's output then changes, and so does either its error y - a_L or, if y is chosen to keep
    the error, its target y. An update made of what the layer has and of what it is given, be it
    the error or the target, stays the same in one of the two cases.
    """
    problem = CheckProblem("one sample", make_check_task("values"))
    full, initial = problem.make_problem(1), problem.task.initial_weights(subject.seeds[:1])
    train = replace(full, inputs=full.inputs[:, :1], targets=full.targets[:, :1])
    usual = _compute_update(subject, problem, train, initial)
    for l in range(1, DEPTH):
        others = [_replace_above(initial, l, draw) for draw in range(_OTHERS)]
        same_target = [_compute_update(subject, problem, train, other) for other in others]
        same_error = [
            _compute_update(subject, problem, _keep_error(train, initial, other), other)
            for other in others
        ]
        for key in (f"W{l}", f"b{l}"):
            if min(_compare(usual, some, key) for some in (same_target, same_error)) > _ALIKE:
                return (
                    f"the update of {key} changes with the layers above it, although the layer's "
                    "input, its output and the error (or the target) stay the same"
                )
    return None


def _replace_above(params: State, l: int, draw: int) -> State:
    """The parameters, with others as large as initial ones above layer l."""

    def add_noise(p: torch.Tensor) -> torch.Tensor:
        drawn = normal(1, draw, p.shape[-1], p.numel())
        return p + torch.as_tensor(drawn, dtype=p.dtype).view_as(p)

    return {key: add_noise(p) if int(key[1:]) > l else p for key, p in params.items()}


def _keep_error(train: DenseProblem, params: State, other: State) -> DenseProblem:
    """The problem, with targets that give the other network the error of the first."""
    shift = train.forward(other).a[-1] - train.forward(params).a[-1]
    return replace(train, targets=train.targets + shift[0])


def _compute_update(
    subject: OptimizerUnderTest, problem: CheckProblem, train: DenseProblem, params: State
) -> State:
    """What one step with a short lr adds to each parameter."""
    before = subject.init(problem, subject.seeds[:1], params)
    if "lr" in before:
        before = before | {"lr": before["lr"] * _SHORT}
    after = subject.step(train, before)
    return {key: after[key] - before[key] for key in parameters(before)}


def _compare(usual: State, others: list[State], key: str) -> float:
    """The largest difference from the usual update, relative to the larger one; 0 if both are 0."""
    differences = []
    for other in others:
        largest = max(float(usual[key].norm()), float(other[key].norm()))
        difference = float((usual[key] - other[key]).norm())
        differences.append(difference / largest if largest else 0.0)
    return max(differences)
