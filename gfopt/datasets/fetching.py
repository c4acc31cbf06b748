"""Missing files and failed downloads: errors that say which files to put where."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gfopt.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

log = logging.getLogger("gfopt")


@dataclass(frozen=True)
class Source:
    """The source of a data set's files."""

    name: str  # of the data set
    address: str
    megabytes: float  # of the download
    files: str  # to put there by hand
    place: str = ""  # of the files in the data folder

    def describe_manual_download(self, folder: Path) -> str:
        """The sentence on how to download the files by hand."""
        where = folder / self.place
        return f"By hand: take {self.files} from {self.address} and put them into {where}."


def make_missing_error(
    source: Source, paths: Iterable[Path], folder: Path, *, also: str = ""
) -> DataError:
    """The error for missing files in an offline run."""
    names = ", ".join(str(path) for path in paths)
    return DataError(
        f"{source.name}: missing {names}.{also} Run once without --offline to download "
        f"{source.megabytes:g} MB. {source.describe_manual_download(folder)}"
    )


@contextmanager
def download_from(source: Source, folder: Path) -> Iterator[None]:
    """Announce a download. Any error in it becomes a DataError with the way out."""
    log.info(
        "%s: downloading %g MB from %s to %s",
        source.name,
        source.megabytes,
        source.address,
        folder,
    )
    try:
        yield
    except Exception as error:  # URLError, OSError, RuntimeError, EOFError, zlib.error, ...
        raise DataError(
            f"{source.name}: the download from {source.address} failed "
            f"({describe_error(error)}). {source.describe_manual_download(folder)}"
        ) from error


def describe_error(error: Exception) -> str:
    """Another library's error as part of a sentence, on one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines)}" if lines else type(error).__name__
