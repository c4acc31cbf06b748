"""Parts of a layer's pass on a tile of samples, for compiled loops. Rows are units."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from gfopt.numerics.array import Array
from gfopt.numerics.kernels.functions import IDENTITY, NEGATIVE_PART, RELU, SIGMOID, TANH, value

SUMS = {"contract", "reassoc", "nsz"}  # fastmath: any order of sums; NaN and infinity stay


@njit(cache=True, nogil=True)
def affine(W: Array, b: Array, below: Array, begin: int, end: int, out: Array, at: int) -> None:
    """out = W below + b: samples begin..end of below, written from `at` on. Units go in pairs."""
    last = at + end - begin
    for i in range(0, len(W) - 1, 2):
        one, two = out[i, at:last], out[i + 1, at:last]
        one[:] = bias(b, i)
        two[:] = bias(b, i + 1)
        accumulate_pair(W[i], W[i + 1], below, begin, one, two)
    if len(W) % 2:
        i = len(W) - 1
        one = out[i, at:last]
        one[:] = bias(b, i)
        accumulate(W[i], below, begin, one)


@njit(cache=True, nogil=True)
def bias(b: Array, i: int) -> float:
    """b_i; 0 if a layer has no bias."""
    found: float = b[i] if len(b) else b.dtype.type(0)
    return found


@njit(cache=True, nogil=True, fastmath=SUMS)
def accumulate(weights: Array, rows: Array, begin: int, out: Array) -> None:
    """out += sum over j of weights_j rows_j, four rows at a time: fewer loads and stores of out."""
    end, whole = begin + len(out), len(weights) - len(weights) % 4
    for j in range(0, whole, 4):
        p, q, r, s = weights[j], weights[j + 1], weights[j + 2], weights[j + 3]
        a, b = rows[j, begin:end], rows[j + 1, begin:end]
        c, d = rows[j + 2, begin:end], rows[j + 3, begin:end]
        for n in range(len(out)):
            out[n] += p * a[n] + q * b[n] + r * c[n] + s * d[n]
    for j in range(whole, len(weights)):
        p, a = weights[j], rows[j, begin:end]
        for n in range(len(out)):
            out[n] += p * a[n]


@njit(cache=True, nogil=True, fastmath=SUMS)
def accumulate_pair(u: Array, v: Array, rows: Array, begin: int, one: Array, two: Array) -> None:
    """one += sum over j of u_j rows_j, two by v: each row is loaded once for both."""
    end, whole = begin + len(one), len(u) - len(u) % 4
    for j in range(0, whole, 4):
        p, q, r, s = u[j], u[j + 1], u[j + 2], u[j + 3]
        k, l, m, o = v[j], v[j + 1], v[j + 2], v[j + 3]
        a, b = rows[j, begin:end], rows[j + 1, begin:end]
        c, d = rows[j + 2, begin:end], rows[j + 3, begin:end]
        for n in range(len(one)):
            one[n] += p * a[n] + q * b[n] + r * c[n] + s * d[n]
            two[n] += k * a[n] + l * b[n] + m * c[n] + o * d[n]
    for j in range(whole, len(u)):
        p, q, a = u[j], v[j], rows[j, begin:end]
        for n in range(len(one)):
            one[n] += p * a[n]
            two[n] += q * a[n]


@njit(cache=True, nogil=True)
def activate(out: Array, function: int) -> None:
    """out = f(out), for units of a hidden layer."""
    zero = out.dtype.type(0)
    if function == RELU:
        for n in range(len(out)):
            out[n] = zero if out[n] < zero else out[n]
    elif function != IDENTITY:
        for n in range(len(out)):
            out[n] = value(out[n], function, zero)


@njit(cache=True, nogil=True)
def softmax(z: Array, begin: int, end: int, out: Array) -> None:
    """out = exp(z - max z) / sum, sample by sample."""
    highest, total = z[0, begin:end].copy(), np.zeros(end - begin, z.dtype)
    for k in range(1, len(z)):
        for n in range(len(total)):
            highest[n] = max(highest[n], z[k, begin + n])
    for k in range(len(z)):
        for n in range(len(total)):
            out[k, n] = math.exp(z[k, begin + n] - highest[n])
            total[n] += out[k, n]
    for k in range(len(z)):
        for n in range(len(total)):
            out[k, n] /= total[n]


@njit(cache=True, nogil=True, fastmath=SUMS)
def add_products(signal: Array, below: Array, begin: int, end: int, dW: Array) -> None:
    """dW += signal below^T, four sums at a time: each number of signal is loaded once for all."""
    whole = len(below) - len(below) % 4
    for i in range(len(dW)):
        one = signal[i, : end - begin]
        for j in range(0, whole, 4):
            a, b = below[j, begin:end], below[j + 1, begin:end]
            c, d = below[j + 2, begin:end], below[j + 3, begin:end]
            p = q = r = s = signal.dtype.type(0)
            for n in range(len(one)):
                p += one[n] * a[n]
                q += one[n] * b[n]
                r += one[n] * c[n]
                s += one[n] * d[n]
            dW[i, j] += p
            dW[i, j + 1] += q
            dW[i, j + 2] += r
            dW[i, j + 3] += s
        for j in range(whole, len(below)):
            p, a = signal.dtype.type(0), below[j, begin:end]
            for n in range(len(one)):
                p += one[n] * a[n]
            dW[i, j] += p


@njit(cache=True, nogil=True, fastmath=SUMS)
def add_sums(signal: Array, count: int, db: Array) -> None:
    """db += the sums of signal's rows, where there is a bias."""
    for i in range(len(db)):
        total, one = signal.dtype.type(0), signal[i]
        for n in range(count):
            total += one[n]
        db[i] += total


@njit(cache=True, nogil=True)
def chain(delta: Array, a: Array, function: int) -> None:
    """delta <- delta f'(z), computed from a = f(z)."""
    zero, one = a.dtype.type(0), a.dtype.type(1)
    if function == RELU:
        for n in range(len(delta)):
            delta[n] *= one if a[n] > zero else zero
    elif function == NEGATIVE_PART:
        for n in range(len(delta)):
            delta[n] *= one if a[n] < zero else zero
    elif function == TANH:
        for n in range(len(delta)):
            delta[n] *= one - a[n] * a[n]
    elif function == SIGMOID:
        for n in range(len(delta)):
            delta[n] *= a[n] * (one - a[n])
