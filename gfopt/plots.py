"""Records and their histories -> a picture: the target's metric against epochs, seconds and passes.

A row of three panels for each experiment; with many seeds the share of the runs that have reached
the target takes the place of their curves, a row a target. Matplotlib is loaded where it draws. The
same records give the same bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from textwrap import fill
from typing import TYPE_CHECKING, Any

from gfopt.costs import Axis
from gfopt.costs import axes as kinds
from gfopt.pictures import (
    GREY,
    by_label,
    end,
    entry,
    heading,
    levels,
    marks,
    metric,
    save,
    scale_x,
    scale_y,
    strokes,
    styled,
)
from gfopt.records import HistoryRow, Record, Status, passes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from gfopt.pictures import Curve, Stroke, Strokes

PICTURES = ("png", "svg", "pdf")
MANY = 10  # seeds from which on curves would hide each other
_UPRIGHT: dict[str, Any] = {"marker": "|", "markersize": 11, "linestyle": "none"}


@dataclass(frozen=True)
class _Panel:
    """What a panel has on its x-axis; None where a run can't say."""

    title: str
    missing: str
    axis: Axis  # of a whole run's cost
    cost: Callable[[Record, HistoryRow], float | None]  # of a run up to a reading


def _seconds(run: Record, row: HistoryRow) -> float | None:
    return row.seconds if run.timed else None


_TIMES = "training seconds, without evaluation", "not measured (ran in a batch)"
_PASSES = "sample-passes, forward + backward", "not counted"
_PANELS = (
    _Panel("epochs", "no epochs", kinds["epochs"], lambda _, row: row.epoch),
    _Panel(*_TIMES, kinds["seconds"], _seconds),
    _Panel(*_PASSES, kinds["passes"], lambda _, row: passes_of(row)),
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
    """The runs of each row of panels: those that share a y-axis, in order of appearance."""
    found: dict[tuple[str, ...], list[Curve]] = {}
    for run, rows in curves:
        key = (run.experiment, run.dataset, run.target or run.target_metric, run.reading)
        found.setdefault(key, []).append((run, rows))
    return [row for race in found.values() for row in _rows(race)]


def _are_many(curves: list[Curve]) -> bool:
    """Whether the share that has reached the target is drawn."""
    seeds = max(map(len, by_label(curves).values()))
    return bool(curves[0][0].target) and seeds >= MANY


def _rows(curves: list[Curve]) -> list[list[Curve]]:
    """The rows of one race: curves go on from target to target, shares are of one."""
    if not _are_many(curves):
        return [curves]
    views = ([(view, rows) for view in run.views()] for run, rows in curves)
    return [list(row) for row in zip(*views, strict=True)]


def _figure(races: list[list[Curve]]) -> Figure:
    """A row of panels for each of these, its legend on the right."""
    from matplotlib.figure import Figure

    heights = [max(3.9, 0.22 * (6 + len(by_label(curves)))) for curves in races]  # inches
    figure = Figure(figsize=(13, sum(heights)), layout="constrained")
    grids = figure.subfigures(len(races), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, curves in zip(grids, races, strict=True):
        run = curves[0][0]
        part.suptitle(heading(run), x=0.01, ha="left", fontweight="bold")
        axes = part.subplots(1, len(_PANELS), sharey=True)
        stroke = strokes(run.label for run, _ in curves)
        draw_race = _draw_shares if _are_many(curves) else _draw_curves
        entries = draw_race(axes, curves, stroke)
        part.legend(handles=entries, loc="outside right upper", frameon=False)
    return figure


def _draw_curves(axes: Sequence[Axes], curves: list[Curve], stroke: Strokes) -> list[Line2D]:
    """Each run's way to the target; the entries of the legend."""
    for ax, panel in zip(axes, _PANELS, strict=True):
        _draw_panel(ax, panel, curves, stroke)
    scale_y(axes[0], curves[0][0], [levels(run, rows) for run, rows in curves])
    axes[0].set_ylabel(metric(curves[0][0]))
    return _legend(curves, stroke)


def _draw_shares(axes: Sequence[Axes], curves: list[Curve], stroke: Strokes) -> list[Line2D]:
    """The share of each rule's runs that have reached the target, by what it had cost them.

    Source: Hansen, Auger, Brockhoff, Tušar & Tušar, "COCO: performance assessment", arXiv
    1605.03560 (2016): empirical distributions of runtimes.
    """
    from matplotlib.ticker import PercentFormatter

    for ax, panel in zip(axes, _PANELS, strict=True):
        ends = [
            _draw_share(ax, panel.axis, [run for run, _ in runs], stroke[label])
            for label, runs in by_label(curves).items()
        ]
        scale_x(ax, [end for part in ends for end in part])
        _say_missing(ax, panel.missing, [], everything=not any(ends))
        ax.set_title(panel.title, loc="left")
        ax.grid()
    axes[0].set_ylim(-0.02, 1.02)
    axes[0].yaxis.set_major_formatter(PercentFormatter(1))
    axes[0].set_ylabel(fill(f"runs that have reached {curves[0][0].target}", 44))
    return [entry(label, **line, linewidth=2) for label, line in stroke.items()]


def _draw_share(ax: Axes, axis: Axis, runs: list[Record], stroke: Stroke) -> list[float]:
    """One rule's steps; the lowest cost at the target, and the longest run, to scale by."""
    costs = [(axis.of(run), run.reached) for run in runs]
    known = [(cost, reached) for cost, reached in costs if cost is not None]
    if not known:
        return []
    hits = sorted(cost for cost, reached in known if reached)
    longest = max(cost for cost, _ in known)
    shares = [i / len(runs) for i in range(len(hits) + 1)]
    first = hits[0] if hits else min(cost for cost, _ in known)
    ax.step([first, *hits, longest], [0.0, *shares[1:], shares[-1]], where="post", **stroke)
    return [first, longest]


def _draw_panel(ax: Axes, panel: _Panel, curves: list[Curve], stroke: Strokes) -> None:
    """Every run that has this cost, the levels to compare with, and the names of those without."""
    ends: list[float] = []
    missing: dict[str, None] = {}
    for run, rows in curves:
        points = _points(panel, run, rows)
        if points:
            _draw_curve(ax, points, run, stroke[run.label])
            _draw_boundaries(ax, panel, run, rows, stroke[run.label]["color"])
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
    pairs = ((panel.cost(run, row), y) for row, y in zip(rows, levels(run, rows), strict=True))
    return [(x, y) for x, y in pairs if x is not None and math.isfinite(y)]


def _draw_curve(ax: Axes, points: list[tuple[float, float]], run: Record, stroke: Stroke) -> None:
    """One seed's line and how it ended."""
    xs, ys = zip(*points, strict=True)
    ax.plot(xs, ys, **stroke, linewidth=0.9, alpha=0.8)
    if run.target:
        ax.plot(xs[-1:], ys[-1:], color=stroke["color"], **end(reached=run.reached), zorder=3)


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


def _legend(curves: list[Curve], stroke: Strokes) -> list[Line2D]:
    """A line for each label, level and kind of end that the picture has."""
    entries = [entry(label, **line, linewidth=2) for label, line in stroke.items()]
    entries += [entry(words, **style) for words, _, style in marks(curves[0][0])]
    ends = {run.reached for run, _ in curves if run.target}
    words = {True: "target reached", False: "ended without it"}
    entries += [entry(words[way], color=GREY, **end(reached=way)) for way in sorted(ends)[::-1]]
    if any(_boundaries(rows) for _, rows in curves):
        entries.append(entry("next stage", color=GREY, **_UPRIGHT))
    return entries
