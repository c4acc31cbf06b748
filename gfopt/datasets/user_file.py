"""A data set from the user's own file: .npz with x and y, or .csv with a header row.

Source: the user. The config names the file, so the class isn't registered under a name. The divisor
of scale: unit is the largest absolute value of the training samples, since the largest possible
value is unknown.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from gfopt.datasets.base import Arrays, Dataset
from gfopt.datasets.csv_table import read_csv
from gfopt.datasets.fetching import describe_error
from gfopt.datasets.fingerprints import digest_file
from gfopt.errors import DataError
from gfopt.numerics.array import Array

LARGEST_CLASS = 65535  # larger whole numbers are values: each class would be a column


class UserFile(Dataset):
    """A file with keys x, y and optionally x_valid, y_valid (.npz), or a table (.csv)."""

    file: Annotated[str, Field(min_length=1, description="path to a .npz or .csv file")]
    target: Annotated[
        str | None, Field(description=".csv: the column to predict; default: the last")
    ] = None
    task: Annotated[
        Literal["classes", "values"] | None,
        Field(
            description="kind of targets; default: values for decimals, classes for anything else"
        ),
    ] = None

    def fingerprint(self) -> str:
        """SHA-256 of the file."""
        path = self._find_file()
        try:
            return digest_file(path)
        except OSError as error:
            raise DataError(f"{path}: can't be read ({describe_error(error)})") from error

    def arrays(self, folder: Path, *, offline: bool) -> Arrays:
        """The arrays in the file; the data folder is unused."""
        path = self._find_file()
        if path.suffix.lower() == ".csv":
            return Arrays(*read_csv(path, self.target, self.task))
        if self.target is not None:
            raise DataError(
                f"{path}: target names a column of a .csv file, and a .npz has the key y: remove it"
            )
        return _from_npz(path, self.task)

    def divisor(self, x: Array) -> float:
        """The largest absolute training value (1 where all are 0)."""
        return float(np.abs(x).max()) or 1.0

    def _find_file(self) -> Path:
        """The file's path. Raises DataError if it can't be read as data."""
        path = Path(self.file)
        if path.suffix.lower() not in (".npz", ".csv"):
            raise DataError(f"{path}: must end in .npz or .csv")
        if not path.is_file():
            raise DataError(f"{path}: there is no such file")
        if path.stat().st_size == 0:
            raise DataError(f"{path}: is empty")
        return path


def _from_npz(path: Path, task: str | None) -> Arrays:
    """The checked arrays of a .npz, with the held-out part if there is one."""
    arrays = _load(path)
    x, y = _read_part(path, arrays, "x", "y", task)
    if not {"x_valid", "y_valid"} & set(arrays):
        return Arrays(x, y)
    x_valid, y_valid = _read_part(path, arrays, "x_valid", "y_valid", task)
    for name, train, valid in (("x", x, x_valid), ("y", y, y_valid)):
        if train.shape[1:] != valid.shape[1:] or train.dtype.kind != valid.dtype.kind:
            raise DataError(
                f"{path}: {name} holds {train.dtype} of shape {train.shape} and {name}_valid holds "
                f"{valid.dtype} of shape {valid.shape}; all samples must be alike"
            )
    return Arrays(x, y, x_valid, y_valid)


def _load(path: Path) -> dict[str, Array]:
    """All arrays of the file. Raises DataError; NumPy raises errors of many kinds."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return dict(arrays.items())
    except Exception as error:
        raise DataError(
            f"{path}: damaged or not a .npz of plain arrays ({describe_error(error)}). "
            "Write one with numpy.savez(file, x=x, y=y)."
        ) from error


def _read_part(
    path: Path, arrays: dict[str, Array], x_key: str, y_key: str, task: str | None
) -> tuple[Array, Array]:
    """One checked pair: samples and targets."""
    for key in (x_key, y_key):
        if key not in arrays:
            raise DataError(
                f"{path}: has no key {key!r}. It has {', '.join(sorted(arrays)) or 'none'}"
            )
        _check_numbers(path, key, arrays[key])
    x, y = arrays[x_key], arrays[y_key]
    if len(x) != len(y):
        raise DataError(f"{path}: {x_key} has {len(x)} samples and {y_key} {len(y)}")
    return (x[:, None] if x.ndim == 1 else x), _read_targets(path, y_key, y, task)


def _check_numbers(path: Path, key: str, array: Array) -> None:
    """Raise DataError unless the array holds finite real numbers, at least one."""
    if array.dtype.kind not in "biuf":
        raise DataError(f"{path}: {key} must hold numbers (it holds {array.dtype})")
    if array.ndim == 0 or array.size == 0:
        raise DataError(f"{path}: {key} has shape {array.shape}; it must have a row per sample")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise DataError(f"{path}: {key}{list(where)} is {array[where]}; every value must be finite")


def _read_targets(path: Path, key: str, y: Array, task: str | None) -> Array:
    """(N,) class numbers or (N, k) values."""
    if y.ndim == 1:
        y = y[:, None]
    if y.ndim > 2:
        raise DataError(f"{path}: {key} has shape {y.shape}; must be (N,) or (N, k)")
    if (task or ("values" if y.dtype.kind == "f" else "classes")) == "values":
        return y if y.dtype.kind == "f" else y.astype(np.float64)
    return _read_classes(path, key, y)


def _read_classes(path: Path, key: str, y: Array) -> Array:
    """Class numbers (N,) from a column of them."""
    if y.shape[1] != 1:
        raise DataError(f"{path}: {key} has shape {y.shape}; class numbers must be (N,)")
    numbers = y[:, 0]
    wrong = (numbers < 0) | (numbers > LARGEST_CLASS) | (numbers != np.trunc(numbers))
    if wrong.any():
        raise DataError(
            f"{path}: {key} holds {numbers[wrong][0]}; class numbers are whole, from 0 to at most "
            f"{LARGEST_CLASS}. If these are values to predict, set task: values"
        )
    return numbers.astype(np.int64)
