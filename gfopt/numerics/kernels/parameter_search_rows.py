"""Operations of a parameter-search sweep on rows of its work array (see parameter_search.py).

A row holds one number for each sample of a block, and is named by its index. Inner loops go over
neighbours in memory. The compiler may reorder sums over samples and nothing else.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from gfopt.numerics.array import Array

# np.int64, not int: numba compiles a function anew for each constant int that it is called with.
_NUMBERS: Any = np.arange(9)
IDENTITY, RELU, NEGATIVE_PART, TANH, SIGMOID = _NUMBERS[:5]
SQUARES, SIGMOID_SQUARES, CROSS_ENTROPY, SIGMOID_TWO_SIDED, SOFTMAX_TWO_SIDED = _NUMBERS[:5]
LANES = 64  # samples are filled up to a multiple of this
BLOCK = 512  # samples at a time, a multiple of LANES
GAP = 32  # between rows of work, so that they don't share cache lines
# Rows of work: a_l[i]'s change, what the parameter multiplies, z_l[i], a_l[i], the samples'
# weights, three to spare, y (n_L of them), z_{l+1}, and two layers in turn.
CHANGE, FACTOR, OWN, BEFORE, WEIGHT, HIGHEST, SUM, OUTPUT, TARGETS = _NUMBERS
# Of a layer: units, f_l, the indices where W_l and b_l begin in the parameters, its first row of z.
WIDTH, FUNCTION, WEIGHTS, BIASES, UNITS = _NUMBERS[:5]
EXACT = {"contract", "nsz"}  # NaN and inf stay; a product and a sum may be one instruction
SUMS = EXACT | {"reassoc"}  # sums in any order, too


class NetworkShape(NamedTuple):
    """The network's shape: constants of all sweeps."""

    layers: Array  # (L + 1, 5): a row of the numbers below for each layer, from layer 0
    depth: int  # L
    outputs: int  # n_L
    most: int  # of n_1, ..., n_L
    loss: int
    epsilon: float  # inside the logarithms of the two-sided losses; in the parameters' dtype


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def find_floor(work: Array, function: int) -> float:
    """The floor in max(z, floor): 0 for relu, -inf for identity."""
    floor: float = work.dtype.type(0 if function == RELU else -np.inf)
    return floor


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def put_moved(work: Array, z: int, w: float, x: int, out: int, function: int, n: int) -> None:
    """out = f(z + w x), all rows of work."""
    floor = find_floor(work, function)
    for s in range(n):
        t = work[z, s] + w * work[x, s]
        work[out, s] = floor if t < floor else t
    if function > RELU:
        activate(work, out, function, n)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def put_change(work: Array, moved: float, function: int, n: int) -> None:
    """CHANGE = f(OWN + moved FACTOR) - BEFORE."""
    if function <= RELU:
        floor = find_floor(work, function)
        for s in range(n):
            t = work[OWN, s] + moved * work[FACTOR, s]
            work[CHANGE, s] = (floor if t < floor else t) - work[BEFORE, s]
    else:
        put_moved(work, OWN, moved, FACTOR, CHANGE, function, n)
        subtract_before(work, n)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def subtract_before(work: Array, n: int) -> None:
    """CHANGE -= BEFORE."""
    for s in range(n):
        work[CHANGE, s] -= work[BEFORE, s]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def put_folded(
    work: Array, params: Array, z: int, start: int, out: int, function: int, l: int, n: int,
    net: NetworkShape,
) -> None:  # fmt: skip
    """out = W_{l+2}[0] f(z + W_{l+1}[:, i] CHANGE) + b_{l+2}: the hot loop of a single output."""
    count, step, at = net.layers[l + 1, WIDTH], net.layers[l, WIDTH], net.layers[l + 2, WEIGHTS]
    floor = find_floor(work, function)
    for s in range(n):
        work[out, s] = params[at + count]
    fours = count // 4 * 4
    for j in range(0, fours, 4):
        w0, w1 = params[start + j * step], params[start + (j + 1) * step]
        w2, w3 = params[start + (j + 2) * step], params[start + (j + 3) * step]
        v0, v1, v2, v3 = params[at + j], params[at + j + 1], params[at + j + 2], params[at + j + 3]
        for s in range(n):
            change = work[CHANGE, s]
            t0, t1 = work[z + j, s] + w0 * change, work[z + j + 1, s] + w1 * change
            t2, t3 = work[z + j + 2, s] + w2 * change, work[z + j + 3, s] + w3 * change
            t0, t1 = floor if t0 < floor else t0, floor if t1 < floor else t1
            t2, t3 = floor if t2 < floor else t2, floor if t3 < floor else t3
            work[out, s] += (v0 * t0 + v1 * t1) + (v2 * t2 + v3 * t3)
    for j in range(fours, count):
        w, v = params[start + j * step], params[at + j]
        for s in range(n):
            t = work[z + j, s] + w * work[CHANGE, s]
            work[out, s] += v * (floor if t < floor else t)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def put_product(
    work: Array, first: int, params: Array, l: int, i: int, out: int, n: int, net: NetworkShape
) -> None:
    """out = W_l[i] a_{l-1} + b_l[i], where a_{l-1} are the rows from the first on."""
    count, at, b = (
        net.layers[l - 1, WIDTH],
        net.layers[l, WEIGHTS] + i * net.layers[l - 1, WIDTH],
        net.layers[l, BIASES] + i,
    )
    for s in range(n):
        work[out, s] = params[b]
    fours = count // 4 * 4
    for j in range(0, fours, 4):
        w0, w1, w2, w3 = params[at + j], params[at + j + 1], params[at + j + 2], params[at + j + 3]
        for s in range(n):
            lower = w0 * work[first + j, s] + w1 * work[first + j + 1, s]
            upper = w2 * work[first + j + 2, s] + w3 * work[first + j + 3, s]
            work[out, s] += lower + upper
    for j in range(fours, count):
        for s in range(n):
            work[out, s] += params[at + j] * work[first + j, s]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def activate(work: Array, row: int, function: int, n: int) -> None:
    """z becomes f(z); NaN stays NaN."""
    zero, one = work.dtype.type(0), work.dtype.type(1)
    if function == RELU:
        for s in range(n):
            work[row, s] = zero if work[row, s] < zero else work[row, s]
    elif function == NEGATIVE_PART:
        for s in range(n):
            work[row, s] = zero if work[row, s] > zero else work[row, s]
    elif function == TANH:
        for s in range(n):
            work[row, s] = math.tanh(work[row, s])
    elif function == SIGMOID:
        for s in range(n):
            work[row, s] = one / (one + math.exp(-work[row, s]))


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def block_loss(work: Array, first: int, n: int, net: NetworkShape) -> float:
    """The sum over a block's samples, where z_L are the rows from the first on."""
    total, kind = work.dtype.type(0), net.loss
    if kind in (CROSS_ENTROPY, SOFTMAX_TWO_SIDED):
        put_normaliser(work, first, net.outputs, n)
    for k in range(net.outputs):
        row, y = first + k, TARGETS + k
        if kind == SQUARES:
            total += squares(work, row, y, n)
        elif kind == CROSS_ENTROPY:
            total += surprise(work, row, y, n)
        else:
            put_outputs(work, row, kind, n)
            if kind == SIGMOID_SQUARES:
                total += squares(work, OUTPUT, y, n)
            else:
                total += two_sided(work, OUTPUT, y, net.epsilon, n)
    result: float = total
    return result


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def put_outputs(work: Array, row: int, kind: int, n: int) -> None:
    """A row of a_L, sigmoid or softmax, into OUTPUT."""
    one = work.dtype.type(1)
    if kind == SOFTMAX_TWO_SIDED:
        for s in range(n):
            work[OUTPUT, s] = math.exp(work[row, s] - work[HIGHEST, s]) / work[SUM, s]
    else:
        for s in range(n):
            work[OUTPUT, s] = one / (one + math.exp(-work[row, s]))


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def put_normaliser(work: Array, first: int, count: int, n: int) -> None:
    """max z and sum exp(z - max z) of each sample; a NaN in z gives NaN in the sum."""
    for s in range(n):
        work[HIGHEST, s], work[SUM, s] = work[first, s], 0
    for k in range(first + 1, first + count):
        for s in range(n):
            higher = work[k, s] > work[HIGHEST, s]
            work[HIGHEST, s] = work[k, s] if higher else work[HIGHEST, s]
    for k in range(first, first + count):
        for s in range(n):
            work[SUM, s] += math.exp(work[k, s] - work[HIGHEST, s])


