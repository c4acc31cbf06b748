"""Full-batch descent, tile by tile: every product, activation and derivative of a tile in cache.

An optimizer that descends in stages (gfopt.backends.numba.descent) needs two things: a *sweep* over
samples, forward from layer `first` and back down to layer `last`, and a *step* of the layers whose
derivatives a sweep has computed. A tile of samples goes through a whole sweep before the next tile
is read, so that x is read from memory once, for both of layer 1's products.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from gfopt.numerics.array import Array
from gfopt.numerics.kernels import products
from gfopt.numerics.kernels.functions import SOFTMAX, value
from gfopt.numerics.kernels.layers import (
    SUMS,
    activate,
    add_products,
    add_sums,
    affine,
    bias,
    chain,
    softmax,
)


class Net(NamedTuple):
    """Constants of a run."""

    widths: Array  # n_1, ..., n_L; all numbers in the parameters' dtype
    functions: Array  # f_1, ..., f_L by number
    multipliers: Array  # of lr, by layer
    momentum: float
    scale: float  # delta_L = scale (a_L - y)
    spanned: bool  # rows are K and dJ/dW_1 is delta_1 itself (gfopt.backends.numba.descent)
    tile: int  # samples; all of them where rows are K


class SampleArrays(NamedTuple):
    """The samples, side by side: z_1 = W_1 rows^T + b_1 + initial."""

    rows: Array  # (N, m)
    y: Array  # (n_L, N)


class SeedArrays(NamedTuple):
    """Parameters and work arrays; each leads with R, or belongs to one seed and lacks R."""

    W1: Array  # (n_1, m)
    w: Array  # b_1, W_2, b_2, ..., W_L, b_L as one vector (P,)
    V1: Array  # velocities of W1 and w, empty without momentum
    v: Array
    initial: Array  # (n_1, N), empty if z_1 has no such term
    lr: Any  # (R,), or one seed's number
    a: Array  # of the hidden layers, (n_1 + ... + n_{L-1}, N)
    z: Array  # z_L (n_L, N)
    dW1: Array  # noqa: N815 - derivatives, summed over the samples swept
    dw: Array


@njit(cache=True, nogil=True)
def advance(
    net: Net, data: SampleArrays, arrays: SeedArrays, moves: Array, lo: int, hi: int
) -> None:
    """Make the moves, one after the other, for each seed, on the samples lo..hi.

    A move (s, first, last) is a step of the layers s..L, then a sweep forward from layer `first`
    and back to layer `last` (above L: forward only); 0 for s or first: without.
    """
    for r in range(len(arrays.w)):
        one = _select_seed(arrays, r)
        for m in range(len(moves)):
            if moves[m, 0]:
                _step(net, one, moves[m, 0])
            if moves[m, 1]:
                _sweep(net, data, one, moves[m, 1], moves[m, 2], lo, hi)


@njit(cache=True, nogil=True)
def _select_seed(arrays: SeedArrays, r: int) -> SeedArrays:
    """The arrays of one seed."""
    return SeedArrays(
        arrays.W1[r], arrays.w[r], arrays.V1[r], arrays.v[r], arrays.initial[r],
        arrays.lr[r], arrays.a[r], arrays.z[r], arrays.dW1[r], arrays.dw[r],
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _sweep(
    net: Net, data: SampleArrays, one: SeedArrays, first: int, last: int, lo: int, hi: int
) -> None:
    """Fill a and z, and dW1 and dw of the layers `last`..L, on the samples lo..hi."""
    depth = len(net.widths)
    if last <= depth:
        one.dw[:] = 0
    if last == 1 and not net.spanned:
        one.dW1[:] = 0
    delta = np.empty((2, net.widths.max(), net.tile), one.w.dtype)
    for begin in range(lo, hi, net.tile):
        end = min(begin + net.tile, hi)
        for l in range(first, depth + 1):
            _forward(net, data, one, l, begin, end)
        if last <= depth:
            _output_delta(net, data, one, begin, end, delta[depth % 2])
            for l in range(depth, last - 1, -1):
                _back(net, data, one, l, begin, end, delta, l > last)


@njit(cache=True, nogil=True)
def _step(net: Net, one: SeedArrays, last: int) -> None:
    """V <- momentum V + dJ/dw, w <- w - lr m_l V for the layers `last`..L."""
    end = len(one.w)
    for l in range(len(net.widths), last - 1, -1):
        begin = _find_begin(net, l)
        _move(
            one.w[begin:end],
            one.v[begin:end],
            one.dw[begin:end],
            one.lr * net.multipliers[l - 1],
            net.momentum,
        )
        end = begin
    for i in range(net.widths[0] if last == 1 else 0):
        V = one.V1[i] if len(one.V1) else one.v[:0]
        _move(one.W1[i], V, one.dW1[i], one.lr * net.multipliers[0], net.momentum)


@njit(cache=True, nogil=True, fastmath=SUMS)
def _move(w: Array, v: Array, slope: Array, rate: float, momentum: float) -> None:
    if len(v):
        for i in range(len(w)):
            v[i] = momentum * v[i] + slope[i]
            w[i] -= rate * v[i]
    else:
        for i in range(len(w)):
            w[i] -= rate * slope[i]


@njit(cache=True, nogil=True)
def _find_begin(net: Net, l: int) -> int:
    """The index in the vector w where layer l begins; of layer 1 the vector has only the bias."""
    begin = 0
    for k in range(1, l):
        begin += net.widths[k - 1] * (net.widths[k - 2] + 1 if k > 1 else 1)
    return begin


@njit(cache=True, nogil=True)
def _layer(net: Net, l: int, w: Array) -> tuple[Array, Array]:
    """W_l (n_l, n_{l-1}), l > 1, and b_l, views of the vector; b_L is empty if there is none."""
    begin, units, inputs = _find_begin(net, l), net.widths[l - 1], net.widths[l - 2]
    end = begin + units * inputs
    return w[begin:end].reshape(units, inputs), w[end : end + units]


@njit(cache=True, nogil=True)
def _units(net: Net, l: int, a: Array) -> Array:
    """a_l (n_l, N), a view."""
    begin = net.widths[: l - 1].sum()
    return a[begin : begin + net.widths[l - 1]]


@njit(cache=True, nogil=True)
def _forward(net: Net, data: SampleArrays, one: SeedArrays, l: int, begin: int, end: int) -> None:
    """z_l and a_l of a tile; of a hidden layer only a_l is kept."""
    out = one.z if l == len(net.widths) else _units(net, l, one.a)
    if l == 1:
        _forward_first(
            one, one.w[: net.widths[0]], data.rows[begin:end], net.spanned, begin, end, out
        )
    else:
        W, b = _layer(net, l, one.w)
        affine(W, b, _units(net, l - 1, one.a), begin, end, out, begin)
    if l < len(net.widths):
        for i in range(len(out)):
            activate(out[i, begin:end], net.functions[l - 1])


@njit(cache=True, nogil=True, fastmath=SUMS)
def _forward_first(
    one: SeedArrays, b: Array, rows: Array, spanned: bool, begin: int, end: int, out: Array
) -> None:
    """out = W_1 rows^T + b_1 + initial; K is its own transpose."""
    if spanned:
        np.dot(one.W1, rows, out)  # a single tile
    else:
        products.forward(rows, one.W1, out, begin)
    for i in range(len(out)):
        here, shift = out[i, begin:end], bias(b, i)
        for n in range(len(here)):
            here[n] += shift
        if len(one.initial):
            first = one.initial[i, begin:end]
            for n in range(len(here)):
                here[n] += first[n]


@njit(cache=True, nogil=True)
def _output_delta(
    net: Net, data: SampleArrays, one: SeedArrays, begin: int, end: int, delta: Array
) -> None:
    """delta_L = scale (a_L - y) of a tile."""
    function, zero = net.functions[-1], delta.dtype.type(0)
    if function == SOFTMAX:
        softmax(one.z, begin, end, delta)
    for k in range(len(one.z)):
        z, y, out = one.z[k, begin:end], data.y[k, begin:end], delta[k]
        for n in range(len(z)):
            if function != SOFTMAX:
                out[n] = value(z[n], function, zero)
            out[n] = net.scale * (out[n] - y[n])


@njit(cache=True, nogil=True)
def _back(
    net: Net,
    data: SampleArrays,
    one: SeedArrays,
    l: int,
    begin: int,
    end: int,
    delta: Array,
    on: bool,
) -> None:
    """Add layer l's derivatives on a tile; `on`: compute the delta of the layer below too."""
    signal, count = delta[l % 2], end - begin
    if l == 1:
        add_sums(signal, count, one.dw[: net.widths[0]])
        _add_first(net, data, one, signal, begin, end)
        return
    (W, _), (dW, db) = _layer(net, l, one.w), _layer(net, l, one.dw)
    below = _units(net, l - 1, one.a)
    add_products(signal, below, begin, end, dW)
    add_sums(signal, count, db)
    if on:
        back = delta[(l - 1) % 2]
        affine(W.T.copy(), db[:0], signal, 0, count, back, 0)
        for j in range(len(below)):
            chain(back[j, :count], below[j, begin:end], net.functions[l - 2])


@njit(cache=True, nogil=True)
def _add_first(
    net: Net, data: SampleArrays, one: SeedArrays, signal: Array, begin: int, end: int
) -> None:
    """dW_1 += signal x^T; in the samples' span it is the signal itself."""
    units, count = net.widths[0], end - begin
    if net.spanned:
        for i in range(units):
            one.dW1[i, begin:end] = signal[i, :count]
    else:
        products.backward(data.rows[begin:end], signal, one.dW1)
