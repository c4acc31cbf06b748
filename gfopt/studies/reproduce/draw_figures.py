"""Draw the figures that a claims file asks for, as far as there is evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gfopt.report.plot_style import save, use_style
from gfopt.studies.reproduce.claims import FigureRequest, figure_kinds
from gfopt.studies.reproduce.evidence import Evidence, MissingEvidence


@dataclass(frozen=True)
class DrawnFigure:
    """A figure's file, relative to the report, and its caption."""

    file: str
    caption: str


def draw_figures(
    requests: Iterable[FigureRequest], evidence: Evidence, folder: Path
) -> Iterator[DrawnFigure]:
    """Draw the figures into a folder; skip those without evidence."""
    for request in requests:
        try:
            with use_style():
                save(figure_kinds[request.kind](request, evidence), folder / request.file)
        except MissingEvidence:
            continue
        yield DrawnFigure(f"{folder.name}/{request.file}", request.caption)
