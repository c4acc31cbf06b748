"""What a data set is: options, a fingerprint that needs no arrays, and arrays from files."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from gfopt.options import Options
from gfopt.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

Array = np.ndarray[Any, np.dtype[Any]]

datasets: Registry[type[Dataset]] = Registry("dataset", "gfopt.datasets")


@dataclass(frozen=True)
class Arrays:
    """What the files of a data set hold, rows are samples, values as published.

    x (N, ...), y (N,) class numbers or (N, k) values; the held-out part likewise, if there is one,
    and test samples beside it.
    """

    x: Array
    y: Array
    x_valid: Array | None = None
    y_valid: Array | None = None
    x_test: Array | None = None
    y_test: Array | None = None


@dataclass(frozen=True)
class Data:
    """A data set ready for training: x (N, d) scaled, y (N,) class numbers or (N, k) values."""

    x: Array
    y: Array
    x_valid: Array | None
    y_valid: Array | None
    sample_shape: tuple[int, ...]  # of one x before it was flattened: see Dataset.sample_shape
    x_test: Array | None = None
    y_test: Array | None = None


HeldOut = Annotated[
    int | None,
    Field(
        ge=1,
        description="samples held out for validation, the last of a fixed permutation; "
        "by default the set's own held-out part",
    ),
]


class Dataset(Options):
    """A data set's options. A subclass is one file in this folder, registered by its decorator."""

    scale: Annotated[
        Literal["raw", "unit", "standard"],
        Field(
            description="raw: as published; unit: divided by the largest possible value; "
            "standard: mean 0 and variance 1 per feature, by the training samples"
        ),
    ] = "raw"
    validation: HeldOut = None

    samples: ClassVar[int | None] = None  # rows of Arrays.x, where known without reading
    features: ClassVar[int | None] = None
    classes: ClassVar[int | None] = None  # None: values, or not known without reading
    largest: ClassVar[float] = 1.0  # what scale: unit divides by
    # One sample for a convolution, channels first, in the order of the flat features. None: the
    # arrays' own shape (cat: 64 x 64 x 3, channels last, as its flat order is the published one).
    sample_shape: ClassVar[tuple[int, ...] | None] = None

    own_validation: ClassVar[bool] = False  # whether it comes with a held-out part

    @property
    def holds_out(self) -> bool:
        """Whether there are held-out samples, as far as is known without reading."""
        return self.own_validation or self.validation is not None

    @property
    def holds_out_test(self) -> bool:
        """Whether the held-out samples are the published test samples."""
        return False

    @abstractmethod
    def fingerprint(self) -> str:
        """What identifies the arrays; needs neither torch nor, for a known set, the files."""

    @abstractmethod
    def arrays(self, folder: Path, *, offline: bool) -> Arrays:
        """Read, and download what is missing unless offline. Raises DataError."""

    def divisor(self, x: Array) -> float:
        """What scale: unit divides by, given the training samples: the largest possible value."""
        return self.largest
