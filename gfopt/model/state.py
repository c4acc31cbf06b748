"""The state of a run: a flat dict of tensors, each with a leading dimension of R seeds.

The parameters are "W1", "b1", "W2", ...; then come lr, counters and the optimizer's memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor
State = dict[str, "Tensor"]  # every tensor (R, ...): "W1", "b1", ..., then lr, counters, memory


def is_parameter(key: str) -> bool:
    """Whether a key of the state names a parameter (W1, b1, ...), not the optimizer's memory."""
    return key[0] in "Wb" and key[1:].isdigit()


def sort_parameters(state: State) -> list[str]:
    """The parameters' keys in the order W1, b1, W2, ..."""
    return sorted(parameters(state), key=lambda key: (int(key[1:]), key[0]))


def parameters(state: State) -> State:
    """The parameters among a state's tensors."""
    return {key: tensor for key, tensor in state.items() if is_parameter(key)}


def descend(state: State, gradient: State) -> State:
    """The state after w <- w - lr dJ/dw for each key of the gradient; lr is (R,)."""
    lr = state["lr"][:, None, None]
    return state | {key: state[key] - lr * slope for key, slope in gradient.items()}
