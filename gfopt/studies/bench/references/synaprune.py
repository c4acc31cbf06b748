"""SynaPrune's update rule of the text: Jigusheng/SynaPrune, README of 25 December 2022.

Restates its equations one sample at a time, sigmoid in every layer. With I and O the input and the
output of a layer, e = target - output of the network, e* the entry of e of largest magnitude and
Norm(v) = v / sum |v|, where Norm(0) = 0:

    W += lr e* Norm(I)^T Norm(O),    B += lr e* Norm(O)        all layers from the same pass

The text has this for all layers (output_error "largest"). With several outputs it moves all of them
the same way; "own" moves the last layer by the outputs' own errors, W += lr Norm(I)^T e and
B += lr e, as the author's SynaPrune_experimental.py does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Params = dict[str, Array]


def synaprune(
    X: Array, Y: Array, params: Params, lr: float, output_error: str = "own"
) -> Iterator[Params]:
    """Yield the parameters after each epoch: the samples once through in their order.

    X (d, N), Y (K, N), columns are samples; `params` are W_l (n_l, n_{l-1}) and b_l (n_l, 1), the
    transposes of the text's, left as they are. What is yielded changes with the next epoch.
    """
    params = {key: np.copy(p) for key, p in params.items()}
    while True:
        for i in range(X.shape[1]):
            learn(X[:, i], Y[:, i], params, lr, output_error)
        yield params


def learn(x: Array, y: Array, params: Params, lr: float, output_error: str) -> None:
    """Learn one sample: a pass, then the update of every layer."""
    L, O = len(params) // 2, [x]
    for l in range(1, L + 1):
        z = np.dot(params[f"W{l}"], O[l - 1]) + params[f"b{l}"][:, 0]
        O.append(1 / (1 + np.exp(-z)))
    e = y - O[L]
    largest = e[np.argmax(np.abs(e))]
    for l in range(1, L + 1):
        own = l == L and output_error == "own"
        change = e if own else largest * normalize(O[l])
        params[f"W{l}"] = params[f"W{l}"] + lr * np.outer(change, normalize(O[l - 1]))
        params[f"b{l}"] = params[f"b{l}"] + lr * change[:, None]


def normalize(v: Array) -> Array:
    """Return v over the sum of its magnitudes."""
    total = np.sum(np.abs(v))
    return np.asarray(v / total if total > 0 else v)
