"""The population noise of gfopt.rng as tensor operations: drawn where it is used, not on the host.

Philox-4x64-10 with 64-bit words as int64 of the same bits, all blocks of all replicas at once:

    c_0 <- hi(M_1 c_2) ^ c_1 ^ k_0,    c_1 <- lo(M_1 c_2),    k_0 <- k_0 + A_0,
    c_2 <- hi(M_0 c_0) ^ c_3 ^ k_1,    c_3 <- lo(M_0 c_0),    k_1 <- k_1 + A_1

at once, ten times; block j = 1, 2, ... from c = (j, member, step, 0) and k = (seed, stream). Bits
are NumPy's; normals may differ from the host's in their last digits, as logarithms and cosines do.
No value is read back and none is sent, so that a CUDA graph can hold it.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor

from gfopt.rng import Stream

_MULTIPLIERS = 0xD2E7470EE14C6C93, 0xCA5A826395121157  # M_0, M_1
_INCREMENTS = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B  # A_0, A_1
_LOW = 2**32 - 1


def noise(seeds: Tensor, step: Tensor, like: Tensor, member: int = 0) -> Tensor:
    """Standard normal noise shaped as `like` (R, ...), by each replica's seed and step, both (R,).

    What gfopt.rng.noise gives, but for rounding; Box-Muller in float64, then like's precision.
    """
    size = like.numel() // len(like)
    pairs = (size + 1) // 2
    bits = raw_bits(seeds, Stream.NOISE, 2 * pairs, member, step)
    u = (_shifted(bits, 11).double() + 0.5) * 2.0**-53
    radius, angle = (-2 * u[:, :pairs].log()).sqrt(), 2 * pi * u[:, pairs:]
    made = torch.cat([radius * angle.cos(), radius * angle.sin()], 1)[:, :size]
    return made.to(like.dtype).view(like.shape)


def raw_bits(seeds: Tensor, stream: int, count: int, member: int, step: Tensor) -> Tensor:
    """`count` 64-bit words of each replica's stream, (R, count) int64; seeds and step are (R,)."""
    blocks = torch.arange(1, (count + 3) // 4 + 1, device=seeds.device)
    zero = step[:, None] * 0
    counter = [blocks[None], zero + _signed(member), step[:, None], zero]
    return torch.stack(_rounds(counter, seeds[:, None], stream), -1).flatten(1)[:, :count]


def _rounds(c: list[Tensor], seeds: Tensor, stream: int) -> list[Tensor]:
    """The four words of every block, (R, blocks) each, after ten rounds."""
    for i in range(10):
        k0, k1 = seeds + _signed(i * _INCREMENTS[0]), _signed(stream + i * _INCREMENTS[1])
        high_0, low_0 = _product(_MULTIPLIERS[0], c[0])
        high_1, low_1 = _product(_MULTIPLIERS[1], c[2])
        c = [high_1 ^ c[1] ^ k0, low_1, high_0 ^ c[3] ^ k1, low_0]
    return c


def _product(m: int, word: Tensor) -> tuple[Tensor, Tensor]:
    """The upper and the lower 64 bits of m times an unsigned word, by halves of 32 bits.

    Sums wrap nowhere as unsigned numbers: (2^32 - 1)^2 + 2 (2^32 - 1) < 2^64.
    """
    (m1, m0), (w1, w0) = divmod(m, 2**32), (_shifted(word, 32), word & _LOW)
    first = m1 * w0 + _shifted(m0 * w0, 32)
    second = m0 * w1 + (first & _LOW)
    return m1 * w1 + _shifted(first, 32) + _shifted(second, 32), word * _signed(m)


def _shifted(word: Tensor, by: int) -> Tensor:
    """The unsigned word shifted right: torch's shift brings the sign along, which is masked."""
    shifted: Tensor = (word >> by) & ((1 << (64 - by)) - 1)
    return shifted


def _signed(word: int) -> int:
    """The int64 of the same 64 bits."""
    return (word + 2**63) % 2**64 - 2**63
