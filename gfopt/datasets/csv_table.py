"""A .csv with a header row as arrays: columns of numbers, and one column of targets.

Source: RFC 4180, comma-separated, UTF-8. Errors name the line of the file and the column.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gfopt.errors import DataError, describe_unknown

if TYPE_CHECKING:
    from pathlib import Path

    from gfopt.numerics.array import Array


@dataclass(frozen=True)
class _Table:
    path: Path
    header: list[str]
    lines: list[int]  # of each row in the file
    rows: list[list[str]]

    def make_error(self, row: int, column: int, expected: str) -> DataError:
        """The error for a cell that is not `expected`."""
        cell = self.rows[row][column]
        return DataError(
            f"{self.path}: line {self.lines[row]}, column {self.header[column]!r}: "
            f"must be {expected} (got {cell!r})"
        )


def read_csv(path: Path, target: str | None, task: str | None) -> tuple[Array, Array]:
    """x (N, features) and y: (N,) class numbers or (N, 1) values.

    Without a task, decimals are values; text and whole numbers are classes. Classes are numbered
    from 0 in the order of their sorted names. Raises DataError with line and column.
    """
    table = _read(path)
    column = _find_target_column(table, target)
    features = [c for c in range(len(table.header)) if c != column]
    x = np.array([[_read_number(table, r, c) for c in features] for r in range(len(table.rows))])
    return x, _read_targets(table, column, task)


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
    return _check_table(path, lines, rows)


def _check_table(path: Path, lines: list[int], rows: list[list[str]]) -> _Table:
    """The table, if it has a header of names and rows of its length. Raises DataError."""
    if len(rows) < 2 or len(rows[0]) < 2:
        size = f"{len(rows)} x {len(rows[0]) if rows else 0} cells"
        raise DataError(
            f"{path}: needs a header row, samples below it, and two or more columns "
            f"separated by commas (found {size})"
        )
    if all(_parse(cell) is not None for cell in rows[0]):
        raise DataError(f"{path}: the first row must name the columns (got {','.join(rows[0])!r})")
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(rows[0]):
            raise DataError(f"{path}: line {line} has {len(row)} cells, the header {len(rows[0])}")
    return _Table(path, rows[0], lines[1:], rows[1:])


def _find_target_column(table: _Table, target: str | None) -> int:
    """The index of the target column."""
    if target is None:
        return len(table.header) - 1
    if target not in table.header:
        raise DataError(f"{table.path}: {describe_unknown('column', target, table.header)}")
    if table.header.count(target) > 1:
        raise DataError(f"{table.path}: {table.header.count(target)} columns are named {target!r}")
    return table.header.index(target)


def _parse(cell: str) -> float | None:
    """The number in a cell, infinities and NaN included; None for text."""
    try:
        return float(cell)
    except ValueError:
        return None


def _read_number(table: _Table, row: int, column: int) -> float:
    """The number in a cell. Raises DataError unless it is finite."""
    value = _parse(table.rows[row][column])
    if value is None or not math.isfinite(value):
        raise table.make_error(row, column, "a finite number")
    return value


def _read_targets(table: _Table, column: int, task: str | None) -> Array:
    """The target column as class numbers (N,) or values (N, 1)."""
    if (task or _guess_task(table, column)) == "values":
        return np.array([[_read_number(table, row, column)] for row in range(len(table.rows))])
    names = [row[column] for row in table.rows]
    for row, name in enumerate(names):
        if not name:
            raise table.make_error(row, column, "the name or number of a class")
    numbers = [_parse(name) for name in names]
    if None in numbers:
        return np.unique(names, return_inverse=True)[1].astype(np.int64)
    finite = [_read_number(table, row, column) for row in range(len(names))]
    return np.unique(finite, return_inverse=True)[1].astype(np.int64)


def _guess_task(table: _Table, column: int) -> str:
    """Values if there are decimals, even beside text: the text is then an error with its line."""
    numbers = [_parse(row[column]) for row in table.rows]
    finite = [number for number in numbers if number is not None and math.isfinite(number)]
    return "classes" if all(number.is_integer() for number in finite) else "values"
