"""Mini-batches: which samples each update of each seed sees."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gfopt.numerics.streams import order


class Batches:
    """The mini-batches of each epoch: every sample once, in the order of (seed, epoch)."""

    def __init__(self, samples: int, size: int | None) -> None:
        self.total, self.size = samples, size or samples
        self.per_epoch = math.ceil(samples / self.size)
        self._orders: dict[tuple[int, int], Tensor] = {}

    def draw_samples(self, update: int, seeds: tuple[int, ...]) -> Tensor:
        """The sample numbers of one update, (R, n) int64; updates count from 0."""
        epoch, place = divmod(update, self.per_epoch)
        cut = slice(place * self.size, (place + 1) * self.size)
        return torch.stack([self._draw_order(seed, epoch)[cut] for seed in seeds])

    def _draw_order(self, seed: int, epoch: int) -> Tensor:
        if (seed, epoch) not in self._orders:
            self._orders = {k: v for k, v in self._orders.items() if k[1] == epoch}
            self._orders[seed, epoch] = torch.from_numpy(order(seed, epoch, self.total))
        return self._orders[seed, epoch]
