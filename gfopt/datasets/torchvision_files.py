"""The files of torchvision's data sets: find missing ones, extract archives, name damaged ones.

Source: torchvision 0.28, torchvision/datasets/mnist.py and cifar.py; names and md5 sums are read
from its classes. The idx format: LeCun, Cortes, Burges, http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gfopt.datasets.fetching import Source, describe_error, download_from, make_missing_error
from gfopt.datasets.fingerprints import digest_file
from gfopt.datasets.torchvision_import import torchvision_datasets
from gfopt.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """A set's files by their path in the data folder. Archives extract beside themselves."""

    files: dict[str, str | None]  # -> md5; None: an idx file, checked by its header
    archives: dict[str, tuple[str, frozenset[str]]]  # -> md5, the files in it


def idx_layout(kind: Any) -> Layout:
    """The files of a class like torchvision's MNIST: one archive for each."""
    archives = {f"{kind.__name__}/raw/{name}": md5 for name, md5 in kind.resources}
    return Layout(
        dict.fromkeys(name.removesuffix(".gz") for name in archives),
        {name: (md5, frozenset([name.removesuffix(".gz")])) for name, md5 in archives.items()},
    )


def cifar_layout(kind: Any) -> Layout:
    """The files of a class like torchvision's CIFAR10: one archive for all."""
    listed = [*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])]
    files: dict[str, str | None] = {f"{kind.base_folder}/{name}": md5 for name, md5 in listed}
    return Layout(files, {kind.filename: (kind.tgz_md5, frozenset(files))})


def open_part(
    kind: Any, layout: Layout, folder: Path, source: Source, *, offline: bool, train: bool
) -> Any:
    """The training or test part as torchvision reads it, after a download if files are missing."""
    _fetch_missing(layout, folder, source, offline, lambda: kind(root=folder, download=True))
    try:
        return kind(root=folder, train=train)
    except Exception as error:  # torchvision checks little and raises errors of many kinds
        raise _make_damage_error(layout, folder, source, error) from error


def _fetch_missing(
    layout: Layout, folder: Path, source: Source, offline: bool, download: Callable[[], Any]
) -> None:
    """Extract archives in the folder, then download what is still missing."""
    if not _find_absent(layout, folder):
        return
    unusable = _extract(layout, folder)
    absent = _find_absent(layout, folder)
    if absent and offline:
        raise make_missing_error(source, absent, folder, also=unusable)
    if absent:
        with download_from(source, folder):
            download()


def _find_absent(layout: Layout, folder: Path) -> list[Path]:
    return [folder / name for name in layout.files if not (folder / name).is_file()]


def _extract(layout: Layout, folder: Path) -> str:
    """Extract intact archives whose files are missing; returns sentences on damaged archives."""
    damaged = []
    for name, (md5, files) in layout.archives.items():
        archive = folder / name
        if not archive.is_file() or all((folder / file).is_file() for file in files):
            continue
        if digest_file(archive, "md5") != md5:
            damaged.append(f" The archive {archive} is damaged or not the published one.")
            continue
        try:
            torchvision_datasets().utils.extract_archive(archive, archive.parent)
        except OSError as error:  # a read-only or full disk
            raise DataError(f"{archive}: can't be extracted ({describe_error(error)})") from error
    return "".join(damaged)


def _make_damage_error(layout: Layout, folder: Path, source: Source, error: Exception) -> DataError:
    """The error for files that torchvision couldn't read; it names the damaged ones."""
    faults = []
    for name, md5 in layout.files.items():
        fault = _find_fault(folder / name, md5)
        if fault:
            faults.append(f"{folder / name} {fault}")
    what = "; ".join(faults) or f"torchvision can't read {folder} ({describe_error(error)})"
    return DataError(
        f"{source.name}: {what}. Remove it and let gfopt download it again. "
        f"{source.describe_manual_download(folder)}"
    )


def _find_fault(path: Path, md5: str | None) -> str | None:
    """The fault of a file in words, or None."""
    try:
        size = path.stat().st_size
        if size == 0:
            return "is empty"
        if md5 is None:
            return _find_idx_fault(path, size)
        found = digest_file(path, "md5")
    except OSError as error:
        return f"can't be read ({describe_error(error)})"
    return None if found == md5 else f"is damaged or not the published file ({size} bytes)"


def _find_idx_fault(path: Path, size: int) -> str | None:
    """Check an idx file of bytes: 0, 0, 8, number of dimensions, big-endian extents, values."""
    with path.open("rb") as file:
        head = file.read(16)
    dimensions = head[3] if len(head) > 3 else 0
    expected = 3 if "idx3" in path.name else 1
    if head[:3] != b"\0\0\x08" or dimensions != expected or len(head) < 4 + 4 * expected:
        return f"is not an idx{expected} file of bytes (it starts with {head[:4].hex(' ')})"
    extents = [int.from_bytes(head[4 + 4 * i : 8 + 4 * i], "big") for i in range(dimensions)]
    length = 4 + 4 * dimensions + math.prod(extents)
    return None if size == length else f"has {size} bytes, but its header says {length}"
