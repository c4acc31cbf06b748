"""A sweep of the parameter search for one seed, one place after the other (see the optimizer).

The parameters are one vector: W_1 (n_1, n_0), b_1, W_2, ...; z and a of all layers from the first
are rows of one array each, (units, M), samples side by side. M is N filled up to a multiple of
LANES by copies of the last sample with weight 0 in the loss: so no loop has a remainder, and finite
numbers stay finite. The numbers of a block of samples that a place needs are copied into the rows
of one work array, which stays in the cache while all values are tried. All arithmetic is in the
parameters' dtype, except the grids'.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from gfopt.numerics.array import Array
from gfopt.numerics.kernels.parameter_search_rows import (
    BEFORE,
    BIASES,
    BLOCK,
    CHANGE,
    EXACT,
    FACTOR,
    FUNCTION,
    GAP,
    IDENTITY,
    LANES,
    OWN,
    RELU,
    TARGETS,
    UNITS,
    WEIGHT,
    WEIGHTS,
    WIDTH,
    NetworkShape,
    activate,
    block_loss,
    put_change,
    put_folded,
    put_moved,
    put_product,
    subtract_before,
)


class Samples(NamedTuple):
    """The training set of a seed; floats are in the parameters' dtype."""

    x: Array  # (n_0, M)
    y: Array  # (n_L, M)
    weight: Array  # (M,), 1 or 0
    divisor: float  # of the summed loss: N or sum y^2


