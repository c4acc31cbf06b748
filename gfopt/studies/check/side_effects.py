"""Side effects of a step: given tensors stay as they are, parameters change, passes are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gfopt.engine.tally import Tally
from gfopt.model.state import State, parameters
from gfopt.runner.preflight import name_differences
from gfopt.studies.check.base import check
from gfopt.studies.check.checks import COMPLETE_STATE, STEPS, copy_state, find_changes
from gfopt.studies.check.problems import SAMPLES

if TYPE_CHECKING:
    from gfopt.model.dense import Pass
    from gfopt.studies.check.optimizer_under_test import OptimizerUnderTest

PARAMETERS_CHANGE = "parameters change"


@check("state not modified in place", requires=(COMPLETE_STATE,))
def check_state_unmodified(subject: OptimizerUnderTest) -> str | None:
    """`init` leaves the given parameters and `step` the given state as they were."""
    for problem in subject.problems:
        params = problem.task.initial_weights(subject.seeds)
        train = problem.make_problem(len(subject.seeds))
        before = copy_state(params)
        state = subject.init(problem, subject.seeds, params)
        if keys := find_changes(before, params):
            return f"init changed {keys} in place: make new tensors"
        for _ in range(2):
            before, given = copy_state(state), state
            state = subject.step(train, state)
            if keys := find_changes(before, given):
                return f"step changed {keys} in place: make new tensors"
    return None


@check(
    "pass, inputs and targets not modified in place",
    requires=(COMPLETE_STATE,),
    for_modules=True,
)
def check_data_unmodified(subject: OptimizerUnderTest) -> str | None:
    """`step` leaves the tensors that it is given besides the state as they were."""
    for problem in subject.problems:
        train = problem.make_problem(len(subject.seeds))
        state = subject.init(problem, subject.seeds)
        at = subject.make_pass(train, state)
        data = {"the inputs": train.inputs, "the targets": train.targets}
        before = copy_state(data | _name_layers(at))
        subject.step_at(train, state, at)
        if keys := find_changes(before, data | _name_layers(at)):
            return f"step changed {keys} in place: make new tensors"
    return None


def _name_layers(at: Pass | None) -> State:
    """The tensors of a pass by name, without the inputs."""
    if at is None:
        return {}
    parts = {"z": at.z, "a": at.a}
    return {
        f"{name}_{l} of the pass": tensor
        for name, layers in parts.items()
        for l, tensor in enumerate(layers)
        if l
    }


@check(PARAMETERS_CHANGE, requires=(COMPLETE_STATE,), for_modules=True)
def check_parameters_change(subject: OptimizerUnderTest) -> str | None:
    """A few updates change some parameter on some problem."""
    for problem in subject.problems:
        initial = copy_state(_select_numbers(subject, subject.init(problem, subject.seeds)))
        end = subject.run(problem, subject.seeds, STEPS)
        if name_differences(initial, _select_numbers(subject, end)):
            return None
    return f"{STEPS} steps changed no parameter on any test problem"


def _select_numbers(subject: OptimizerUnderTest, state: State) -> State:
    """The parameters, without a module's counters."""
    weights = subject.optimizer.weights(state)
    return {key: tensor for key, tensor in weights.items() if tensor.is_floating_point()}


@check(
    "passes are counted or marked as uncounted",
    requires=(PARAMETERS_CHANGE,),
    undetected="the optimizer's own passes next to counted ones",
)
def check_pass_counts(subject: OptimizerUnderTest) -> str | None:
    """A step that changed parameters has counted a pass, or has read problem.x."""
    problem = subject.problems[0]
    tally = Tally(problem.task.widths, SAMPLES, len(subject.seeds))
    train = problem.make_problem(len(subject.seeds))
    state = subject.init(problem, subject.seeds)
    before = copy_state(parameters(state))
    changed = name_differences(before, subject.step(train.with_watcher(tally), state))
    if changed and tally.counted and not tally.forward_passes:
        return (
            f"a step changed {changed} and no pass was counted: call problem.charge(passes) with "
            "its cost, or read problem.x, which marks its passes as uncounted"
        )
    return None
