"""From published arrays to training data: held-out samples, scale, precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gfopt.datasets.base import Arrays, Data, Dataset
from gfopt.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gfopt.numerics.array import Array


def prepare(dataset: Dataset, folder: Path, *, precision: str, offline: bool) -> Data:
    """Read, split and scale a data set: x (N, d) in `precision`, "float32" or "float64"."""
    arrays = dataset.arrays(folder, offline=offline)
    if isinstance(dataset.validation, int):
        arrays = _hold_out(arrays, dataset.validation)
    x, *others = _scale(dataset, arrays, np.dtype(precision))
    shape = dataset.sample_shape or arrays.x.shape[1:]
    assert x is not None
    return Data(x, arrays.y, others[0], arrays.y_valid, shape, others[1], arrays.y_test)


def _hold_out(arrays: Arrays, count: int) -> Arrays:
    """Keep the last `count` samples of RandomState(0).permutation(N) for validation."""
    if count >= len(arrays.x):
        raise UsageError(
            f"dataset.validation: must be under the {len(arrays.x)} samples of the data set "
            f"(got {count})"
        )
    order = np.random.RandomState(0).permutation(len(arrays.x))
    train, valid = order[:-count], order[-count:]
    held_out = arrays.x[valid], arrays.y[valid]
    return Arrays(arrays.x[train], arrays.y[train], *held_out, arrays.x_test, arrays.y_test)


def _scale(dataset: Dataset, arrays: Arrays, dtype: np.dtype[Any]) -> Iterator[Array | None]:
    """Training, held-out and test part as (N, d) in dtype, scaled as the options say."""
    all_parts = (arrays.x, arrays.x_valid, arrays.x_test)
    parts = [part for part in all_parts if part is not None]
    flat = [_cast(part.reshape(len(part), -1), dtype) for part in parts]
    if dataset.scale == "unit":
        divisor = dtype.type(dataset.divisor(flat[0]))
        for part in flat:
            part /= divisor
    elif dataset.scale == "standard":
        flat = _standardise(flat)
    scaled = iter(flat)
    yield from (None if part is None else next(scaled) for part in all_parts)


def _cast(x: Array, dtype: np.dtype[Any]) -> Array:
    """A copy in the given precision. Raises DataError for values beyond its range."""
    with np.errstate(over="ignore"):
        cast = x.astype(dtype)
    if x.dtype.kind == "f" and x.dtype.itemsize > dtype.itemsize and not np.isfinite(cast).all():
        largest = np.abs(x).max()
        raise DataError(f"the data contain {largest:.3g}, beyond {dtype}: use precision: float64")
    return cast


def _standardise(parts: list[Array]) -> list[Array]:
    """Mean 0 and variance 1 per feature over the first part; constant features become 0."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(parts[0])
    return [scaler.transform(part) for part in parts]
