"""A table's columns: the value of each, and how it reads in a cell or in a title."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from gfopt.analysis.statistics import Estimate

T = TypeVar("T")
Value = str | int | float | None
Row = dict[str, Value]


@dataclass(frozen=True)
class Style:
    """How the values of a column read."""

    format: Callable[[float], str]
    infinite: str = "not reached"
    left: bool = False  # alignment

    def show(self, value: Value) -> str:
        """A value for readers: rounded, with its unit; nothing for None."""
        if value is None or isinstance(value, str):
            return value or ""
        return self.infinite if math.isinf(value) else self.format(value)


@dataclass(frozen=True)
class Column(Generic[T]):
    """One column of a table whose rows are made from values of type T."""

    name: str  # in CSV and JSON
    read: Callable[[T], Value]  # at full precision
    style: Style
    cell: Callable[[Row], str] | None = None  # in the compact table, if it is there
    wide_cell: Callable[[Row], str] | None = None  # the same on a wide page, if that differs
    title: Callable[[Row], str] | None = None  # if rows that differ in it are not compared

    def show(self, row: Row) -> str:
        """The row's value for readers."""
        return self.style.show(row[self.name])


def fill_row(columns: tuple[Column[T], ...], source: T) -> Row:
    """A row at full precision."""
    return {column.name: column.read(source) for column in columns}


def make_shown(name: str, read: Callable[[T], Value], style: Style) -> Column[T]:
    """A column with a cell in the compact table."""
    return Column(name, read, style, cell=lambda row: style.show(row[name]))


def make_shared(name: str, read: Callable[[T], Value]) -> Column[T]:
    """A text column that titles the compact table: rows that differ in it are not compared."""
    return Column(name, read, TEXT, title=lambda row: TEXT.show(row[name]))


def make_spread(
    name: str, read: Callable[[T], Estimate], style: Style
) -> tuple[Column[T], Column[T], Column[T]]:
    """Columns of an estimate and its interval, in one cell of the compact table."""
    low, high = f"{name}_lo", f"{name}_hi"

    def show(row: Row) -> str:
        if row[low] == row[high]:
            return style.show(row[name])
        value, lo, hi = (
            "inf" if row[key] == math.inf else style.show(row[key]) for key in (name, low, high)
        )
        return f"{value} ({lo}–{hi})"  # noqa: RUF001

    return (
        Column(name, lambda source: read(source).value, style, cell=show),
        Column(low, lambda source: read(source).lo, style),
        Column(high, lambda source: read(source).hi, style),
    )


def format_significant(value: float, digits: int) -> str:
    """A number with so many significant digits, zeros kept; whole thousands in full."""
    if 10**digits - 0.5 <= abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:#.{digits}g}".rstrip(".")


def finite_or_none(value: T) -> T | None:
    """The value, or None where JSON has no number for it: infinities and NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _format_number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


TEXT = Style(str, left=True)
NUMBER = Style(_format_number)  # up to two decimals
PERCENT = Style(lambda value: f"{100 * value:.1f} %")
SECONDS = Style(lambda value: format_significant(value, 3))
LOSS = Style(lambda value: format_significant(value, 6), infinite="not finite")
RATIO = Style(lambda value: format_significant(value, 3), infinite="inf")
P_VALUE = Style(lambda value: f"{value:.2g}")
LARGE = Style(lambda value: f"{value:.4g}")
UNITS = {"count": NUMBER, "large": LARGE, "seconds": SECONDS}  # of costs
