"""Records and their histories -> a picture: the target's metric against epochs, seconds and passes.

A row of three panels for each experiment and target. Matplotlib is loaded where it draws. The same
records give the same bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from textwrap import fill
from typing import TYPE_CHECKING, Any

from gfopt.pictures import (
    GREY,
    by_label,
    colours,
    end,
    entry,
    heading,
    levels,
    marks,
    metric,
    save,
    scale_x,
    scale_y,
    styled,
)
from gfopt.records import HistoryRow, Record, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from gfopt.pictures import Curve

PICTURES = ("png", "svg", "pdf")
_UPRIGHT: dict[str, Any] = {"marker": "|", "markersize": 11, "linestyle": "none"}


@dataclass(frozen=True)
class _Panel:
    """What a panel has on its x-axis; None where a run can't say."""

    title: str
    missing: str
    cost: Callable[[Record, HistoryRow], float | None]


def _seconds(run: Record, row: HistoryRow) -> float | None:
    return row.seconds if run.replicas == 1 else None


def _passes(_: Record, row: HistoryRow) -> float | None:
    if row.forward_passes is None or row.backward_passes is None:
        return None
    return row.forward_passes + row.backward_passes


_PANELS = (
    _Panel("epochs", "no epochs", lambda _, row: row.epoch),
    _Panel("training seconds, without evaluation", "not measured (ran in a batch)", _seconds),
    _Panel("sample-passes, forward + backward", "not counted", _passes),
)


def draw(
    records: Sequence[Record],
    histories: Sequence[Sequence[HistoryRow]],
    path: Path,
    kind: str = "png",
) -> None:
    """Draw the runs, each with its history, into a file: png, svg or pdf."""
    curves = list(zip(records, histories, strict=True))
    with styled():
        save(_figure(_races(curves)), path, kind)


def _races(curves: list[Curve]) -> list[list[Curve]]:
    """The curves that share a y-axis, in order of appearance."""
    found: dict[tuple[str, ...], list[Curve]] = {}
    for run, rows in curves:
        key = (run.experiment, run.dataset, run.target or run.target_metric, run.reading)
        found.setdefault(key, []).append((run, rows))
    return list(found.values())


def _figure(races: list[list[Curve]]) -> Figure:
    """A row of panels for each race, its legend on the right."""
    from matplotlib.figure import Figure

    heights = [max(3.9, 0.22 * (6 + len(by_label(curves)))) for curves in races]  # inches
    figure = Figure(figsize=(13, sum(heights)), layout="constrained")
    grids = figure.subfigures(len(races), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, curves in zip(grids, races, strict=True):
        run = curves[0][0]
        part.suptitle(heading(run), x=0.01, ha="left", fontweight="bold")
        axes = part.subplots(1, len(_PANELS), sharey=True)
        colour = colours(run.label for run, _ in curves)
        for ax, panel in zip(axes, _PANELS, strict=True):
            _draw_panel(ax, panel, curves, colour)
        scale_y(axes[0], run, [levels(rows) for _, rows in curves])
        axes[0].set_ylabel(metric(run))
        part.legend(handles=_legend(curves, colour), loc="outside right upper", frameon=False)
    return figure


def _draw_panel(ax: Axes, panel: _Panel, curves: list[Curve], colour: dict[str, str]) -> None:
    """Every run that has this cost, the levels to compare with, and the names of those without."""
    ends: list[float] = []
    missing: dict[str, None] = {}
    for run, rows in curves:
        points = _points(panel, run, rows)
        if points:
            _draw_curve(ax, points, run, colour[run.label])
            _draw_boundaries(ax, panel, run, rows, colour[run.label])
            ends += [points[-1][0]] if run.status is not Status.DIVERGED else []
        else:
            missing[run.label] = None
    scale_x(ax, ends)
    _say_missing(ax, panel.missing, list(missing), everything=not ax.lines)
    for _, value, style in marks(curves[0][0]):
        ax.axhline(value, **style)
    ax.set_title(panel.title, loc="left")
    ax.grid()


def _points(panel: _Panel, run: Record, rows: Sequence[HistoryRow]) -> list[tuple[float, float]]:
    """Cost and level of each reading that has both."""
    pairs = ((panel.cost(run, row), y) for row, y in zip(rows, levels(rows), strict=True))
    return [(x, y) for x, y in pairs if x is not None and math.isfinite(y)]


def _draw_curve(ax: Axes, points: list[tuple[float, float]], run: Record, colour: str) -> None:
    """One seed's line and how it ended."""
    xs, ys = zip(*points, strict=True)
    ax.plot(xs, ys, color=colour, linewidth=0.9, alpha=0.8)
    if run.target:
        ax.plot(xs[-1:], ys[-1:], color=colour, **end(reached=run.reached), zorder=3)


def _draw_boundaries(
    ax: Axes, panel: _Panel, run: Record, rows: Sequence[HistoryRow], colour: str
) -> None:
    """A thin vertical line at the last reading of each stage but the last, at what it had cost."""
    for row in _boundaries(rows):
        cost = panel.cost(run, row)
        if cost is not None:
            ax.axvline(cost, color=colour, linewidth=0.6, alpha=0.6, zorder=1)


def _boundaries(rows: Sequence[HistoryRow]) -> list[HistoryRow]:
    """The readings that are followed by one of another stage."""
    return [row for row, after in pairwise(rows) if row.stage != after.stage]


def _say_missing(ax: Axes, words: str, labels: list[str], *, everything: bool) -> None:
    """Words for the runs that a panel can't show."""
    if everything:
        ax.set_xticks([])
        ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", color=GREY)
    elif labels:
        ax.set_xlabel(fill(f"{words}: {', '.join(labels)}", 55), color=GREY, loc="left")


def _legend(curves: list[Curve], colour: dict[str, str]) -> list[Line2D]:
    """A line for each label, level and kind of end that the picture has."""
    entries = [entry(label, color=shade, linewidth=2) for label, shade in colour.items()]
    entries += [entry(words, **style) for words, _, style in marks(curves[0][0])]
    ends = {run.reached for run, _ in curves if run.target}
    words = {True: "target reached", False: "ended without it"}
    entries += [entry(words[way], color=GREY, **end(reached=way)) for way in sorted(ends)[::-1]]
    if any(_boundaries(rows) for _, rows in curves):
        entries.append(entry("next stage", color=GREY, **_UPRIGHT))
    return entries
