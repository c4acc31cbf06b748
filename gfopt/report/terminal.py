"""Table -> the terminal, by rich: the compact table with its notes below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from gfopt.report.compact_table import CompactTable, compact

if TYPE_CHECKING:
    from gfopt.report.table import Table

_MIN_LABEL_WIDTH = 16  # narrower terminals fold numbers too


def show(table: Table, console: Console | None = None) -> None:
    """Print the table, fitted to a terminal's width; files and pipes get whole lines."""
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=10_000)
    for view in compact(table):
        console.print(Text(view.title, style="bold"))
        console.print(_make_grid(view, console.width))
        console.print()
    for note in table.notes:
        style = "yellow" if note.startswith("WARNING") else "dim"
        console.print(Text(note, style=style))


def _make_grid(view: CompactTable, width: int) -> Grid:
    """The rows. Cells that don't fit are folded, labels first; nothing is cut off."""
    widths = [max(map(len, cells)) + 2 for cells in zip(view.header, *view.rows, strict=True)]
    tight = sum(widths[1:]) + _MIN_LABEL_WIDTH > width
    grid = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="underline")
    grid.add_column(view.header[0], overflow="fold")
    for name in view.header[1:]:
        grid.add_column(name, justify="right", overflow="fold", no_wrap=not tight)
    for row in view.rows:
        grid.add_row(*map(Text, row))
    return grid
