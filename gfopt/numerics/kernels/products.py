"""Layer 1's two products on a tile of samples, in blocks of samples and units kept in registers.

    forward   out_in = sum over k of x_nk W_ik,    backward   dW_ik += sum over n of d_in x_nk

Layer 1 has few units and many inputs, a shape for which BLAS reaches half of its speed. A block
loads each input once for all its units. Its loop is generated for its size, and compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from numba import njit

from gfopt.numerics.kernels.layers import SUMS

UNITS = 5  # of a block; the remaining units go one by one

_FORWARD = "def f(rows, W, out, at):"  # (n, d), (units, d), (units, N): columns at..at + n of out
_BACKWARD = "def f(rows, d, W):"  # (n, d), (units, at least n), (units, d): W is added to


def _generate_source(head: str, block: Callable[[int, int], Iterator[str]], most: int) -> str:
    """Source of a function that loops over blocks of samples, and in each over units."""
    lines = [head, "    zero = rows.dtype.type(0)"]
    for samples in (most, 1):
        lines += [f"    for n in {_generate_range('rows', most, samples)}:"]
        lines += [f"        x{s} = rows[n + {s}]" for s in range(samples)]
        for units in (UNITS, 1):
            lines += [f"        for i in {_generate_range('W', UNITS, units)}:"]
            lines += [f"            w{u} = W[i + {u}]" for u in range(units)]
            lines += [f"            {line}" for line in block(samples, units)]
    return "\n".join(lines)


def _generate_range(array: str, whole: int, size: int) -> str:
    """Source of a range over whole blocks, or over the rest one by one."""
    end = f"len({array}) - len({array}) % {whole}"
    return f"range(0, {end}, {whole})" if size > 1 else f"range({end}, len({array}))"


def _forward_block(samples: int, units: int) -> Iterator[str]:
    """Sums over the inputs, one for each sample and unit."""
    pairs = [(s, u) for s in range(samples) for u in range(units)]
    yield from (f"t{s}_{u} = zero" for s, u in pairs)
    yield "for k in range(rows.shape[1]):"
    yield from (f"    t{s}_{u} += x{s}[k] * w{u}[k]" for s, u in pairs)
    yield from (f"out[i + {u}, at + n + {s}] = t{s}_{u}" for s, u in pairs)


def _backward_block(samples: int, units: int) -> Iterator[str]:
    """Input by input, the sums over the block's samples."""
    yield from (f"t{s}_{u} = d[i + {u}, n + {s}]" for s in range(samples) for u in range(units))
    yield "for k in range(rows.shape[1]):"
    for u in range(units):
        yield f"    w{u}[k] += " + " + ".join(f"t{s}_{u} * x{s}[k]" for s in range(samples))


def _compile(head: str, block: Callable[[int, int], Iterator[str]], samples: int) -> Any:
    """Compile the function, in blocks of so many samples."""
    space: dict[str, Any] = {}
    exec(_generate_source(head, block, samples), space)  # noqa: S102 - generated above
    return njit(nogil=True, error_model="numpy", fastmath=SUMS)(space["f"])


forward = _compile(_FORWARD, _forward_block, samples=4)
backward = _compile(_BACKWARD, _backward_block, samples=8)
