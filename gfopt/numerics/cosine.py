"""An output layer of cosines: z_kn = cos(w_k, h_n), of each unit's weights and each sample's input.

With w^ = w / |w|, h^ = h / |h| and g_k = sum_n delta_kn h^_n,

    z_kn = w^_k . h^_n,    dJ/dw_k = (g_k - (g_k . w^_k) w^_k) / |w_k|,

and dJ/dh_n likewise with w and h exchanged. If a length is 0 (all units of a relu layer off), w^ or
h^ is 0, and so are the cosine and both derivatives.

Source: Wang, Liu, Liu & Cheng, "Additive margin softmax for face verification", arXiv 1801.05599.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def cosines(W: Tensor, h: Tensor) -> Tensor:
    """z (..., K, N) from W (..., K, n) and h (..., n, N)."""
    return (W * _invert_lengths(W)) @ (h.mT * _invert_lengths(h.mT)).mT


def cosine_slope(delta: Tensor, W: Tensor, h: Tensor) -> Tensor:
    """dJ/dW (..., K, n) from delta = dJ/dz (..., K, N); dJ/dh^T from (delta^T, h^T, W^T)."""
    per_length = _invert_lengths(W)
    units, slope = W * per_length, delta @ (h.mT * _invert_lengths(h.mT))
    return (slope - (slope * units).sum(-1, keepdim=True) * units) * per_length


def _invert_lengths(rows: Tensor) -> Tensor:
    """1 / |row| (..., 1); 0 for a row of zeros."""
    lengths: Tensor = rows.norm(dim=-1, keepdim=True)
    return (1 / lengths).where(lengths > 0, 0)
