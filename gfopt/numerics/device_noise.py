"""The population noise of gfopt.numerics.streams as tensor operations, drawn on the device.

Philox-4x64-10 with 64-bit words as int64 of the same bits, all blocks of all seeds at once:

    c_0 <- hi(M_1 c_2) ^ c_1 ^ k_0,    c_1 <- lo(M_1 c_2),    k_0 <- k_0 + A_0,
    c_2 <- hi(M_0 c_0) ^ c_3 ^ k_1,    c_3 <- lo(M_0 c_0),    k_1 <- k_1 + A_1

simultaneously, ten times; block j = 1, 2, ... from c = (j, member, step, 0) and k = (seed, stream).
Bits are NumPy's; normals may differ from the host's in their last digits, as logarithms and cosines
do. No value is copied to or from the host, so that a CUDA graph can capture it.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor

from gfopt.numerics.streams import Stream

_MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157  # M_0, M_1
_INCREMENTS = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B  # A_0, A_1
_LOW = 2**32 - 1


def noise(seeds: Tensor, step: Tensor, like: Tensor, member: int = 0) -> Tensor:
    """Standard normal noise shaped as `like` (R, ...) for each seed and its step, both (R,).

    Equal to gfopt.numerics.noise up to rounding: Box-Muller in float64, then like's precision.
    """
    size = like.numel() // len(like)
    pairs = (size + 1) // 2
    bits = raw_bits(seeds, Stream.NOISE, 2 * pairs, member, step)
    u = (_shift_right(bits, 11).double() + 0.5) * 2.0**-53
    radius, angle = (-2 * u[:, :pairs].log()).sqrt(), 2 * pi * u[:, pairs:]
    drawn = torch.cat([radius * angle.cos(), radius * angle.sin()], 1)[:, :size]
    return drawn.to(like.dtype).view(like.shape)


def raw_bits(seeds: Tensor, stream: int, count: int, member: int, step: Tensor) -> Tensor:
    """`count` 64-bit words of each seed's stream, (R, count) int64; seeds and step are (R,)."""
    blocks = torch.arange(1, (count + 3) // 4 + 1, device=seeds.device)
    zero = step[:, None] * 0
    counter = [blocks[None], zero + _to_signed(member), step[:, None], zero]
    return torch.stack(_run_rounds(counter, seeds[:, None], stream), -1).flatten(1)[:, :count]


def _run_rounds(c: list[Tensor], seeds: Tensor, stream: int) -> list[Tensor]:
    """The four words of every block, (R, blocks) each, after ten rounds."""
    for i in range(10):
        k0, k1 = seeds + _to_signed(i * _INCREMENTS[0]), _to_signed(stream + i * _INCREMENTS[1])
        high_0, low_0 = _multiply(_MULTIPLIERS[0], c[0])
        high_1, low_1 = _multiply(_MULTIPLIERS[1], c[2])
        c = [high_1 ^ c[1] ^ k0, low_1, high_0 ^ c[3] ^ k1, low_0]
    return c


def _multiply(m: int, word: Tensor) -> tuple[Tensor, Tensor]:
    """The upper and the lower 64 bits of m times an unsigned word, by halves of 32 bits.

    Sums wrap nowhere as unsigned numbers: (2^32 - 1)^2 + 2 (2^32 - 1) < 2^64.
    """
    (m1, m0), (w1, w0) = divmod(m, 2**32), (_shift_right(word, 32), word & _LOW)
    first = m1 * w0 + _shift_right(m0 * w0, 32)
    second = m0 * w1 + (first & _LOW)
    return m1 * w1 + _shift_right(first, 32) + _shift_right(second, 32), word * _to_signed(m)


def _shift_right(word: Tensor, by: int) -> Tensor:
    """The unsigned word shifted right; torch's shift copies the sign bit, so it is masked."""
    shifted: Tensor = (word >> by) & ((1 << (64 - by)) - 1)
    return shifted


def _to_signed(word: int) -> int:
    """The int64 of the same 64 bits."""
    return (word + 2**63) % 2**64 - 2**63
