"""Fingerprints: SHA-256 of decoded arrays and files, to recognise the published data."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from gfopt.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from gfopt.numerics.array import Array


def digest_array(array: Array) -> str:
    """SHA-256 of the array's bytes in C order; whole numbers other than uint8 count as int64."""
    if array.dtype.kind in "iu" and array.dtype != np.uint8:
        array = array.astype(np.int64)
    if array.dtype.hasobject:  # never the published data; elements have no bytes of their own
        return hashlib.sha256(repr(array).encode()).hexdigest()
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def digest_file(path: Path, algorithm: str = "sha256") -> str:
    """The file's digest in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def check_array(array: Array, expected: str, name: str) -> Array:
    """Return the array if it is the published one. Raises DataError with `name` otherwise."""
    found = digest_array(array)
    if found != expected:
        raise DataError(
            f"{name}: not the published data (SHA-256 {found[:12]}…, expected {expected[:12]}…). "
            "Remove it and let gfopt download it again, or put the published file there."
        )
    return array
