"""A parabola to fit: s standard normal, target x = 2 s^2 + 5.

Source: the post "How to train neural networks without gradient descent", which draws its 10000
samples without a seed; here they come from numpy.random.RandomState(seed), whose stream is frozen.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from gfopt.datasets.base import Arrays, Dataset, datasets

if TYPE_CHECKING:
    from pathlib import Path


@datasets.register("quadratic")
class Quadratic(Dataset):
    """2 s^2 + 5 of a standard normal s, one feature, one value; drawn, offline."""

    scale: Annotated[
        Literal["raw", "standard"],
        Field(description="raw: as drawn; standard: mean 0 and variance 1"),
    ] = "raw"  # a normal variable has no largest value to divide by
    count: Annotated[int, Field(ge=1, description="samples to draw")] = 10000
    seed: Annotated[int, Field(ge=0, lt=2**32, description="seed of the samples")] = 0

    features: ClassVar[int | None] = 1

    def fingerprint(self) -> str:
        """The options of the draw, as canonical JSON."""
        drawn = {"quadratic": {"count": self.count, "seed": self.seed}}
        return json.dumps(drawn, sort_keys=True, separators=(",", ":"))

    def arrays(self, folder: Path, *, offline: bool) -> Arrays:
        """s (count, 1) and 2 s^2 + 5; the folder is unused."""
        s = np.random.RandomState(self.seed).standard_normal((self.count, 1))
        return Arrays(s, 2 * s**2 + 5)
