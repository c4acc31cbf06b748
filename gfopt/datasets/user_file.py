"""A data set from the user's own file: .npz with x and y, or .csv with a header row.

Source: the user. The config names the file, so the class isn't registered under a name. For
scale: unit the divisor is the largest absolute value of the training samples, as nobody knows the
largest possible one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from gfopt.datasets.base import Array, Arrays, Dataset
from gfopt.datasets.csv_table import read_csv
from gfopt.datasets.fetching import in_one_line
from gfopt.datasets.fingerprints import file_digest
from gfopt.errors import DataError

LARGEST_CLASS = (
    65535  # beyond it, whole numbers are surely values; one column for each would be made
)


class UserFile(Dataset):
    """A file with keys x, y and optionally x_valid, y_valid (.npz), or a table (.csv)."""

    file: Annotated[str, Field(min_length=1, description="path to a .npz or .csv file")]
    target: Annotated[
        str | None, Field(description=".csv: the column to predict; by default the last")
    ] = None
    task: Annotated[
        Literal["classes", "values"] | None,
        Field(description="what y holds; by default decimals are values, all else classes"),
    ] = None

    def fingerprint(self) -> str:
        """SHA-256 of the file."""
        path = self._path()
        try:
            return file_digest(path)
        except OSError as error:
            raise DataError(f"{path}: can't be read ({in_one_line(error)})") from error

    def arrays(self, folder: Path, *, offline: bool) -> Arrays:
        """What the file holds; the data folder isn't used."""
        path = self._path()
        if path.suffix.lower() == ".csv":
            return Arrays(*read_csv(path, self.target, self.task))
        if self.target is not None:
            raise DataError(f"{path}: target names a column of a .csv file; a .npz has the key y")
        return _from_npz(path, self.task)

    def divisor(self, x: Array) -> float:
        """The largest absolute training value (1 where all are 0)."""
        return float(np.abs(x).max()) or 1.0

    def _path(self) -> Path:
        """The file, if it could be one."""
        path = Path(self.file)
        if path.suffix.lower() not in (".npz", ".csv"):
            raise DataError(f"{path}: must end in .npz or .csv")
        if not path.is_file():
            raise DataError(f"{path}: there is no such file")
        if path.stat().st_size == 0:
            raise DataError(f"{path}: is empty")
        return path


def _from_npz(path: Path, task: str | None) -> Arrays:
    """The arrays of a .npz, checked; the held-out part where there is one."""
    found = _load(path)
    x, y = _part(path, found, "x", "y", task)
    if not {"x_valid", "y_valid"} & set(found):
        return Arrays(x, y)
    x_valid, y_valid = _part(path, found, "x_valid", "y_valid", task)
    for name, train, valid in (("x", x, x_valid), ("y", y, y_valid)):
        if train.shape[1:] != valid.shape[1:] or train.dtype.kind != valid.dtype.kind:
            raise DataError(
                f"{path}: {name} {_is(train)} and {name}_valid {_is(valid)}; "
                "all samples must be alike"
            )
    return Arrays(x, y, x_valid, y_valid)


def _is(array: Array) -> str:
    return f"holds {array.dtype} of shape {array.shape}"


def _load(path: Path) -> dict[str, Array]:
    """All arrays of the file. NumPy raises BadZipFile, ValueError, EOFError and more."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            return dict(found.items())
    except Exception as error:
        raise DataError(
            f"{path}: damaged or not a .npz of plain arrays ({in_one_line(error)}). "
            "numpy.savez(file, x=x, y=y) writes one."
        ) from error


def _part(
    path: Path, found: dict[str, Array], x_key: str, y_key: str, task: str | None
) -> tuple[Array, Array]:
    """One checked pair: samples and what to predict."""
    for key in (x_key, y_key):
        if key not in found:
            raise DataError(
                f"{path}: has no key {key!r}, only {', '.join(sorted(found)) or 'none'}"
            )
        _check_numbers(path, key, found[key])
    x, y = found[x_key], found[y_key]
    if len(x) != len(y):
        raise DataError(f"{path}: {x_key} has {len(x)} samples and {y_key} {len(y)}")
    return (x[:, None] if x.ndim == 1 else x), _targets(path, y_key, y, task)


def _check_numbers(path: Path, key: str, array: Array) -> None:
    """Finite real numbers, at least one."""
    if array.dtype.kind not in "biuf":
        raise DataError(f"{path}: {key} must hold numbers (it holds {array.dtype})")
    if array.ndim == 0 or array.size == 0:
        raise DataError(f"{path}: {key} has shape {array.shape}; a row for each sample is needed")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise DataError(f"{path}: {key}{list(where)} is {array[where]}; every value must be finite")


def _targets(path: Path, key: str, y: Array, task: str | None) -> Array:
    """(N,) class numbers or (N, k) values."""
    if y.ndim == 1:
        y = y[:, None]
    if y.ndim > 2:
        raise DataError(f"{path}: {key} has shape {y.shape}; must be (N,) or (N, k)")
    if (task or ("values" if y.dtype.kind == "f" else "classes")) == "values":
        return y if y.dtype.kind == "f" else y.astype(np.float64)
    return _classes(path, key, y)


def _classes(path: Path, key: str, y: Array) -> Array:
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
