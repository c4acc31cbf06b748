"""A table: columns, rows of raw values, notes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gfopt.report.column_styles import Column, Row

SCHEMA = 1  # of every table; raised when a column changes its name or meaning


@dataclass(frozen=True)
class Table:
    """Rows of raw values by column name, and the sentences below them."""

    columns: tuple[Column[Any], ...]
    rows: list[Row]
    notes: list[str]
    more: dict[str, Table] = field(default_factory=dict)  # "costs", "pairs" and "runs"

    @property
    def names(self) -> list[str]:
        """The columns' names."""
        return [column.name for column in self.columns]