class Grid(NamedTuple):
    """Values are spread + clamp(present - centre, least, most), in float64 before the cast."""

    spread: Array  # s v_c
    centre: float
    least: float
    most: float
    incumbent: bool  # the present value is tried first


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def visit(
    params: Array,
    z: Array,
    a: Array,
    samples: Samples,
    places: Array,
    grid: Grid,
    net: NetworkShape,
) -> None:
    """Give each place the first best of its values; params (P,), z and a (units, M) follow.

    places (D, 4): layer, 1 for a bias, row, column.
    """
    values = np.empty(len(grid.spread) + grid.incumbent, params.dtype)
    losses = np.empty_like(values)
    size = z.shape[1]
    work = _allocate_aligned(TARGETS + net.outputs + 3 * net.most, BLOCK + GAP, params)
    for d in range(len(places)):
        place = (places[d, 0], places[d, 1], places[d, 2], places[d, 3])
        l, bias, i, j = place
        at = (
            net.layers[l, BIASES] + i
            if bias
            else net.layers[l, WEIGHTS] + i * net.layers[l - 1, WIDTH] + j
        )
        _set_grid(values, params[at], grid)
        losses[:] = 0
        for low in range(0, size, BLOCK):
            n = BLOCK if low + BLOCK < size else size - low
            _load(work, z, a, samples, place, low, n, net)
            _add_losses(losses, values, params[at], work, params, l, i, n, net)
        value = _pick_lowest(values, losses, params[at], samples.divisor)
        for low in range(0, size, BLOCK):
            n = BLOCK if low + BLOCK < size else size - low
            _load(work, z, a, samples, place, low, n, net)
            _accept(value - params[at], work, params, z, a, l, i, low, n, net)
        params[at] = value


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def _allocate_aligned(rows: int, columns: int, like: Array) -> Array:
    """An array with rows aligned to cache lines (64 bytes, of which columns are a multiple)."""
    flat = np.zeros(rows * columns + LANES, like.dtype)
    skip = -(flat.ctypes.data // like.itemsize) % LANES
    aligned: Array = flat[skip : skip + rows * columns].reshape(rows, columns)
    return aligned


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def _set_grid(values: Array, present: float, grid: Grid) -> None:
    """The values to try."""
    shift = present - grid.centre
    if shift < grid.least:
        shift = grid.least
    if shift > grid.most:
        shift = grid.most
    if grid.incumbent:
        values[0] = present
    for c in range(len(grid.spread)):
        values[c + grid.incumbent] = grid.spread[c] + shift


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def _pick_lowest(values: Array, sums: Array, present: float, divisor: float) -> float:
    """The value of the lowest finite loss, the first of equals; the present one if none is."""
    best, least = present, sums.dtype.type(np.inf)
    for c in range(len(values)):
        loss = sums[c] / divisor
        if loss < least:
            best, least = values[c], loss
    return best


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def _load(
    work: Array, z: Array, a: Array, samples: Samples, place: tuple[int, int, int, int], low: int,
    n: int, net: NetworkShape,
) -> None:  # fmt: skip
    """Copy what a place needs of a block of samples into work."""
    l, bias, i, j = place
    last, outputs = net.depth, net.outputs
    row, below = net.layers[l, UNITS] + i, net.layers[l - 1, UNITS] + j
    for s in range(n):
        work[OWN, s], work[BEFORE, s] = z[row, low + s], a[row, low + s]
        work[WEIGHT, s] = samples.weight[low + s]
        if bias:
            work[FACTOR, s] = 1
        else:
            work[FACTOR, s] = samples.x[j, low + s] if l == 1 else a[below, low + s]
    for k in range(outputs):
        for s in range(n):
            work[TARGETS + k, s] = samples.y[k, low + s]
    first, above = TARGETS + outputs, l if l == last else l + 1
    for k in range(net.layers[above, WIDTH]):
        for s in range(n):
            work[first + k, s] = z[net.layers[above, UNITS] + k, low + s]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def _add_losses(
    losses: Array, values: Array, present: float, work: Array, params: Array, l: int, i: int,
    n: int, net: NetworkShape,
) -> None:  # fmt: skip
    """Add a block's summed loss with each of the values."""
    last, first = net.depth, TARGETS + net.outputs
    for c in range(len(values)):
        moved, at = values[c] - present, first
        if l == last:
            put_moved(work, OWN, moved, FACTOR, first + i, IDENTITY, n)
        else:
            put_change(work, moved, net.layers[l, FUNCTION], n)
            at = _run_suffix(work, params, l, i, first, n, net)
        losses[c] += block_loss(work, at, n, net)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def _run_suffix(
    work: Array, params: Array, l: int, i: int, first: int, n: int, net: NetworkShape
) -> int:
    """Compute z_L from z_{l+1} (row `first`) and the change of a_l[i]; returns z_L's first row."""
    last, at, start = net.depth, first + net.most, net.layers[l + 1, WEIGHTS] + i
    if l + 2 == last and net.layers[last, WIDTH] == 1 and net.layers[l + 1, FUNCTION] <= RELU:
        put_folded(work, params, first, start, at, net.layers[l + 1, FUNCTION], l, n, net)
        return at
    for k in range(net.layers[l + 1, WIDTH]):
        w = params[start + k * net.layers[l, WIDTH]]
        put_moved(work, first + k, w, CHANGE, at + k, net.layers[l + 1, FUNCTION], n)
    for m in range(l + 2, last + 1):
        to = first + 2 * net.most if at == first + net.most else first + net.most
        for k in range(net.layers[m, WIDTH]):
            put_product(work, at, params, m, k, to + k, n, net)
            activate(work, to + k, net.layers[m, FUNCTION], n)
        at = to
    return at


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def _accept(
    moved: float, work: Array, params: Array, z: Array, a: Array, l: int, i: int, low: int,
    n: int, net: NetworkShape,
) -> None:  # fmt: skip
    """Update a block of z and a for a parameter's change."""
    last, most, first = net.depth, net.most, TARGETS + net.outputs
    put_moved(work, OWN, moved, FACTOR, CHANGE, IDENTITY, n)
    _store(work, CHANGE, net.layers[l, FUNCTION], z, a, net.layers[l, UNITS] + i, low, n)
    if l == last:
        return
    subtract_before(work, n)
    for k in range(net.layers[l + 1, WIDTH]):
        w = params[net.layers[l + 1, WEIGHTS] + k * net.layers[l, WIDTH] + i]
        put_moved(work, first + k, w, CHANGE, first + most + k, IDENTITY, n)
        _store(
            work,
            first + most + k,
            net.layers[l + 1, FUNCTION],
            z,
            a,
            net.layers[l + 1, UNITS] + k,
            low,
            n,
        )
    at = first + most
    for m in range(l + 2, last + 1):
        to = first + 2 * most if at == first + most else first + most
        for k in range(net.layers[m, WIDTH]):
            put_product(work, at, params, m, k, to + k, n, net)
            _store(work, to + k, net.layers[m, FUNCTION], z, a, net.layers[m, UNITS] + k, low, n)
        at = to


@njit(cache=True, nogil=True, error_model="numpy", fastmath=EXACT)
def _store(
    work: Array, row: int, function: int, z: Array, a: Array, to: int, low: int, n: int
) -> None:
    """Copy a row of work into z, replace it by its f, and copy that into a."""
    for s in range(n):
        z[to, low + s] = work[row, s]
    activate(work, row, function, n)
    for s in range(n):
        a[to, low + s] = work[row, s]
