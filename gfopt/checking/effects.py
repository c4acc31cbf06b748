"""What a step leaves behind: what it was given as it was, other parameters, a count of passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gfopt.checking.base import check
from gfopt.checking.checks import STEPS, WHOLE, changed, kept
from gfopt.checking.made import SAMPLES
from gfopt.problem import State, parameters
from gfopt.tally import Tally
from gfopt.tryout import differing

if TYPE_CHECKING:
    from gfopt.checking.subject import Subject
    from gfopt.problem import Pass

MOVES = "parameters move"


@check("the given state is left alone", needs=(WHOLE,))
def given_state(subject: Subject) -> str | None:
    """The parameters that init is given, and the state that step is given."""
    for made in subject.problems:
        params, problem = made.task.start(subject.seeds), made.problem(len(subject.seeds))
        before = kept(params)
        state = subject.init(made, subject.seeds, params)
        if keys := changed(before, params):
            return f"init changed {keys} in place: make new tensors"
        for _ in range(2):
            before, given = kept(state), state
            state = subject.step(problem, state)
            if keys := changed(before, given):
                return f"step changed {keys} in place: make new tensors"
    return None


@check("the given pass, inputs and targets are left alone", needs=(WHOLE,), modules=True)
def given_data(subject: Subject) -> str | None:
    """What the rule is shown in a step beside its state."""
    for made in subject.problems:
        problem, state = made.problem(len(subject.seeds)), subject.init(made, subject.seeds)
        at = subject.look(problem, state)
        data = {"the inputs": problem.inputs, "the targets": problem.targets}
        given = data | _layers(at)
        before = kept(given)
        subject.step_at(problem, state, at)
        if keys := changed(before, data | _layers(at)):
            return f"step changed {keys} in place: make new tensors"
    return None


def _layers(at: Pass | None) -> State:
    """The tensors of a pass but the inputs, by name."""
    if at is None:
        return {}
    parts = {"z": at.z, "a": at.a}
    return {
        f"{name}_{l} of the pass": tensor
        for name, layers in parts.items()
        for l, tensor in enumerate(layers)
        if l
    }


@check(MOVES, needs=(WHOLE,), modules=True)
def moves(subject: Subject) -> str | None:
    """Some parameter, on some problem, in some steps."""
    for made in subject.problems:
        start = kept(_numbers(subject, subject.init(made, subject.seeds)))
        if differing(start, _numbers(subject, subject.run(made, subject.seeds, STEPS))):
            return None
    return f"{STEPS} steps changed no parameter on any made problem"


def _numbers(subject: Subject, state: State) -> State:
    """The parameters, without a module's counters."""
    weights = subject.rule.weights(state)
    return {key: tensor for key, tensor in weights.items() if tensor.is_floating_point()}


@check(
    "passes are counted, or said not to be",
    needs=(MOVES,),
    unseen="passes of its own beside counted ones",
)
def passes(subject: Subject) -> str | None:
    """A step that changed parameters has cost something, or has read problem.x."""
    made = subject.problems[0]
    tally = Tally(made.task.widths, SAMPLES, len(subject.seeds))
    problem, state = made.problem(len(subject.seeds)), subject.init(made, subject.seeds)
    before = kept(parameters(state))
    moved = differing(before, subject.step(problem.watched(tally), state))
    if moved and tally.counted and not tally.forward_passes:
        return (
            f"a step changed {moved} and no pass was counted: tell problem.charge(passes) what it "
            "cost, or read problem.x, which says that nobody counts"
        )
    return None
