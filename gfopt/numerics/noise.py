"""Standard normal noise for populations, by seed, step and member, on the CPU or a GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gfopt.numerics import streams

if TYPE_CHECKING:
    from torch import Tensor


def noise(seeds: Tensor, step: Tensor, like: Tensor, member: int = 0) -> Tensor:
    """Standard normal noise for each seed and its step (R,): shape, device and dtype of `like`.

    `like` is (R, ...). The same (seed, step, member) gives the same numbers in every call.
    """
    import torch

    if like.device.type == "cuda":
        from gfopt.numerics import device_noise

        return device_noise.noise(seeds, step, like, member)
    size = like[0].numel()
    rows = [
        streams.normal(int(s), int(t), member, size)
        for s, t in zip(seeds.tolist(), step.tolist(), strict=True)
    ]
    return torch.as_tensor(np.stack(rows), dtype=like.dtype, device=like.device).view_as(like)
