"""The five samples of SynaPrune's own demonstration: three binary inputs, one value.

Source: Jigusheng/SynaPrune, SynaPrune_experimental.py (25 December 2022).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from gfopt.datasets.base import Arrays, Dataset, datasets

if TYPE_CHECKING:
    from pathlib import Path

INPUTS = ((0, 0, 1), (0, 0, 0), (0, 1, 0), (0, 1, 1), (1, 0, 0))
TARGETS = (1, 0, 1, 0, 1)


@datasets.register("synaprune_demo")
class SynaPruneDemo(Dataset):
    """001, 000, 010, 011, 100 with the values 1, 0, 1, 0, 1; offline."""

    samples: ClassVar[int | None] = 5
    features: ClassVar[int | None] = 3

    def fingerprint(self) -> str:
        """The samples themselves, as canonical JSON."""
        return json.dumps({"synaprune_demo": [INPUTS, TARGETS]}, separators=(",", ":"))

    def arrays(self, folder: Path, *, offline: bool) -> Arrays:
        """Inputs (5, 3) and values (5, 1); the folder is unused."""
        return Arrays(np.array(INPUTS, float), np.array(TARGETS, float)[:, None])
