"""The two sides of a comparison: runs that are found in folders or in a saved baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from gfopt.errors import UsageError
from gfopt.records import SCHEMA, Record, find_folders, read_record, write_whole

_RECORDS = TypeAdapter(list[Record])
# of a record, what no comparison reads: what is compared stands in its identity
_UNREAD: dict[str, Any] = {"levels": {}, "phases": {}, "cpu_phases": {}, "config": {}, "notes": []}


class Name(NamedTuple):
    """What a row is called: the same on both sides."""

    dataset: str
    label: str
    target: str | None

    def __str__(self) -> str:
        aim = f" to {self.target}" if self.target else ""
        return f"{self.dataset}/{self.label}{aim}"


def name_of(record: Record) -> Name:
    """The row that a run belongs to."""
    return Name(record.dataset, record.label, record.target)


@dataclass(frozen=True)
class Side:
    """The runs of BASE or of HEAD.

    `failed` are the messages of runs that raised; `notes` what a reader should know of the runs;
    `repeats` the seconds of each row and seed that was timed several times, in order.
    """

    records: tuple[Record, ...]
    failed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    repeats: Mapping[tuple[Name, int], list[float]] = field(default_factory=dict)

    @property
    def views(self) -> tuple[Record, ...]:
        """A record for each run and target; runs made once more for their seconds left out."""
        return tuple(v for record in self.records if record.repeat == 1 for v in record.views())

    def only(self, seeds: tuple[int, ...] | None) -> Side:
        """The runs of these seeds alone; all where none are named."""
        kept = tuple(r for r in self.records if seeds is None or r.seed in seeds)
        return replace(self, records=kept)


def is_saved(given: str) -> bool:
    """Whether a side's runs are there already: a folder or a baseline, not a config."""
    return Path(given).is_dir() or Path(given).suffix == ".json"


def read_side(given: str) -> Side:
    """The runs in a folder, or at any depth below it, or in a baseline file.

    Raises UsageError where there are none, or where the file is no baseline of this gfopt.
    """
    path = Path(given)
    side = _in_folders(path) if path.is_dir() else Side(tuple(_in_baseline(path)))
    if not side.records:
        raise UsageError(
            f"{given}: holds no runs: give a folder with runs in it, like results/digits, a "
            "baseline that --save wrote, or a config"
        )
    return side


def save_baseline(path: Path, records: Iterable[Record]) -> None:
    """A JSON list with a record a line, in a fixed order: small, and its diffs can be read."""
    ordered = sorted(records, key=lambda r: (r.experiment, name_of(r)[:2], r.seed, r.id))
    lines = [record.model_copy(update=_UNREAD).model_dump_json() for record in ordered]
    write_whole(path, "[\n" + ",\n".join(lines) + "\n]\n")


def _in_folders(path: Path) -> Side:
    """Every run at or below the path, once."""
    found: dict[str, Record] = {}
    foreign = []
    for folder in find_folders(path):
        record = read_record(folder)
        if record:
            found.setdefault(record.id, record)
        else:
            foreign.append(f"left out, no record of this gfopt: {folder / 'record.json'}")
    return Side(tuple(found.values()), notes=tuple(foreign))


def _in_baseline(path: Path) -> list[Record]:
    try:
        records = _RECORDS.validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        raise UsageError(f"{path}: no baseline: {_first(error)}; {_REMEDY}") from error
    check_schema(records, str(path))
    return records


def check_schema(records: Iterable[Record], source: str) -> None:
    """UsageError where records of another gfopt mean something else by their fields."""
    foreign = {record.record_schema for record in records} - {SCHEMA}
    if foreign:
        raise UsageError(
            f"{source}: records of schema {min(foreign)}, this gfopt's are of {SCHEMA}; {_REMEDY}"
        )


_REMEDY = "make it anew with `gfopt compare RUNS --save FILE`"


def _first(error: ValidationError) -> str:
    """The first of a validation's complaints, with its place."""
    found = error.errors()[0]
    place = ".".join(map(str, found["loc"]))
    return f"{place}: {found['msg']}" if place else found["msg"]
