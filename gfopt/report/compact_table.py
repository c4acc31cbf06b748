"""A table for narrow places: rows that may be compared, under a title of what they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gfopt.report.column_styles import Row
    from gfopt.report.table import Table


@dataclass(frozen=True)
class CompactTable:
    """Rows that may be compared, and what they share as their title."""

    title: str
    header: list[str]
    rows: list[list[str]]
    left: list[bool]  # of each column: text, not numbers


def compact(table: Table, *, wide: bool = False) -> list[CompactTable]:
    """The rows, split by what their titles tell; empty columns are left out.

    `wide`: with the interval of the success rate.
    """
    races: dict[str, list[Row]] = {}
    for row in table.rows:
        races.setdefault(_write_title(table, row), []).append(row)
    return [_make_compact(table, title, rows, wide) for title, rows in races.items()]


def _write_title(table: Table, row: Row) -> str:
    """What rows must share to be compared, each part once."""
    parts = (column.title(row) for column in table.columns if column.title)
    return " · ".join(dict.fromkeys(filter(None, parts)))


def _make_compact(table: Table, title: str, rows: list[Row], wide: bool) -> CompactTable:
    shown = {}
    for column in table.columns:
        show = (wide and column.wide_cell) or column.cell
        if show:
            shown[column] = [show(row) for row in rows]
    kept = {column: cells for column, cells in shown.items() if any(cells)}
    return CompactTable(
        title,
        [column.name for column in kept],
        [list(cells) for cells in zip(*kept.values(), strict=True)],
        [column.style.left for column in kept],
    )
