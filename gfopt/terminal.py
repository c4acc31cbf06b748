"""Table -> the terminal, by rich: as few columns as tell the rows apart, notes below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from gfopt.formats import Compact, compact

if TYPE_CHECKING:
    from gfopt.tables import Table

_LABEL = 16  # the narrowest column that labels are squeezed into while numbers stay on one line


def show(table: Table, console: Console | None = None) -> None:
    """Print the table. A terminal's width is kept; a file or pipe gets lines as long as needed."""
    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=10_000)
    for view in compact(table):
        console.print(Text(view.title, style="bold"))
        console.print(_grid(view, console.width))
        console.print()
    for note in table.notes:
        style = "yellow" if note.startswith("WARNING") else "dim"
        console.print(Text(note, style=style))


def _grid(view: Compact, width: int) -> Grid:
    """The rows. What doesn't fit goes on below itself, long labels first; nothing is cut off."""
    widths = [max(map(len, cells)) + 2 for cells in zip(view.header, *view.rows, strict=True)]
    tight = sum(widths[1:]) + _LABEL > width
    grid = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="underline")
    grid.add_column(view.header[0], overflow="fold")
    for name in view.header[1:]:
        grid.add_column(name, justify="right", overflow="fold", no_wrap=not tight)
    for row in view.rows:
        grid.add_row(*map(Text, row))
    return grid
