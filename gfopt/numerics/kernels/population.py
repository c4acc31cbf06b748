"""Squared errors of a population of small networks, each member's pass one fused expression.

A loop over layers would go through memory between them. Instead the function is generated for the
network's widths, weight by weight, and compiled: all units of a sample stay in registers, and
samples are vectorized.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from numba import njit

from gfopt.numerics.kernels.functions import IDENTITY, NEGATIVE_PART, RELU, SIGMOID, TANH
from gfopt.numerics.kernels.layers import SUMS

MOST_PARAMETERS = 500  # of a member: compile time grows with each

_VALUES = {
    IDENTITY: "{z}",
    RELU: "(zero if {z} < zero else {z})",
    NEGATIVE_PART: "(zero if {z} > zero else {z})",
    TANH: "math.tanh({z})",
    SIGMOID: "one / (one + math.exp(-{z}))",
}


@cache
def squared_errors(
    widths: tuple[int, ...], functions: tuple[int, ...], output_bias: bool
) -> Callable[..., None]:
    """f(members, x, y, sums): sums (M,) become the sums over samples and outputs of (z_L - y)^2.

    members (M, D), each W_1 row by row, b_1, W_2, ...; x (n_0, N), y (n_L, N). `functions` are
    f_1..f_{L-1} by number.
    """
    space: dict[str, Any] = {"math": math}
    exec("\n".join(_generate_source(widths, functions, output_bias)), space)  # noqa: S102 - generated above
    compiled: Callable[..., None] = njit(nogil=True, error_model="numpy", fastmath=SUMS)(space["f"])
    return compiled


def _generate_source(
    widths: tuple[int, ...], functions: tuple[int, ...], output_bias: bool
) -> Iterator[str]:
    """The lines of the function."""
    yield "def f(members, x, y, sums):"
    yield "    zero, one = x.dtype.type(0), x.dtype.type(1)"
    yield "    for m in range(len(members)):"
    yield "        w, total = members[m], zero"
    yield from (
        f"        {name} = w[{i}]" for i, name in enumerate(_list_names(widths, output_bias))
    )
    yield "        for n in range(x.shape[1]):"
    yield from (f"            a0_{j} = x[{j}, n]" for j in range(widths[0]))
    for l in range(1, len(widths)):
        bias = l < len(widths) - 1 or output_bias
        for i in range(widths[l]):
            terms = [f"w{l}_{i}_{j} * a{l - 1}_{j}" for j in range(widths[l - 1])]
            yield f"            z{l}_{i} = {' + '.join([*terms, *[f'b{l}_{i}'] * bias])}"
            if l < len(widths) - 1:
                value = _VALUES[functions[l - 1]].format(z=f"z{l}_{i}")
                yield f"            a{l}_{i} = {value}"
    for k in range(widths[-1]):
        yield f"            gap = z{len(widths) - 1}_{k} - y[{k}, n]"
        yield "            total += gap * gap"
    yield "        sums[m] = total"


def _list_names(widths: tuple[int, ...], output_bias: bool) -> Iterator[str]:
    """The weights and biases in the order of a member's vector."""
    for l in range(1, len(widths)):
        yield from (f"w{l}_{i}_{j}" for i in range(widths[l]) for j in range(widths[l - 1]))
        if l < len(widths) - 1 or output_bias:
            yield from (f"b{l}_{i}" for i in range(widths[l]))
