"""Read and write run folders: record.json, history.csv and weights.safetensors.

A run's folder is <experiment>/runs/<run id>. It appears whole or not at all.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from pydantic import TypeAdapter

from gfopt.records.evaluation import Evaluation
from gfopt.records.record import SCHEMA, Record

FILES = ("record.json", "history.csv", "weights.safetensors")  # of a finished run
_HISTORY = TypeAdapter(list[Evaluation])


def read_record(folder: Path) -> Record | None:
    """The record in a run's folder; None if it is missing, damaged or of another schema."""
    try:
        record = Record.model_validate_json((folder / "record.json").read_bytes())
    except (OSError, ValueError):
        return None
    return record if record.record_schema == SCHEMA else None


def read_finished(folder: Path) -> Record | None:
    """The record of a finished run; None if a file is missing or unreadable."""
    complete = all((folder / name).is_file() for name in FILES)
    return read_record(folder) if complete else None


def find_folders(path: Path) -> list[Path]:
    """The run folders at or below a path, sorted by name; unfinished ones are left out."""
    folders = sorted(file.parent for file in path.rglob("record.json"))
    return [folder for folder in folders if not folder.name.startswith(".")]


def read_history(folder: Path) -> list[Evaluation]:
    """The evaluations of a run, in order."""
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        lines = [
            {name: value or None for name, value in line.items()} for line in csv.DictReader(file)
        ]
    return _HISTORY.validate_python(lines)


def write_history(folder: Path, history: Iterable[Evaluation]) -> None:
    """history.csv: a line for each evaluation, at full precision."""
    with (folder / "history.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Evaluation._fields)
        writer.writerows(history)


def write_record(folder: Path, record: Record) -> None:
    """record.json."""
    text = record.model_dump_json(indent=1)
    (folder / "record.json").write_text(text + "\n", encoding="utf-8")
