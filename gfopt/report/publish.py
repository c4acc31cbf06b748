"""Publish an experiment's records in its folder: CSV tables, table.md and curves.png."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gfopt.records.atomic import write_atomically
from gfopt.records.store import read_history
from gfopt.report.formats import formats
from gfopt.report.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gfopt.records.record import Record
    from gfopt.report.table import Table


def publish(folder: Path, records: Sequence[Record], failed: Sequence[str] = ()) -> Table:
    """Write the tables and the picture of the records if they change; return the table.

    `failed`: the label of each run that raised.
    """
    table = summarise(records, failed)
    if not records:
        return table
    changed = _update(folder / "table.csv", formats["csv"](table))
    for name, other in table.more.items():
        _update(folder / f"{name}.csv", formats["csv"](other))
    _update(folder / "table.md", formats["md"](table))
    if changed or not (folder / "curves.png").is_file():
        _draw(folder, [record for record in records if record.repeat == 1])
    return table


def _update(path: Path, text: str) -> bool:
    """Write the text unless the file has it; return whether it was written."""
    if path.is_file() and path.read_text("utf-8") == text:
        return False
    write_atomically(path, text)
    return True


def _draw(folder: Path, records: list[Record]) -> None:
    from gfopt.report.curves import draw

    histories = [read_history(folder / "runs" / record.id) for record in records]
    draw(records, histories, folder / "curves.png", "png")
