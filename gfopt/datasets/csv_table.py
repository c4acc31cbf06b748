"""A .csv with a header row as arrays: columns of numbers, and one column to predict.

Source: RFC 4180, comma-separated, UTF-8. Errors name the line of the file and the column.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gfopt.errors import DataError, unknown

if TYPE_CHECKING:
    from pathlib import Path

    from gfopt.datasets.base import Array


@dataclass(frozen=True)
class _Table:
    path: Path
    header: list[str]
    lines: list[int]  # of each row in the file
    rows: list[list[str]]

    def wrong(self, row: int, column: int, needed: str) -> DataError:
        """The error for one cell."""
        cell = self.rows[row][column]
        return DataError(
            f"{self.path}: line {self.lines[row]}, column {self.header[column]!r}: "
            f"must be {needed} (got {cell!r})"
        )


def read_csv(path: Path, target: str | None, task: str | None) -> tuple[Array, Array]:
    """x (N, features) and y: (N,) class numbers or (N, 1) values.

    Without a task, decimals are values; text and whole numbers are classes. Classes are numbered
    from 0 in the order of their sorted names.
    """
    table = _read(path)
    column = _target_column(table, target)
    features = [c for c in range(len(table.header)) if c != column]
    x = np.array([[_number(table, r, c) for c in features] for r in range(len(table.rows))])
    return x, _targets(table, column, task)


def _read(path: Path) -> _Table:
    """The cells without surrounding blanks; a byte-order mark and blank lines are skipped."""
    lines, rows = [], []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            for row in reader:
                if any(cell.strip() for cell in row):
                    lines.append(reader.line_num)
                    rows.append([cell.strip() for cell in row])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a comma-separated text file in UTF-8 ({error})") from error
    return _checked(path, lines, rows)


def _checked(path: Path, lines: list[int], rows: list[list[str]]) -> _Table:
    """A header with names, rows of its length."""
    if len(rows) < 2 or len(rows[0]) < 2:
        found = f"{len(rows)} x {len(rows[0]) if rows else 0} cells"
        raise DataError(
            f"{path}: needs a header row, samples below it, and two or more columns "
            f"separated by commas (found {found})"
        )
    if all(_parsed(cell) is not None for cell in rows[0]):
        raise DataError(f"{path}: the first row must name the columns (got {','.join(rows[0])!r})")
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(rows[0]):
            raise DataError(f"{path}: line {line} has {len(row)} cells, the header {len(rows[0])}")
    return _Table(path, rows[0], lines[1:], rows[1:])


def _target_column(table: _Table, target: str | None) -> int:
    """The index of the column to predict."""
    if target is None:
        return len(table.header) - 1
    if target not in table.header:
        raise DataError(f"{table.path}: {unknown('column', target, table.header)}")
    if table.header.count(target) > 1:
        raise DataError(f"{table.path}: {table.header.count(target)} columns are named {target!r}")
    return table.header.index(target)


def _parsed(cell: str) -> float | None:
    """The number a cell holds, infinities and NaN too; None: text."""
    try:
        return float(cell)
    except ValueError:
        return None


def _number(table: _Table, row: int, column: int) -> float:
    """A cell that must be a finite number."""
    value = _parsed(table.rows[row][column])
    if value is None or not math.isfinite(value):
        raise table.wrong(row, column, "a finite number")
    return value


def _targets(table: _Table, column: int, task: str | None) -> Array:
    """The target column as class numbers (N,) or values (N, 1)."""
    if (task or _guessed(table, column)) == "values":
        return np.array([[_number(table, row, column)] for row in range(len(table.rows))])
    names = [row[column] for row in table.rows]
    for row, name in enumerate(names):
        if not name:
            raise table.wrong(row, column, "the name or number of a class")
    numbers = [_parsed(name) for name in names]
    if None in numbers:
        return np.unique(names, return_inverse=True)[1].astype(np.int64)
    finite = [_number(table, row, column) for row in range(len(names))]
    return np.unique(finite, return_inverse=True)[1].astype(np.int64)


def _guessed(table: _Table, column: int) -> str:
    """Values if there are decimals: text among them is a mistake, to be refused by its line."""
    numbers = [_parsed(row[column]) for row in table.rows]
    finite = [number for number in numbers if number is not None and math.isfinite(number)]
    return "classes" if all(number.is_integer() for number in finite) else "values"
