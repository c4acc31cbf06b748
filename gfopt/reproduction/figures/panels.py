"""A panel for each rule: how its metric falls, and which layers an epoch of it updates."""

from __future__ import annotations

import math
from textwrap import fill
from typing import TYPE_CHECKING, Any

from gfopt.pictures import (
    COLOURS,
    FAINT,
    GREY,
    WIDTH,
    by_label,
    colours,
    end,
    entry,
    far_apart,
    finite,
    heading,
    legend_below,
    levels,
    marks,
    metric,
    number,
    save,
    scale_x,
    scale_y,
    styled,
)
from gfopt.records import HistoryRow, Record, Status
from gfopt.statistics import middle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gfopt.pictures import Curve

    Stages = Sequence[Sequence[int]]  # the layers that each updates, from 1

_ACROSS = 3  # panels in a row, at most
_LETTERS = 114  # of a title, over the figure's width
_CROWDED = 0.03  # of an axis: levels nearer to each other are shown magnified as well
_FREE = 0.42, 0.35  # of the width and height: right of it and above it is room for that
_APART = 40  # stages up to which their cells have gaps between them
_BESIDE: dict[str, Any] = {"xytext": (5, 0), "textcoords": "offset points", "va": "center"}
_NAMED = 15  # layers up to which each has its number


def side_by_side(curves: Sequence[Curve], path: Path) -> None:
    """Draw the target's metric against epochs, a panel for each label; at least one run."""
    with styled():
        save(_side_by_side(curves), path)


def layers_in_an_epoch(updates: Mapping[str, Stages], path: Path) -> None:
    """Draw which layers each stage of an epoch updates, a panel for each label; at least one."""
    with styled():
        save(_layers(updates), path)


def _side_by_side(curves: Sequence[Curve]) -> Figure:
    """Panels that share both axes, a legend below."""
    first, methods = curves[0][0], by_label(curves)
    figure, axes = _panels(len(methods), 3.1, sharex=True)
    colour = colours(methods)
    for ax, (label, runs) in zip(axes, methods.items(), strict=True):
        _draw_method(ax, runs, colour[label])
        ax.set_title(_title(label, _outcome([run for run, _ in runs]), len(methods)), loc="left")
    scale_x(axes[0], [run.epochs for run, _ in curves if run.status is not Status.DIVERGED])
    scale_y(axes[0], first, [levels(run, rows) for run, rows in curves])
    for ax in axes[:: _across(len(axes))]:
        ax.set_ylabel(metric(first))
    for ax in axes[-_across(len(axes)) :]:
        ax.set_xlabel("epochs")
    for ax, (label, runs) in zip(axes, methods.items(), strict=True):
        _magnify(ax, runs, colour[label])
    figure.suptitle(heading(first), x=0.01, ha="left", fontsize="medium", fontweight="bold")
    legend_below(figure, _legend([run for run, _ in curves]))
    return figure


def _panels(count: int, height: float, *, sharex: bool = False) -> tuple[Figure, list[Axes]]:
    """So many panels of a height in inches, in rows of about the same length."""
    from matplotlib.figure import Figure

    across = _across(count)
    down = math.ceil(count / across)
    figure = Figure(figsize=(WIDTH, down * height + 0.7), layout="constrained")
    grid = list(figure.subplots(down, across, squeeze=False, sharex=sharex, sharey=True).flat)
    for ax in grid[count:]:
        ax.remove()
    for ax in grid[count - across : count]:  # the lowest of each column
        ax.tick_params(labelbottom=True)
    return figure, grid[:count]


def _across(count: int) -> int:
    return math.ceil(count / math.ceil(count / _ACROSS))


def _title(label: str, words: str, count: int) -> str:
    """The title of one of so many panels, in lines no longer than it is wide."""
    width = _LETTERS // _across(count)
    line = f"{label}: {words}"
    return line if len(line) <= width else f"{fill(f'{label}:', width)}\n{fill(words, width)}"


def _draw_method(ax: Axes, runs: Sequence[Curve], colour: str) -> None:
    """All seeds of a method and the levels to compare with."""
    for run, rows in runs:
        _draw_run(ax, run, rows, colour)
    if not ax.lines:
        ax.text(0.5, 0.5, "no readings", transform=ax.transAxes, ha="center", color=GREY)
    for _, value, style in marks(runs[0][0]):
        ax.axhline(value, **style)
    ax.grid()


def _magnify(ax: Axes, runs: Sequence[Curve], colour: str) -> None:
    """Levels too near to be told apart once more, large, if the upper right is free."""
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    view = _view(ax, runs)
    if view:
        inset = ax.inset_axes((0.56, 0.46, 0.42, 0.46))
        _draw_method(inset, runs, colour)
        inset.set(xlim=view[0], ylim=view[1])
        inset.tick_params(labelsize="small")
        inset.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        inset.yaxis.set_major_locator(MaxNLocator(4))
        inset.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))


def _view(ax: Axes, runs: Sequence[Curve]) -> tuple[tuple[float, float], ...] | None:
    """The epochs and values to magnify: around the levels, where a run comes near them."""
    values = [value for _, value, _ in marks(runs[0][0])]
    heights = [y for _, y in _places(ax, [(1.0, value) for value in values])]
    if not values or not 0 < max(heights) - min(heights) < _CROWDED:
        return None
    span = max(values) - min(values)
    low, high = min(values) - span, max(values) + 2 * span
    points = [
        (row.epoch, y) for run, rows in runs for row, y in zip(rows, levels(run, rows), strict=True)
    ]
    near = [x for x, y in points if low <= y <= high]
    if not near or any(x > _FREE[0] and y > _FREE[1] for x, y in _places(ax, points)):
        return None
    return (min(near) - 1, max(near) + 1), (low, high)


