"""Records and their histories -> a picture: the target's metric against epochs, seconds and passes.

A row of three panels for each experiment. With many seeds it shows success rates in place of
curves, a row for each target. Matplotlib is loaded where it draws. The same records give the same
bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from textwrap import fill
from typing import TYPE_CHECKING, Any

from gfopt.analysis.costs import Axis
from gfopt.analysis.costs import axes as kinds
from gfopt.records.evaluation import Evaluation
from gfopt.records.record import Record, Status
from gfopt.report.plot_style import (
    GREY,
    assign_strokes,
    find_reference_lines,
    group_by_label,
    make_legend_entry,
    name_metric,
    read_levels,
    save,
    scale_x,
    scale_y,
    style_end,
    use_style,
    write_heading,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from gfopt.report.plot_style import Curve, Stroke, Strokes

PICTURES = ("png", "svg", "pdf")
MIN_SEEDS_FOR_RATES = 10  # more curves would hide each other
_UPRIGHT: dict[str, Any] = {"marker": "|", "markersize": 11, "linestyle": "none"}


@dataclass(frozen=True)
class _Panel:
    """The x-axis of a panel."""

    title: str
    missing: str  # shown for runs without this cost
    axis: Axis  # of a whole run's cost
    cost: Callable[[Record, Evaluation], float | None]  # of a run up to an evaluation


_TIMES = "training seconds, evaluation excluded", "not measured (vectorized seeds)"
_PASSES = "forward + backward passes (of single samples)", "not counted"
_PANELS = (
    _Panel("epochs", "no epochs", kinds["epochs"], lambda _, row: row.epoch),
    _Panel(*_TIMES, kinds["seconds"], lambda run, row: row.seconds if run.timed else None),
    _Panel(*_PASSES, kinds["passes"], lambda _, row: row.passes),
)


def draw(
    records: Sequence[Record],
    histories: Sequence[Sequence[Evaluation]],
    path: Path,
    kind: str = "png",
) -> None:
    """Draw the runs, each with its history, into a file: png, svg or pdf."""
    save(make_figure(records, histories), path, kind)


def make_figure(records: Sequence[Record], histories: Sequence[Sequence[Evaluation]]) -> Figure:
    """The figure of the runs, each with its history: a row of panels for each race or target."""
    with use_style():
        return _draw_races(_split_races(list(zip(records, histories, strict=True))))


def _split_races(curves: list[Curve]) -> list[list[Curve]]:
    """The runs of each row of panels: those that share a y-axis, in order of appearance."""
    found: dict[tuple[str, ...], list[Curve]] = {}
    for run, rows in curves:
        key = (run.experiment, run.dataset, run.target or run.target_metric, run.reading)
        found.setdefault(key, []).append((run, rows))
    return [row for race in found.values() for row in _split_targets(race)]


def _shows_rates(curves: list[Curve]) -> bool:
    """Whether success rates are drawn."""
    seeds = max(map(len, group_by_label(curves).values()))
    return bool(curves[0][0].target) and seeds >= MIN_SEEDS_FOR_RATES


def _split_targets(curves: list[Curve]) -> list[list[Curve]]:
    """The rows of one race: a curve has all targets, a success rate one."""
    if not _shows_rates(curves):
        return [curves]
    views = ([(view, rows) for view in run.views()] for run, rows in curves)
    return [list(row) for row in zip(*views, strict=True)]


def _draw_races(races: list[list[Curve]]) -> Figure:
    """A row of panels for each of these, its legend on the right."""
    from matplotlib.figure import Figure

    heights = [max(3.9, 0.22 * (6 + len(group_by_label(curves)))) for curves in races]  # inches
    figure = Figure(figsize=(13, sum(heights)), layout="constrained")
    grids = figure.subfigures(len(races), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, curves in zip(grids, races, strict=True):
        run = curves[0][0]
        part.suptitle(write_heading(run), x=0.01, ha="left", fontweight="bold")
        axes = part.subplots(1, len(_PANELS), sharey=True)
        stroke = assign_strokes(run.label for run, _ in curves)
        draw_race = _draw_rates if _shows_rates(curves) else _draw_curves
        entries = draw_race(axes, curves, stroke)
        part.legend(handles=entries, loc="outside right upper", frameon=False)
    return figure


def _draw_curves(axes: Sequence[Axes], curves: list[Curve], stroke: Strokes) -> list[Line2D]:
    """Each run's curve; return the entries of the legend."""
    for ax, panel in zip(axes, _PANELS, strict=True):
        _draw_panel(ax, panel, curves, stroke)
    scale_y(axes[0], curves[0][0], [read_levels(run, rows) for run, rows in curves])
    axes[0].set_ylabel(name_metric(curves[0][0]))
    return _make_legend(curves, stroke)


