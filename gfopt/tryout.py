"""One step of a rule, thrown away before its clock starts: what it returns must be sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from gfopt.problem import State
from gfopt.rng import Draw

if TYPE_CHECKING:
    from gfopt.optimizers.base import Optimizer
    from gfopt.task import Task


def try_out(rule: Optimizer, task: Task, seed: int, batch_size: int | None) -> None:
    """Two steps from one state, thrown away: TypeError says what is wrong with what comes back."""
    problem, like = task.train, task.train.inputs
    if batch_size:
        numbers = torch.arange(min(batch_size, problem.samples), device=like.device)
        problem = problem.on(numbers[None])
    with torch.no_grad():
        params = task.start([seed])
        draw = Draw((seed,), like.device, like.dtype)
        state = sound("init", rule.init(problem, params, draw), params)
        before = {key: tensor.clone() for key, tensor in state.items()}
        at = problem.forward(state) if rule.wants_pass else None
        one, two = (sound("step", rule.step(problem, state, at), state) for _ in range(2))
    if changed := differing(before, state):
        raise TypeError(f"step changed the state it was given ({changed}): make new tensors")
    if apart := differing(one, two):
        raise TypeError(
            f"two steps from the same state differ in {apart}: draw with gfopt.noise, from "
            "draw.seed() and a counter kept in the state, so that a run can be repeated"
        )


def differing(one: State, other: State) -> str:
    """The keys whose tensors differ in a bit, NaN being itself, as "W1, b1"; "" where none do."""
    keys = [k for k, t in one.items() if not torch.equal(t.nan_to_num(), other[k].nan_to_num())]
    return ", ".join(keys)


def sound(what: str, state: Any, given: State) -> State:
    """The state that `what` gave, if it is a dict of tensors with all that was given, as shaped.

    Else TypeError says what is wrong with it.
    """
    if not isinstance(state, dict) or not all(isinstance(t, torch.Tensor) for t in state.values()):
        raise TypeError(f"{what} must return the state, a dict of tensors (got {_kind(state)})")
    for key, tensor in given.items():
        if key not in state:
            raise TypeError(f"{what} must return the whole state: {key!r} is missing")
        if state[key].shape != tensor.shape:
            shapes = f"{tuple(tensor.shape)} (got {tuple(state[key].shape)})"
            raise TypeError(f"{what}: {key!r} must keep its shape {shapes}")
    return state


def _kind(found: Any) -> str:
    if not isinstance(found, dict):
        return type(found).__name__
    return ", ".join(sorted({type(value).__name__ for value in found.values()}))
