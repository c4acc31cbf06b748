"""SynaPrune sample by sample: each forward pass uses the weights after the sample before.

A seed's parameters are one vector: W_1, b_1, W_2, ..., with W_l transposed, (n_{l-1}, n_l), so that
a product adds rows; a_0..a_L, or the memory t_1..t_L, are one vector too. All arithmetic is in the
parameters' dtype and in the order written, since in float32 rounding decides (see the optimizer).
Terms with a factor 0 are skipped, which changes no bit.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from gfopt.numerics.array import Array
from gfopt.numerics.kernels.functions import IDENTITY, SOFTMAX, value

RULE, CENTRED, EXPERIMENTAL = range(3)


class Plan(NamedTuple):
    """Constants of all samples."""

    widths: Array  # n_0, ..., n_L
    functions: Array  # f_1, ..., f_L by the codes of gfopt.numerics.kernels.functions
    variant: int
    updates: int  # of a sample, one after the other
    first: int  # the lowest layer that is trained
    own: bool  # each output unit moves by its own error, else all by e*
    output_bias: bool
    floor: float  # least divisor for Σ|v| and |u||v|; in the parameters' dtype
    threshold: float  # likewise


@njit(cache=True)
def learn(
    params: Array, inputs: Array, targets: Array, memory: Array, rates: Array, plan: Plan
) -> None:
    """Go through the samples in their order, changing params (R, P) and memory (R, M) in place.

    inputs (R or 1, N, n_0), targets (R or 1, N, n_L), rates (R,).
    """
    for r in range(len(params)):
        x, y = inputs[r % len(inputs)], targets[r % len(targets)]
        for i in range(len(x)):
            _learn_sample(params[r], x[i], y[i], memory[r], rates[r], plan)


@njit(cache=True)
def learn_largest(
    params: Array, inputs: Array, targets: Array, memory: Array, rates: Array, plan: Plan
) -> None:
    """One update: every weight takes the contribution of largest magnitude; no biases.

    Shapes as for `learn`. The first of equal magnitudes wins.
    """
    for r in range(len(params)):
        x, y = inputs[r % len(inputs)], targets[r % len(targets)]
        largest = np.zeros_like(params[r])
        for i in range(len(x)):
            _collect_largest(largest, params[r], x[i], y[i], memory[r], plan)
        params[r] += rates[r] * largest


@njit(cache=True)
def _learn_sample(params: Array, x: Array, y: Array, t: Array, rate: float, plan: Plan) -> None:
    """The updates of one sample, each after a forward pass; W_1 x is reused while W_1 stays."""
    W, _ = _layer(params, plan, 1)
    a = np.empty(plan.widths.sum(), params.dtype)
    moved = True
    for _ in range(plan.updates):
        if moved:
            product = _product(W, x)
        _forward(params, x, product, a, plan)
        moved = _update(params, a, y, t, rate, plan)
        if plan.variant == EXPERIMENTAL:
            _copy(a[: len(t)], t)


@njit(cache=True)
def _forward(params: Array, x: Array, product: Array, a: Array, plan: Plan) -> None:
    """a_0 = x, a_l = f_l(W_l a_{l-1} + b_l); `product` is W_1 x."""
    _copy(x, a)
    for l in range(1, len(plan.widths)):
        W, b = _layer(params, plan, l)
        z = product if l == 1 else _product(W, _units(a, plan, l - 1))
        _activate(z, b, plan.functions[l - 1], _units(a, plan, l))


@njit(cache=True)
def _update(params: Array, a: Array, y: Array, t: Array, rate: float, plan: Plan) -> bool:
    """One update of all layers from the same pass. Returns whether W_1 changed."""
    last = len(plan.widths) - 1
    error = y - _units(a, plan, last)
    moved = False
    for l in range(plan.first, last + 1):
        rows, columns, shift = _outer(a, error, t, rate, l, plan)
        W, b = _layer(params, plan, l)
        grown = _add(W, rows, columns)
        moved = moved or (l == 1 and grown)
        if l < last or plan.output_bias:
            b += shift
    return moved


@njit(cache=True)
def _outer(
    a: Array, error: Array, t: Array, rate: float, l: int, plan: Plan
) -> tuple[Array, Array, Array]:
    """dW_l = rows^T columns and db_l, from the layer's own input I and output O, and the error."""
    I, O = _units(a, plan, l - 1), _units(a, plan, l)
    last, count = l == len(plan.widths) - 1, I.dtype.type(len(O))
    step = rate
    if plan.variant == CENTRED:
        I, O = _centre(I), _centre(O)
        step *= count if last else math.exp(-I.dtype.type(1) / count)
    elif plan.variant == EXPERIMENTAL:
        before = _units(t, plan, l - 1)
        if abs(_cosine(_centre(I), _centre(before), plan.floor)) >= plan.threshold:
            I = I - before
    rows, columns = _normalise(I, plan.floor), _normalise(O, plan.floor)
    if last and plan.own:
        shift = step * error * columns if plan.variant == CENTRED else step * error
        return step * rows, error, shift
    step *= _largest(error)
    return step * rows, columns, step * columns


