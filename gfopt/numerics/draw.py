"""Constants and seeds for an optimizer's first state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Draw:
    """The seeds of vectorized runs, as tensors for an optimizer's first state."""

    seeds: tuple[int, ...]
    device: torch.device
    dtype: torch.dtype

    def full(self, value: float) -> Tensor:
        """The same value for every seed, (R,)."""
        import torch

        return torch.full((len(self.seeds),), value, device=self.device, dtype=self.dtype)

    def seed(self) -> Tensor:
        """The seeds, (R,) int64. `noise` takes them with a counter of the state."""
        import torch

        return torch.tensor(self.seeds, device=self.device, dtype=torch.int64)
