"""The figure `final_losses`: a bar for each optimizer, next to the published losses."""

from __future__ import annotations

import math
from textwrap import fill
from typing import TYPE_CHECKING, Any

from gfopt.analysis.statistics import take_median
from gfopt.report.plot_style import (
    COLOURS,
    GREY,
    WIDTH,
    are_far_apart,
    label_plainly,
    legend_below,
    make_legend_entry,
)
from gfopt.studies.reproduce.claims import FigureRequest, figure_kinds
from gfopt.studies.reproduce.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PUBLISHED: dict[str, Any] = {
    "marker": "D", "markersize": 7, "markerfacecolor": COLOURS[1],
    "markeredgecolor": "white", "linestyle": "none", "zorder": 5,
}  # fmt: skip
_POINT: dict[str, Any] = {"marker": "o", "markersize": 3.5, "linestyle": "none", "color": GREY}
_WHISKER: dict[str, Any] = {"linewidth": 1.2, "color": GREY, "marker": "|", "markersize": 8}
_BAR: dict[str, Any] = {"color": COLOURS[5], "alpha": 0.75}
_OFF: dict[str, Any] = {**_POINT, "marker": ">", "markersize": 6, "clip_on": False}
_FAR_APART = 50.0  # a ratio of bars from which on they no longer start at 0
_ROOM = 2.5  # length of an axis from 0, in longest bars: seeds far beyond would leave no room


@figure_kinds.register("final_losses")
def draw_final_losses(request: FigureRequest, evidence: Evidence) -> Figure:
    """All seeds of each measure, next to the published losses in the same order."""
    values = {m.label: list(evidence.read_values(m).values()) for m in request.of}
    return plot_final_losses(values, dict(zip(values, request.published, strict=False)))


def plot_final_losses(
    values: Mapping[str, Sequence[float]], published: Mapping[str, float]
) -> Figure:
    """A bar for each label's final losses, one per seed, from the top down; numbers on the right.

    Needs at least one label.
    """
    from matplotlib.figure import Figure

    labels = list(dict.fromkeys([*values, *published]))
    figure = Figure(figsize=(WIDTH, 1.3 + 0.66 * len(labels)), layout="constrained")
    ax = figure.subplots()
    top = _scale_bars(ax, values, published)
    for i, label in enumerate(labels):
        losses = values.get(label, ())
        _draw_bar(ax, i, losses, top)
        if math.isfinite(published.get(label, math.nan)):
            ax.plot([published[label]], [i], **_PUBLISHED)
        words = "\n".join(_describe_bar(losses, published.get(label), top))
        ax.text(1.02, i, words, transform=ax.get_yaxis_transform(), va="center", fontsize="small")
    ax.set_yticks(range(len(labels)), [fill(label, 28) for label in labels])
    ax.set(xlabel="final loss", ylim=(len(labels) - 0.4, -0.6))
    ax.grid(axis="x")
    legend_below(figure, _make_legend(values, published))
    return figure


def _scale_bars(
    ax: Axes, values: Mapping[str, Sequence[float]], published: Mapping[str, float]
) -> float:
    """Scale from 0, or logarithmically if that hid the shorter bars; the largest loss shown."""
    bars = [*published.values(), *(take_median(losses) for losses in values.values() if losses)]
    bars = [bar for bar in bars if math.isfinite(bar)]
    seen = [y for losses in values.values() for y in losses if math.isfinite(y)] + bars
    if are_far_apart(bars, _FAR_APART) and min(seen) > 0:
        ax.set_xscale("log")
        label_plainly(ax.xaxis, min(seen), max(seen))
        ax.set_xlim(min(seen) / 2, max(seen) * 1.3)
        return max(seen)
    top = min(max(seen, default=1), _ROOM * max(bars, default=math.inf))
    if min(seen, default=0) >= 0 and top > 0:
        ax.set_xlim(0, 1.04 * top)
        return top
    return math.inf


def _draw_bar(ax: Axes, at: int, losses: Sequence[float], top: float) -> None:
    """The median, the range, and the seeds one below the other; an arrow for seeds beyond."""
    value = take_median(losses) if losses else math.inf
    if math.isfinite(value):
        ax.barh([at], [value], height=0.6, **_BAR)
    points = [(y, at + shift) for y, shift in zip(losses, _spread(len(losses)), strict=True)]
    seen = [point for point in points if math.isfinite(point[0])]
    if seen:
        xs, ys = zip(*seen, strict=True)
        ax.plot(xs, ys, **_POINT)
        if len(seen) > 1:
            ax.plot([min(xs), max(xs)], [at, at], **_WHISKER)
    if _find_beyond(losses, top):
        ax.plot([1], [at], transform=ax.get_yaxis_transform(), **_OFF)


def _find_beyond(losses: Sequence[float], top: float) -> list[float]:
    """The finite losses that the axis leaves out."""
    return [y for y in losses if top < y < math.inf]


def _spread(count: int) -> list[float]:
    """Shifts across a bar for `count` points."""
    return [0.44 * (i / (count - 1) - 0.5) for i in range(count)] if count > 1 else [0.0] * count


def _describe_bar(losses: Sequence[float], published: float | None, top: float) -> list[str]:
    """The numbers of a bar, in lines."""
    lost = sum(not math.isfinite(y) for y in losses)
    several = "median " if len(losses) > 1 else ""
    lines = [f"{several}{take_median(losses):.6g}"] if losses else ["no runs"]
    lines += [f"published {published:.6g}"] if published is not None else []
    beyond = _find_beyond(losses, top)
    lines += [f"{len(beyond)} off the axis, up to {max(beyond):.6g}"] if beyond else []
    lines += [f"{lost} of {len(losses)} seeds not finite"] if lost else []
    return lines


def _make_legend(
    values: Mapping[str, Sequence[float]], published: Mapping[str, float]
) -> list[Any]:
    """An entry for each kind of mark in the figure."""
    several = any(len(losses) > 1 for losses in values.values())
    bar = "median over seeds" if several else "one seed"
    entries = [make_legend_entry(bar, linewidth=8, **_BAR)]
    if several:
        entries += [make_legend_entry("a seed", **_POINT), make_legend_entry("range", **_WHISKER)]
    return entries + ([make_legend_entry("published", **_PUBLISHED)] if published else [])