@njit(cache=True, nogil=True, error_model="numpy", fastmath=SUMS)
def squares(work: Array, a: int, y: int, n: int) -> float:
    """sum (a - y)^2."""
    total = work.dtype.type(0)
    for s in range(n):
        error = work[a, s] - work[y, s]
        total += work[WEIGHT, s] * (error * error)
    result: float = total
    return result


@njit(cache=True, nogil=True, error_model="numpy", fastmath=SUMS)
def surprise(work: Array, z: int, y: int, n: int) -> float:
    """-sum y ln softmax z."""
    total = work.dtype.type(0)
    for s in range(n):
        logarithm = work[z, s] - work[HIGHEST, s] - math.log(work[SUM, s])
        total -= work[WEIGHT, s] * (work[y, s] * logarithm)
    result: float = total
    return result


@njit(cache=True, nogil=True, error_model="numpy", fastmath=SUMS)
def two_sided(work: Array, a: int, y: int, epsilon: float, n: int) -> float:
    """-sum [y ln(a + e) + (1 - y) ln(1 - a + e)]."""
    total, one = work.dtype.type(0), work.dtype.type(1)
    for s in range(n):
        a_s, y_s = work[a, s], work[y, s]
        term = y_s * math.log(a_s + epsilon) + (one - y_s) * math.log(one - a_s + epsilon)
        total -= work[WEIGHT, s] * term
    result: float = total
    return result
