"""The figure `side_by_side`: a panel for each optimizer, its target's metric against epochs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from gfopt.analysis.statistics import take_median
from gfopt.records.evaluation import Evaluation
from gfopt.records.record import Record, Status
from gfopt.report.plot_style import (
    GREY,
    assign_colours,
    break_at_infinite,
    find_reference_lines,
    format_number,
    group_by_label,
    legend_below,
    make_legend_entry,
    name_metric,
    read_levels,
    scale_x,
    scale_y,
    style_end,
    write_heading,
)
from gfopt.studies.reproduce.claims import FigureRequest, figure_kinds
from gfopt.studies.reproduce.evidence import Evidence
from gfopt.studies.reproduce.figures.panels import count_columns, make_panels, write_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gfopt.report.plot_style import Curve

_CROWDED = 0.03  # of an axis: levels nearer to each other are also shown magnified
_FREE = (
    0.42,
    0.35,
)  # the magnified part needs the panel free beyond these shares of width and height


@figure_kinds.register("side_by_side")
def draw_side_by_side(request: FigureRequest, evidence: Evidence) -> Figure:
    """The first seed of each measure."""
    curves = [curve for measure in request.of for curve in evidence.read_histories(measure)[:1]]
    return plot_side_by_side(curves)


def plot_side_by_side(curves: Sequence[Curve]) -> Figure:
    """The target's metric against epochs, a panel for each label; needs at least one run.

    The panels share both axes.
    """
    first, methods = curves[0][0], group_by_label(curves)
    figure, axes = make_panels(len(methods), 3.1, sharex=True)
    colour = assign_colours(methods)
    for ax, (label, runs) in zip(axes, methods.items(), strict=True):
        _draw_method(ax, runs, colour[label])
        outcome = _describe_outcome([run for run, _ in runs])
        ax.set_title(write_title(label, outcome, len(methods)), loc="left")
    scale_x(axes[0], [run.epochs for run, _ in curves if run.status is not Status.DIVERGED])
    scale_y(axes[0], first, [read_levels(run, rows) for run, rows in curves])
    columns = count_columns(len(axes))
    for ax in axes[::columns]:
        ax.set_ylabel(name_metric(first))
    for ax in axes[-columns:]:
        ax.set_xlabel("epochs")
    for ax, (label, runs) in zip(axes, methods.items(), strict=True):
        _magnify(ax, runs, colour[label])
    figure.suptitle(write_heading(first), x=0.01, ha="left", fontsize="medium", fontweight="bold")
    legend_below(figure, _make_legend([run for run, _ in curves]))
    return figure


def _draw_method(ax: Axes, runs: Sequence[Curve], colour: str) -> None:
    """All seeds of an optimizer and its reference lines."""
    for run, rows in runs:
        _draw_run(ax, run, rows, colour)
    if not ax.lines:
        ax.text(0.5, 0.5, "no evaluations", transform=ax.transAxes, ha="center", color=GREY)
    for _, value, style in find_reference_lines(runs[0][0]):
        ax.axhline(value, **style)
    ax.grid()


def _magnify(ax: Axes, runs: Sequence[Curve], colour: str) -> None:
    """Show reference lines that are close together once more, large, if the upper right is free."""
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    view = _choose_view(ax, runs)
    if view:
        inset = ax.inset_axes((0.56, 0.46, 0.42, 0.46))
        _draw_method(inset, runs, colour)
        inset.set(xlim=view[0], ylim=view[1])
        inset.tick_params(labelsize="small")
        inset.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        inset.yaxis.set_major_locator(MaxNLocator(4))
        inset.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))


def _choose_view(ax: Axes, runs: Sequence[Curve]) -> tuple[tuple[float, float], ...] | None:
    """The epochs and values to magnify: around the reference lines, where a run comes near them."""
    values = [value for _, value, _ in find_reference_lines(runs[0][0])]
    heights = [y for _, y in _locate(ax, [(1.0, value) for value in values])]
    if not values or not 0 < max(heights) - min(heights) < _CROWDED:
        return None
    span = max(values) - min(values)
    low, high = min(values) - span, max(values) + 2 * span
    points = [
        (row.epoch, y)
        for run, rows in runs
        for row, y in zip(rows, read_levels(run, rows), strict=True)
    ]
    near = [x for x, y in points if low <= y <= high]
    if not near or any(x > _FREE[0] and y > _FREE[1] for x, y in _locate(ax, points)):
        return None
    return (min(near) - 1, max(near) + 1), (low, high)


def _locate(ax: Axes, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The places of the points in the panel, from 0 to 1."""
    ax.get_xlim(), ax.get_ylim()  # what was drawn last may not be in the limits yet
    known = [point for point in points if math.isfinite(point[1])]
    if not known:
        return []
    return [(float(x), float(y)) for x, y in (ax.transScale + ax.transLimits).transform(known)]


def _draw_run(ax: Axes, run: Record, rows: Sequence[Evaluation], colour: str) -> None:
    """One seed's line and how it ended."""
    values = break_at_infinite(read_levels(run, rows))
    points = [(row.epoch, y) for row, y in zip(rows, values, strict=True)]
    drawn = [point for point in points if math.isfinite(point[1])]
    if drawn:
        ax.plot(*zip(*points, strict=True), color=colour, linewidth=1, alpha=0.85)
        if run.target:
            x, y = drawn[-1]
            ax.plot([x], [y], color=colour, zorder=3, **style_end(reached=run.reached))


def _describe_outcome(runs: Sequence[Record]) -> str:
    """Epochs and training seconds at the end; medians in which a censored run counts as infinity.

    Vectorized seeds have no seconds of their own.
    """
    successes = sum(map(_succeeds, runs))
    if len(runs) == 1 and not successes:
        diverged = runs[0].status is Status.DIVERGED
        words = "diverged after" if diverged else "target not reached within"
        return f"{words} {format_number(runs[0].epochs)} epochs"
    epochs = take_median([run.epochs if _succeeds(run) else math.inf for run in runs])
    seconds = take_median([run.seconds if _succeeds(run) else math.inf for run in runs])
    words = f"{format_number(epochs)} epochs" if math.isfinite(epochs) else "median not reached"
    if math.isfinite(epochs) and all(run.timed for run in runs):
        words += f", {format_number(seconds)} s"
    if len(runs) == 1:
        return words
    reached = "" if successes == len(runs) else f"; {successes} reached it"
    return f"{words} (median of {len(runs)} seeds{reached})"


def _succeeds(run: Record) -> bool:
    """Whether a run reached its target, or ended without diverging if it has none."""
    return run.reached if run.target else run.status is not Status.DIVERGED


def _make_legend(runs: Sequence[Record]) -> list[Any]:
    """The reference lines and the kinds of end in the figure."""
    lines = {
        words: make_legend_entry(words, **style)
        for run in runs
        for words, _, style in find_reference_lines(run)
    }
    words = {True: "target reached", False: "target not reached"}
    ends = [
        make_legend_entry(words[reached], color=GREY, **style_end(reached=reached))
        for reached in sorted({run.reached for run in runs if run.target})[::-1]
    ]
    return [*lines.values(), *ends]
