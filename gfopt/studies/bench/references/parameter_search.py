"""The search model of iitimii/Neural-Networks-Learning-Without-Gradient-Descent.

Restates search_model.py: one parameter after the other is set to each of the values of a grid, the
whole network runs on all samples for each value, and the best value stays. Three layers with, as
in base_model.py, nothing after layer 1, ReLU after layer 2 and a linear output; mean squared error.

Columns are samples: X (d, N), y (1, N). The original is float32 throughout; the arithmetic here is
in the precision of what is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Params = dict[str, Array]

ORDER = ("W1", "b1", "W2", "b2", "W3", "b3")  # each row by row


class Sweep(NamedTuple):
    """A sweep over all parameters: the loss after it, and the parameters."""

    loss: float
    params: Params


def parameter_search(
    X: Array,
    y: Array,
    params: Params,
    low: float,
    high: float,
    count: int,
    tolerance: float = 1e-6,
) -> Iterator[Sweep]:
    """Yield sweep after sweep until one is neither the best so far nor a gain of the tolerance.

    `params` are W_l (n_l, n_{l-1}) and b_l (n_l, 1), l = 1..3, left as they are. A Sweep's
    parameters change with the next sweep.
    """
    params, best_loss = {key: np.copy(params[key]) for key in ORDER}, np.inf
    while True:
        initial_loss = mean_squared_error(forward(X, params), y)
        for key in ORDER:
            for index in np.ndindex(params[key].shape):
                search(X, y, params, key, index, low, high, count)
        final_loss = mean_squared_error(forward(X, params), y)
        yield Sweep(final_loss, params)
        if final_loss < best_loss:
            best_loss = final_loss
        elif initial_loss - final_loss < tolerance:
            return


def search(
    X: Array,
    y: Array,
    params: Params,
    key: str,
    index: tuple[int, ...],
    low: float,
    high: float,
    count: int,
) -> None:
    """Set the value of the strictly lowest loss; keep the one before only if no loss is finite."""
    best_value, best_loss = params[key][index], np.inf
    for value in np.linspace(low, high, count):
        params[key][index] = value
        loss = mean_squared_error(forward(X, params), y)
        if loss < best_loss and not np.isnan(loss):
            best_loss, best_value = loss, value
    params[key][index] = best_value


def forward(X: Array, params: Params) -> Array:
    """Return the outputs, (1, N)."""
    Z1 = np.dot(params["W1"], X) + params["b1"]
    Z2 = np.dot(params["W2"], Z1) + params["b2"]
    A2 = np.maximum(0, Z2)
    return np.asarray(np.dot(params["W3"], A2) + params["b3"])


def mean_squared_error(out: Array, y: Array) -> float:
    """The mean over the samples of (out - y)^2."""
    return float(np.mean((out - y) ** 2))