def _places(ax: Axes, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Where in the panel the points are, from 0 to 1."""
    ax.get_xlim(), ax.get_ylim()  # what was drawn last may not be in the limits yet
    known = [point for point in points if math.isfinite(point[1])]
    if not known:
        return []
    return [(float(x), float(y)) for x, y in (ax.transScale + ax.transLimits).transform(known)]


def _draw_run(ax: Axes, run: Record, rows: Sequence[HistoryRow], colour: str) -> None:
    """One seed's line and how it ended."""
    points = [(row.epoch, y) for row, y in zip(rows, finite(levels(run, rows)), strict=True)]
    drawn = [point for point in points if math.isfinite(point[1])]
    if drawn:
        ax.plot(*zip(*points, strict=True), color=colour, linewidth=1, alpha=0.85)
        if run.target:
            x, y = drawn[-1]
            ax.plot([x], [y], color=colour, zorder=3, **end(reached=run.reached))


def _outcome(runs: Sequence[Record]) -> str:
    """Epochs and training seconds at the stop; medians in which a missed target is infinity.

    No seconds where runs were made in a batch: its time is no single run's.
    """
    met = sum(map(_met, runs))
    if len(runs) == 1 and not met:
        words = "diverged after" if runs[0].status is Status.DIVERGED else "target not reached in"
        return f"{words} {number(runs[0].epochs)} epochs"
    epochs = middle([run.epochs if _met(run) else math.inf for run in runs])
    seconds = middle([run.seconds if _met(run) else math.inf for run in runs])
    words = f"{number(epochs)} epochs" if math.isfinite(epochs) else "median not reached"
    if math.isfinite(epochs) and all(run.timed for run in runs):
        words += f", {number(seconds)} s"
    if len(runs) == 1:
        return words
    met_by = "" if met == len(runs) else f"; {met} got there"
    return f"{words} (median of {len(runs)} seeds{met_by})"


def _met(run: Record) -> bool:
    """Whether a run came to its target, or without one to its end."""
    return run.reached if run.target else run.status is not Status.DIVERGED


def _legend(runs: Sequence[Record]) -> list[Any]:
    """The levels to compare with and the kinds of end that the picture has."""
    found = {words: entry(words, **style) for run in runs for words, _, style in marks(run)}
    ends = {run.reached for run in runs if run.target}
    words = {True: "target reached", False: "ended without it"}
    shown = [entry(words[way], color=GREY, **end(reached=way)) for way in sorted(ends)[::-1]]
    return [*found.values(), *shown]


def _layers(updates: Mapping[str, Stages]) -> Figure:
    """A column of cells for each stage, the output layer on top; cells of one size if possible."""
    from matplotlib.ticker import MaxNLocator

    depth = max((layer for stages in updates.values() for s in stages for layer in s), default=1)
    counts = [max(len(stages), 1) for stages in updates.values()]
    figure, axes = _panels(len(updates), min(1.1 + 0.32 * depth, 6))
    for ax, count, (label, stages) in zip(axes, counts, updates.items(), strict=True):
        total = _times(sum(map(len, stages)), "layer update")
        ax.set_title(_title(label, f"{total} an epoch", len(axes)), loc="left")
        _draw_stages(ax, stages, depth)
        ax.set_xlim(0.5, 0.5 + (count if far_apart(counts) else max(counts)))
    if depth <= _NAMED:
        names = [*map(str, range(1, depth)), f"{depth} (output)"]
        axes[0].set_yticks(range(1, depth + 1), names)
    else:
        axes[0].yaxis.set_major_locator(MaxNLocator(integer=True))
    for ax in axes[:: _across(len(axes))]:
        ax.set_ylabel("layer")
    return figure


def _times(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _draw_stages(ax: Axes, stages: Stages, depth: int) -> None:
    """Cells filled where a stage updates a layer; to the right each layer's updates an epoch."""
    from matplotlib.colors import ListedColormap
    from matplotlib.ticker import FixedLocator

    cells = [[float(layer in stage) for stage in stages] for layer in range(1, depth + 1)]
    if stages:
        gaps: dict[str, Any] = {"edgecolors": "white", "linewidth": 1.5 * (len(stages) <= _APART)}
        shades = ListedColormap([FAINT, COLOURS[0]])
        edges = _edges(len(stages)), _edges(depth)
        ax.pcolormesh(*edges, cells, cmap=shades, vmin=0, vmax=1, **gaps)
    for layer, row in enumerate(cells, start=1):
        at = (len(stages) + 0.5, layer)
        ax.annotate(_times(int(sum(row)), "update"), at, color=GREY, **_BESIDE)
    ax.xaxis.set_major_locator(FixedLocator(range(1, len(stages) + 1), nbins=5))
    ax.set_xlabel("stage within the epoch", loc="left")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)


def _edges(count: int) -> list[float]:
    """Where so many cells begin and end, cell i around i."""
    return [i + 0.5 for i in range(count + 1)]
