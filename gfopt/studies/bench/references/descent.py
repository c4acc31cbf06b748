"""Gradient descent and position-wise descent as the program of arXiv 2204.05312 runs them.

Restates Algorithm.py of thisisamirv/Position-wise-optimizer as of April 2022 (the paper's figures
2-4): dense layers, ReLU in the hidden ones, full batch, and every product written out anew.

Columns are samples: X (d, N), Y (K, N), W_l (n_l, n_{l-1}), b_l (n_l, 1), l = 1..L. The weights are
float64; X and Y keep their precision (the program's MNIST and CIFAR-10 are float32), and NumPy
promotes as it does there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Params = dict[str, Array]

EPSILON = 1e-5  # inside the logarithms


class Epoch(NamedTuple):
    """An epoch: the loss that its program prints, and the parameters after the epoch's updates.

    The parameters are the run's own: the next epoch puts its new ones into the same dict.
    """

    loss: float
    params: Params


def gradient_descent(X: Array, Y: Array, params: Params, lr: float, output: str) -> Iterator[Epoch]:
    """Yield epoch after epoch; the loss is that of the pass at the start of the epoch.

    `params` are "W1", "b1", ..., left as they are. `output` is "sigmoid" or "softmax".
    """
    params = {key: np.copy(p) for key, p in params.items()}
    while True:
        Z, A = [X], [X]
        forward(Z, A, params, output, first=1)
        update(params, compute_gradients(Z, A, Y, params, last=1), lr)
        yield Epoch(compute_loss(A[-1], Y), params)


def position_wise(X: Array, Y: Array, params: Params, lr: float, output: str) -> Iterator[Epoch]:
    """As `gradient_descent`; layers join from the last to the first within each epoch.

    There is no pass after the last stage, so the loss is that of the weights before its update.
    """
    params = {key: np.copy(p) for key, p in params.items()}
    L = len(params) // 2
    while True:
        Z, A = [X], [X]
        forward(Z, A, params, output, first=1)
        for j in range(1, L + 1):
            lowest = L - j + 1
            update(params, compute_gradients(Z, A, Y, params, last=lowest), lr)
            if j < L:
                forward(Z, A, params, output, first=lowest)
        yield Epoch(compute_loss(A[-1], Y), params)


def count_epochs(target: float, run: Iterable[Epoch], skip_every: int) -> int | None:
    """Return the published number of epochs: the index, from 0, of the first loss below the target.

    At multiples of `skip_every` the program prints and does not test. None if the run ends before.
    """
    for i, epoch in enumerate(run):
        if epoch.loss < target and i % skip_every != 0:
            return i
    return None


def forward(Z: list[Array], A: list[Array], params: Params, output: str, first: int) -> None:
    """Compute layers first..L again and replace those in Z and A."""
    L = len(params) // 2
    del Z[first:], A[first:]
    for l in range(first, L + 1):
        Z.append(np.dot(params[f"W{l}"], A[l - 1]) + params[f"b{l}"])
        if l < L:
            A.append(np.maximum(0, Z[l]))
        elif output == "sigmoid":
            A.append(1 / (1 + np.exp(-Z[l])))
        else:
            A.append(np.exp(Z[l]) / np.sum(np.exp(Z[l]), axis=0))


def compute_gradients(
    Z: list[Array], A: list[Array], Y: Array, params: Params, last: int
) -> Params:
    """Return dW_l and db_l of layers L..last, all at the present weights."""
    L = len(params) // 2
    gradients: Params = {}
    dZ = A[L] - Y
    for l in range(L, last - 1, -1):
        gradients[f"W{l}"] = np.dot(dZ, A[l - 1].T) * (1.0 / A[l - 1].shape[1])
        gradients[f"b{l}"] = np.sum(dZ, axis=1, keepdims=True) * (1.0 / A[l - 1].shape[1])
        if l > last:
            dA = np.dot(params[f"W{l}"].T, dZ)
            dZ = np.array(dA, copy=True)
            dZ[Z[l - 1] <= 0] = 0
    return gradients


def update(params: Params, gradients: Params, lr: float) -> None:
    """Take one step in the layers that have a gradient."""
    for key in gradients:
        params[key] = params[key] - lr * gradients[key]


def compute_loss(A: Array, Y: Array) -> float:
    """-(1/N) sum over samples and outputs of y ln(a + epsilon) + (1 - y) ln(1 - a + epsilon)."""
    ones = np.multiply(Y, np.log(A + EPSILON))
    zeros = np.multiply(1 - Y, np.log(1 - A + EPSILON))
    return float((-1 / Y.shape[1]) * np.sum(ones + zeros))
