"""A data set: options, a fingerprint that needs no arrays, and arrays from files."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from gfopt.options import Options
from gfopt.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

from gfopt.numerics.array import Array

datasets: Registry[type[Dataset]] = Registry("dataset", "gfopt.datasets")


@dataclass(frozen=True)
class Arrays:
    """The arrays in a data set's files. Rows are samples, values are as published.

    x (N, ...), y (N,) class numbers or (N, k) values; held-out and test samples have the same form.
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
        "default: the data set's own held-out part",
    ),
]


class Dataset(Options):
    """A data set's options. A subclass is one file in this folder, registered by its decorator."""

    scale: Annotated[
        Literal["raw", "unit", "standard"],
        Field(
            description="raw: as published; unit: divided by the largest possible value; "
            "standard: mean 0 and variance 1 per feature over the training samples"
        ),
    ] = "raw"
    validation: HeldOut = None

    samples: ClassVar[int | None] = None  # rows of Arrays.x, if known without reading
    features: ClassVar[int | None] = None
    classes: ClassVar[int | None] = None  # None: values, or not known without reading
    largest: ClassVar[float] = 1.0  # the divisor of scale: unit
    # Shape of a sample for a convolution, channels first, in the order of the flat features. None:
    # the arrays' own shape (cat: 64 x 64 x 3, channels last, as in its published flat order).
    sample_shape: ClassVar[tuple[int, ...] | None] = None

    own_validation: ClassVar[bool] = False  # whether it has its own held-out part

    @property
    def holds_out(self) -> bool:
        """Whether there are held-out samples, as far as known without reading the files."""
        return self.own_validation or self.validation is not None

    @property
    def holds_out_test(self) -> bool:
        """Whether the held-out samples are the published test samples."""
        return False

    @abstractmethod
    def fingerprint(self) -> str:
        """A text that identifies the arrays. Needs no torch and, for a registered set, no files."""

    @abstractmethod
    def arrays(self, folder: Path, *, offline: bool) -> Arrays:
        """Read the arrays; download missing files unless offline. Raises DataError."""

    def divisor(self, x: Array) -> float:
        """The divisor of scale: unit for these training samples: the largest possible value."""
        return self.largest
