"""Markdown for every report: tables and lists as GitHub renders them, readable as text too."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def write_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[bool] | None = None
) -> str:
    """A GitHub table without a newline at its end; cells are padded, pipes escaped.

    `left` says of each column whether it is aligned to the left (text) or to the right (numbers);
    without it every column is text. A line break inside a cell becomes a space. Raises ValueError
    if a row or `left` has not as many entries as the header.
    """
    aligned = [True] * len(header) if left is None else left
    lines = [[_escape(cell) for cell in row] for row in (header, *rows)]
    widths = [max(3, *map(len, cells)) for cells in zip(*lines, strict=True)]
    columns = list(zip(widths, aligned, strict=True))
    rule = ["-" * width if text else "-" * (width - 1) + ":" for width, text in columns]
    padded = [
        [
            cell.ljust(width) if text else cell.rjust(width)
            for cell, (width, text) in zip(line, columns, strict=True)
        ]
        for line in lines
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (padded[0], rule, *padded[1:]))


def write_list(sentences: Iterable[str]) -> str:
    """A bullet list, one sentence a bullet, without a newline at its end."""
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _escape(cell: str) -> str:
    return " ".join(cell.splitlines()).replace("|", "\\|")
