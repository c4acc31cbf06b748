"""Gradient descent and position-wise descent as the program of arXiv 2204.05312 runs them.

Restates Algorithm.py of thisisamirv/Position-wise-optimizer as of April 2022 (the paper's figures
2-4): dense layers, ReLU in the hidden ones, full batch, and every product written out anew.

Columns are samples: X (d, N), Y (K, N), W_l (n_l, n_{l-1}), b_l (n_l, 1), l = 1..L. The weights are
float64; X and Y have the precision that they are given in (the program's MNIST and CIFAR-10 are
float32), and NumPy promotes as it does there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

EPSILON = 1e-5  # inside the logarithms


class Epoch(NamedTuple):
    """An epoch: the loss as its program reads it, and the parameters after the epoch's updates.

    The parameters are the run's own: the next epoch puts its new ones into the same dict.
    """

    loss: float
    params: dict[str, np.ndarray]


def gradient_descent(X, Y, params, lr, output):
    """Epoch after epoch; the loss is that of the pass at the start of the epoch.

    params: "W1", "b1", ..., left as they are. output: "sigmoid" or "softmax".
    """
    params = {key: np.copy(p) for key, p in params.items()}
    while True:
        Z, A = [X], [X]
        forward(Z, A, params, output, first=1)
        update(params, gradients(Z, A, Y, params, last=1), lr)
        yield Epoch(loss(A[-1], Y), params)


def position_wise(X, Y, params, lr, output):
    """As `gradient_descent`, layers joining from the last to the first within each epoch.

    There is no pass after the last stage, so the loss is that of the weights before its update.
    """
    params = {key: np.copy(p) for key, p in params.items()}
    L = len(params) // 2
    while True:
        Z, A = [X], [X]
        forward(Z, A, params, output, first=1)
        for j in range(1, L + 1):
            lowest = L - j + 1
            update(params, gradients(Z, A, Y, params, last=lowest), lr)
            if j < L:
                forward(Z, A, params, output, first=lowest)
        yield Epoch(loss(A[-1], Y), params)


def epochs_to(target, run, skip_every):
    """The published number of epochs: the index, from 0, at which the loss is below the target.

    At multiples of skip_every the program prints instead of looking. None: the run ends before.
    """
    for i, epoch in enumerate(run):
        if epoch.loss < target and i % skip_every != 0:
            return i
    return None


def forward(Z, A, params, output, first):
    """Layers first..L once more, in place of those in Z and A."""
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


def gradients(Z, A, Y, params, last):
    """dW_l and db_l of layers L..last, all at the present weights."""
    L, made = len(params) // 2, {}
    dZ = A[L] - Y
    for l in range(L, last - 1, -1):
        made[f"W{l}"] = np.dot(dZ, A[l - 1].T) * (1.0 / A[l - 1].shape[1])
        made[f"b{l}"] = np.sum(dZ, axis=1, keepdims=True) * (1.0 / A[l - 1].shape[1])
        if l > last:
            dA = np.dot(params[f"W{l}"].T, dZ)
            dZ = np.array(dA, copy=True)
            dZ[Z[l - 1] <= 0] = 0
    return made


def update(params, gradient, lr):
    """One step of the layers that have a gradient."""
    for key in gradient:
        params[key] = params[key] - lr * gradient[key]


def loss(A, Y):
    """-(1/N) sum over samples and outputs of y ln(a + epsilon) + (1 - y) ln(1 - a + epsilon)."""
    ones = np.multiply(Y, np.log(A + EPSILON))
    zeros = np.multiply(1 - Y, np.log(1 - A + EPSILON))
    return float((-1 / Y.shape[1]) * np.sum(ones + zeros))
