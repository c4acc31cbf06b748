"""Missing files: the sentence that says what to put where, and downloads that fail with it."""

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
    """Where a data set comes from."""

    name: str  # the data set's
    address: str
    megabytes: float  # to download
    files: str  # what to put there by hand
    place: str = ""  # where, in the data folder

    def by_hand(self, folder: Path) -> str:
        """What the user can do without a download by gfopt."""
        where = folder / self.place
        return f"By hand: take {self.files} from {self.address} and put them into {where}."


def missing(source: Source, paths: Iterable[Path], folder: Path, *, also: str = "") -> DataError:
    """The error for files that aren't there while offline."""
    names = ", ".join(str(path) for path in paths)
    return DataError(
        f"{source.name}: missing {names}.{also} Run once without --offline to download "
        f"{source.megabytes:g} MB. {source.by_hand(folder)}"
    )


@contextmanager
def fetching(source: Source, folder: Path) -> Iterator[None]:
    """Announce a download; whatever stops it becomes a DataError that says how to do without."""
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
            f"({in_one_line(error)}). {source.by_hand(folder)}"
        ) from error


def in_one_line(error: Exception) -> str:
    """What an error of another library says, as part of a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines)}" if lines else type(error).__name__