def _draw_rates(axes: Sequence[Axes], curves: list[Curve], stroke: Strokes) -> list[Line2D]:
    """The success rate of each optimizer against cost; return the entries of the legend.

    Source: Hansen, Auger, Brockhoff, Tušar & Tušar, "COCO: performance assessment", arXiv
    1605.03560 (2016): empirical distributions of runtimes.
    """
    from matplotlib.ticker import PercentFormatter

    for ax, panel in zip(axes, _PANELS, strict=True):
        ends = [
            _draw_rate(ax, panel.axis, [run for run, _ in runs], stroke[label])
            for label, runs in group_by_label(curves).items()
        ]
        scale_x(ax, [end for part in ends for end in part])
        _say_missing(ax, panel.missing, [], everything=not any(ends))
        ax.set_title(panel.title, loc="left")
        ax.grid()
    axes[0].set_ylim(-0.02, 1.02)
    axes[0].yaxis.set_major_formatter(PercentFormatter(1))
    axes[0].set_ylabel(fill(f"success rate, {curves[0][0].target}", 44))
    return [make_legend_entry(label, **line, linewidth=2) for label, line in stroke.items()]


def _draw_rate(ax: Axes, axis: Axis, runs: list[Record], stroke: Stroke) -> list[float]:
    """One optimizer's steps; return the lowest cost at the target and of the longest run."""
    costs = [(axis.measure(run), run.reached) for run in runs]
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
    """Every run that has this cost, the reference lines, and the names of runs without."""
    ends: list[float] = []
    missing: dict[str, None] = {}
    for run, rows in curves:
        points = _collect_points(panel, run, rows)
        if points:
            _draw_curve(ax, points, run, stroke[run.label])
            _draw_boundaries(ax, panel, run, rows, stroke[run.label]["color"])
            ends += [points[-1][0]] if run.status is not Status.DIVERGED else []
        else:
            missing[run.label] = None
    scale_x(ax, ends)
    _say_missing(ax, panel.missing, list(missing), everything=not ax.lines)
    for _, value, style in find_reference_lines(curves[0][0]):
        ax.axhline(value, **style)
    ax.set_title(panel.title, loc="left")
    ax.grid()


def _collect_points(
    panel: _Panel, run: Record, rows: Sequence[Evaluation]
) -> list[tuple[float, float]]:
    """Cost and level of each evaluation that has both."""
    pairs = ((panel.cost(run, row), y) for row, y in zip(rows, read_levels(run, rows), strict=True))
    return [(x, y) for x, y in pairs if x is not None and math.isfinite(y)]


def _draw_curve(ax: Axes, points: list[tuple[float, float]], run: Record, stroke: Stroke) -> None:
    """One seed's line and how it ended."""
    xs, ys = zip(*points, strict=True)
    ax.plot(xs, ys, **stroke, linewidth=0.9, alpha=0.8)
    if run.target:
        ax.plot(xs[-1:], ys[-1:], color=stroke["color"], **style_end(reached=run.reached), zorder=3)


def _draw_boundaries(
    ax: Axes, panel: _Panel, run: Record, rows: Sequence[Evaluation], colour: str
) -> None:
    """A thin vertical line at the cost of each stage but the last."""
    for row in _find_boundaries(rows):
        cost = panel.cost(run, row)
        if cost is not None:
            ax.axvline(cost, color=colour, linewidth=0.6, alpha=0.6, zorder=1)


def _find_boundaries(rows: Sequence[Evaluation]) -> list[Evaluation]:
    """The last evaluation of each stage but the last."""
    return [row for row, after in pairwise(rows) if row.stage != after.stage]


def _say_missing(ax: Axes, words: str, labels: list[str], *, everything: bool) -> None:
    """Name the runs that a panel can't show."""
    if everything:
        ax.set_xticks([])
        ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", color=GREY)
    elif labels:
        ax.set_xlabel(fill(f"{words}: {', '.join(labels)}", 55), color=GREY, loc="left")


def _make_legend(curves: list[Curve], stroke: Strokes) -> list[Line2D]:
    """A line for each label, level and kind of end that the picture has."""
    entries = [make_legend_entry(label, **line, linewidth=2) for label, line in stroke.items()]
    entries += [
        make_legend_entry(words, **style) for words, _, style in find_reference_lines(curves[0][0])
    ]
    ends = {run.reached for run, _ in curves if run.target}
    words = {True: "target reached", False: "target not reached"}
    entries += [
        make_legend_entry(words[way], color=GREY, **style_end(reached=way))
        for way in sorted(ends)[::-1]
    ]
    if any(_find_boundaries(rows) for _, rows in curves):
        entries.append(make_legend_entry("next stage", color=GREY, **_UPRIGHT))
    return entries
