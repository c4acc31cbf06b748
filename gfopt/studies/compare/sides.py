"""The two sides of a comparison: runs read from folders or from a saved baseline."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from gfopt.errors import UsageError
from gfopt.records.atomic import write_atomically
from gfopt.records.record import SCHEMA, Record
from gfopt.records.store import find_folders, read_record

BASELINE_SCHEMA = 1  # a file without one, a list of records alone, is older and is read too
_RECORDS = TypeAdapter(list[Record])
# fields of a record that no comparison reads: what is compared stands in its identity
_UNREAD: dict[str, Any] = {"levels": {}, "phases": {}, "cpu_phases": {}, "config": {}, "notes": []}
_REMEDY = "write it again with `gfopt compare RUNS --save FILE`"


class RowName(NamedTuple):
    """What identifies a row on both sides."""

    dataset: str
    label: str
    target: str | None

    def __str__(self) -> str:
        return f"{self.dataset}/{self.label}" + (f" to {self.target}" if self.target else "")


def name_row(record: Record) -> RowName:
    """The row that a run belongs to."""
    return RowName(record.dataset, record.label, record.target)


@dataclass(frozen=True)
class Side:
    """The runs of BASE or of HEAD."""

    records: tuple[Record, ...]
    failed: tuple[str, ...] = ()  # messages of the runs that raised
    notes: tuple[str, ...] = ()  # what a reader should know of the runs
    # seconds of each row and seed that was timed several times, in order
    repeats: Mapping[tuple[RowName, int], list[float]] = field(default_factory=dict)

    @property
    def views(self) -> tuple[Record, ...]:
        """A record for each run and target, without the repeats that measure timing noise."""
        return tuple(v for record in self.records if record.repeat == 1 for v in record.views())

    def select_seeds(self, seeds: tuple[int, ...] | None) -> Side:
        """The runs of these seeds only; all runs if None."""
        kept = tuple(r for r in self.records if seeds is None or r.seed in seeds)
        return replace(self, records=kept)


def is_saved(given: str) -> bool:
    """Whether a side's runs exist already: in a folder or a baseline, not a config."""
    return Path(given).is_dir() or Path(given).suffix == ".json"


def read_side(given: str) -> Side:
    """The runs in a folder, at any depth below it, or in a baseline file.

    Raises UsageError if there are none, or if the file is no baseline that this gfopt reads.
    """
    path = Path(given)
    side = _read_folders(path) if path.is_dir() else Side(tuple(_read_baseline(path)))
    if not side.records:
        raise UsageError(
            f"{given}: no runs found: give a folder of runs such as results/digits, a baseline "
            "written with --save, or a config"
        )
    return side


def save_baseline(path: Path, records: Iterable[Record]) -> None:
    """A small JSON file with a record a line, in a fixed order, so that diffs are readable."""
    ordered = sorted(records, key=lambda r: (r.experiment, name_row(r)[:2], r.seed, r.id))
    lines = [record.model_copy(update=_UNREAD).model_dump_json() for record in ordered]
    text = ",\n".join(lines)
    write_atomically(path, f'{{"schema": {BASELINE_SCHEMA}, "records": [\n{text}\n]}}\n')


def check_schema(records: Iterable[Record], source: str, remedy: str) -> None:
    """Raise UsageError if the fields of these records may mean something else to this gfopt."""
    foreign = {record.record_schema for record in records} - {SCHEMA}
    if foreign:
        raise UsageError(
            f"{source}: holds records of schema {min(foreign)}, this gfopt reads schema 2 and "
            f"{SCHEMA}: {remedy}"
        )


def _read_folders(path: Path) -> Side:
    """Every run at or below the path, once."""
    found: dict[str, Record] = {}
    foreign = []
    for folder in find_folders(path):
        record = read_record(folder)
        if record:
            found.setdefault(record.id, record)
        else:
            foreign.append(f"skipped, not a record of this gfopt: {folder / 'record.json'}")
    return Side(tuple(found.values()), notes=tuple(foreign))


def _read_baseline(path: Path) -> list[Record]:
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path}: not a baseline: {error}: {_REMEDY}") from error
    if isinstance(values, dict):
        if values.get("schema") != BASELINE_SCHEMA:
            raise UsageError(
                f"{path}: not a baseline of schema {BASELINE_SCHEMA} "
                f"(its schema: {values.get('schema')}): {_REMEDY}"
            )
        values = values.get("records")
    try:
        records = _RECORDS.validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"{key}." for key in first["loc"]).rstrip(".")
        where = f"record {place}: " if place else ""
        raise UsageError(f"{path}: not a baseline: {where}{first['msg']}: {_REMEDY}") from error
    check_schema(records, str(path), _REMEDY)
    return records
