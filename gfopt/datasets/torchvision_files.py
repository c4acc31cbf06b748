"""The files of torchvision's data sets: which are there, which archives to extract, which is bad.

Source: torchvision 0.28, torchvision/datasets/mnist.py and cifar.py; names and md5 sums are read
from its classes. The idx format: LeCun, Cortes, Burges, http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gfopt.datasets.fetching import Source, fetching, in_one_line, missing
from gfopt.datasets.fingerprints import file_digest
from gfopt.datasets.torchvision_import import torchvision_datasets
from gfopt.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """A set's files by their path in the data folder. Archives extract beside themselves."""

    files: dict[str, str | None]  # -> md5; None: an idx file, judged by its header
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


def opened(
    kind: Any, layout: Layout, folder: Path, source: Source, *, offline: bool, train: bool
) -> Any:
    """The training or test part as torchvision reads it, after fetching what is missing."""
    _complete(layout, folder, source, offline, lambda: kind(root=folder, download=True))
    try:
        return kind(root=folder, train=train)
    except Exception as error:  # torchvision checks little and raises whatever comes
        raise _damage(layout, folder, source, error) from error


def _complete(
    layout: Layout, folder: Path, source: Source, offline: bool, download: Callable[[], Any]
) -> None:
    """Make every file be there, from archives in the folder first."""
    if not _absent(layout, folder):
        return
    unusable = _extract(layout, folder)
    absent = _absent(layout, folder)
    if absent and offline:
        raise missing(source, absent, folder, also=unusable)
    if absent:
        with fetching(source, folder):
            download()


def _absent(layout: Layout, folder: Path) -> list[Path]:
    return [folder / name for name in layout.files if not (folder / name).is_file()]


def _extract(layout: Layout, folder: Path) -> str:
    """Extract the archives that are needed and intact; a note on those that aren't intact."""
    damaged = []
    for name, (md5, files) in layout.archives.items():
        archive = folder / name
        if not archive.is_file() or all((folder / file).is_file() for file in files):
            continue
        if file_digest(archive, "md5") != md5:
            damaged.append(f" The archive {archive} is damaged or not the published one.")
            continue
        try:
            torchvision_datasets().utils.extract_archive(archive, archive.parent)
        except OSError as error:  # a read-only or full disk
            raise DataError(f"{archive}: can't be extracted ({in_one_line(error)})") from error
    return "".join(damaged)


def _damage(layout: Layout, folder: Path, source: Source, error: Exception) -> DataError:
    """The error for files that torchvision couldn't read, naming the bad ones."""
    faults = []
    for name, md5 in layout.files.items():
        fault = _fault(folder / name, md5)
        if fault:
            faults.append(f"{folder / name} {fault}")
    what = "; ".join(faults) or f"torchvision can't read {folder} ({in_one_line(error)})"
    return DataError(
        f"{source.name}: {what}. Remove it and let gfopt download it again. "
        f"{source.by_hand(folder)}"
    )


def _fault(path: Path, md5: str | None) -> str | None:
    """What is wrong with a file, if anything."""
    try:
        size = path.stat().st_size
        if size == 0:
            return "is empty"
        if md5 is None:
            return _idx_fault(path, size)
        found = file_digest(path, "md5")
    except OSError as error:
        return f"can't be read ({in_one_line(error)})"
    return None if found == md5 else f"is damaged or not the published file ({size} bytes)"


def _idx_fault(path: Path, size: int) -> str | None:
    """Check an idx file of bytes: 0, 0, 8, number of dimensions, big-endian extents, values."""
    with path.open("rb") as file:
        head = file.read(16)
    dimensions = head[3] if len(head) > 3 else 0
    expected = 3 if "idx3" in path.name else 1
    if head[:3] != b"\0\0\x08" or dimensions != expected or len(head) < 4 + 4 * expected:
        return f"is not an idx{expected} file of bytes (it starts with {head[:4].hex(' ')})"
    extents = [int.from_bytes(head[4 + 4 * i : 8 + 4 * i], "big") for i in range(dimensions)]
    length = 4 + 4 * dimensions + math.prod(extents)
    return None if size == length else f"has {size} bytes, by its header it must have {length}"
