"""The preflight of a user's optimizer: two steps before the clock starts, thrown away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from gfopt.model.state import State
from gfopt.numerics.draw import Draw

if TYPE_CHECKING:
    from gfopt.engine.task import Task
    from gfopt.optimizers.base import Optimizer


def check_first_step(optimizer: Optimizer, task: Task, seed: int, batch_size: int | None) -> None:
    """Make two steps from one state. Raises TypeError if init or step return something invalid."""
    problem, like = task.train, task.train.inputs
    if batch_size:
        numbers = torch.arange(min(batch_size, problem.samples), device=like.device)
        problem = problem.on(numbers[None])
    with torch.no_grad():
        params = task.initial_weights([seed])
        draw = Draw((seed,), like.device, like.dtype)
        state = check_state("init", optimizer.init(problem, params, draw), params)
        before = {key: tensor.clone() for key, tensor in state.items()}
        at = problem.forward(state) if optimizer.wants_pass else None
        one, two = (
            check_state("step", optimizer.step(problem, state, at), state) for _ in range(2)
        )
    if changed := name_differences(before, state):
        raise TypeError(f"step changed the state it was given ({changed}): make new tensors")
    if unequal := name_differences(one, two):
        raise TypeError(
            f"two steps from the same state differ in {unequal}: draw with gfopt.noise, from "
            "draw.seed() and a counter kept in the state, so that a run can be repeated"
        )


def name_differences(one: State, other: State) -> str:
    """The keys whose tensors differ in any bit, as "W1, b1"; "" if none do. NaN equals NaN."""
    keys = [k for k, t in one.items() if not torch.equal(t.nan_to_num(), other[k].nan_to_num())]
    return ", ".join(keys)


def check_state(what: str, state: Any, given: State) -> State:
    """Return the state that `what` ("init" or "step") made.

    Raises TypeError if it isn't a dict of tensors with every key and shape of the given one.
    """
    if not isinstance(state, dict):
        got = type(state).__name__
        raise TypeError(f"{what} must return the state, a dict of tensors (got {got})")
    if not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        got = ", ".join(sorted({type(value).__name__ for value in state.values()}))
        raise TypeError(f"{what} must return the state, a dict of tensors (got {got})")
    for key, tensor in given.items():
        if key not in state:
            raise TypeError(f"{what} must return the whole state: {key!r} is missing")
        if state[key].shape != tensor.shape:
            shapes = f"{tuple(tensor.shape)} (got {tuple(state[key].shape)})"
            raise TypeError(f"{what}: {key!r} must keep its shape {shapes}")
    return state