@njit(cache=True)
def _collect_largest(
    largest: Array, params: Array, x: Array, y: Array, t: Array, plan: Plan
) -> None:
    """Replace entries of `largest` by one sample's contributions of larger magnitude."""
    W, _ = _layer(params, plan, 1)
    a = np.empty(plan.widths.sum(), params.dtype)
    _forward(params, x, _product(W, x), a, plan)
    error = y - _units(a, plan, len(plan.widths) - 1)
    for l in range(plan.first, len(plan.widths)):
        rows, columns, _ = _outer(a, error, t, params.dtype.type(1), l, plan)
        best, _ = _layer(largest, plan, l)
        for j in np.flatnonzero(rows):
            for k in range(len(columns)):
                entry = rows[j] * columns[k]
                if abs(entry) > abs(best[j, k]):
                    best[j, k] = entry


@njit(cache=True)
def _add(W: Array, rows: Array, columns: Array) -> bool:
    """W += rows^T columns. Returns whether any row isn't 0."""
    moved = False
    for j in range(len(rows)):
        if rows[j] != 0:
            moved = True
            for k in range(len(columns)):
                W[j, k] += rows[j] * columns[k]
    return moved


@njit(cache=True)
def _copy(values: Array, to: Array) -> None:
    """Copy the values to the first entries of `to`."""
    for i in range(len(values)):
        to[i] = values[i]


@njit(cache=True)
def _product(W: Array, a: Array) -> Array:
    """sum over j of a_j W_jk, j upwards."""
    z = np.zeros(W.shape[1], W.dtype)
    for j in range(len(a)):
        if a[j] != 0:
            for k in range(len(z)):
                z[k] += a[j] * W[j, k]
    return z


@njit(cache=True)
def _largest(v: Array) -> float:
    """The entry of largest magnitude, the first of equals."""
    largest: float = v[0]
    for x in v:
        if abs(x) > abs(largest):
            largest = x
    return largest


@njit(cache=True)
def _normalise(v: Array, floor: float) -> Array:
    """v / max(Σ|v|, floor); 0 stays 0."""
    total = v.dtype.type(0)
    for x in v:
        total += abs(x)
    total = max(total, floor)
    scaled: Array = v / total if total > 0 else v.copy()
    return scaled


@njit(cache=True)
def _centre(v: Array) -> Array:
    """v - mean v."""
    total = v.dtype.type(0)
    for x in v:
        total += x
    mean: float = total / v.dtype.type(len(v))
    return v - mean


@njit(cache=True)
def _cosine(u: Array, v: Array, floor: float) -> float:
    """u.v / max(|u| |v|, floor)."""
    zero = u.dtype.type(0)
    dot, uu, vv = zero, zero, zero
    for i in range(len(u)):
        dot += u[i] * v[i]
        uu += u[i] * u[i]
        vv += v[i] * v[i]
    cosine: float = dot / max(math.sqrt(uu) * math.sqrt(vv), floor)
    return cosine


@njit(cache=True)
def _activate(z: Array, b: Array, function: int, out: Array) -> None:
    """out = f(z + b)."""
    for k in range(len(z)):
        out[k] = z[k] + b[k]
    if function == SOFTMAX:
        _softmax(out)
    elif function != IDENTITY:
        for k in range(len(out)):
            out[k] = value(out[k], function, out.dtype.type(0))


@njit(cache=True)
def _softmax(z: Array) -> None:
    """z becomes exp z / Σ exp z."""
    highest, total = z[0], z.dtype.type(0)
    for x in z:
        highest = max(highest, x)
    for k in range(len(z)):
        z[k] = math.exp(z[k] - highest)
        total += z[k]
    for k in range(len(z)):
        z[k] /= total


@njit(cache=True)
def _layer(params: Array, plan: Plan, l: int) -> tuple[Array, Array]:
    """W_l (n_{l-1}, n_l) and b_l (n_l,), views of the vector."""
    start = 0
    for i in range(1, l):
        start += (plan.widths[i - 1] + 1) * plan.widths[i]
    n, m = plan.widths[l - 1], plan.widths[l]
    end = start + n * m
    return params[start:end].reshape(n, m), params[end : end + m]


@njit(cache=True)
def _units(a: Array, plan: Plan, l: int) -> Array:
    """a_l (n_l,), a view of the vector."""
    start = plan.widths[:l].sum()
    return a[start : start + plan.widths[l]]
