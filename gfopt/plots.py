"""Records and their histories -> a picture: the target's metric against epochs, seconds and passes.

A row of three panels for each experiment and target. Matplotlib is loaded where it draws. The same
records give the same bytes.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from itertools import cycle, pairwise
from textwrap import fill
from typing import TYPE_CHECKING, Any

from gfopt.notes import is_accuracy, level
from gfopt.records import HistoryRow, Record, Status, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

PICTURES = ("png", "svg", "pdf")

# Okabe & Ito's colours, told apart by all eyes; without yellow and black
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F3C8D")
_STYLE: dict[Any, Any] = {  # Any: matplotlib types the keys one by one
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "figure.facecolor": "white",
    "savefig.dpi": 150,
    "svg.hashsalt": "gfopt",
}
_UNDATED = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
_LONG = 10_000  # numbers from which on an axis is labelled in thousands
_GREY = "#555555"
_UPRIGHT: dict[str, Any] = {"marker": "|", "markersize": 11, "linestyle": "none"}
_WIDE = 10.0  # a ratio of values from which on a logarithmic axis shows more


@dataclass(frozen=True)
class _Curve:
    """One run and its readings."""

    record: Record
    rows: Sequence[HistoryRow]

    @property
    def levels(self) -> list[float]:
        """The metric at each reading."""
        return [row.loss if row.metric is None else row.metric for row in self.rows]


@dataclass(frozen=True)
class _Panel:
    """What a panel has on its x-axis; None where a run can't say."""

    title: str
    missing: str
    cost: Callable[[_Curve, HistoryRow], float | None]


def _seconds(curve: _Curve, row: HistoryRow) -> float | None:
    return row.seconds if curve.record.replicas == 1 else None


def _passes(_: _Curve, row: HistoryRow) -> float | None:
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
    import matplotlib

    curves = [_Curve(*pair) for pair in zip(records, histories, strict=True)]
    with matplotlib.rc_context(_STYLE):
        figure = _figure(_races(curves))
        picture = io.BytesIO()
        figure.savefig(picture, format=kind, metadata=_UNDATED[kind])
    write_whole(path, picture.getvalue())


def _races(curves: list[_Curve]) -> list[list[_Curve]]:
    """The curves that share a y-axis, in order of appearance."""
    found: dict[tuple[str, ...], list[_Curve]] = {}
    for curve in curves:
        run = curve.record
        key = (run.experiment, run.dataset, run.target or run.target_metric, run.reading)
        found.setdefault(key, []).append(curve)
    return list(found.values())


def _figure(races: list[list[_Curve]]) -> Figure:
    """A row of panels for each race, its legend on the right."""
    from matplotlib.figure import Figure

    heights = [max(3.9, 0.22 * (6 + len(_colours(curves)))) for curves in races]  # inches
    figure = Figure(figsize=(13, sum(heights)), layout="constrained")
    grids = figure.subfigures(len(races), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, curves in zip(grids, races, strict=True):
        run = curves[0].record
        names = dict.fromkeys((run.experiment, run.dataset, run.reading.replace("_", " ")))
        part.suptitle(" · ".join(names), x=0.01, ha="left", fontweight="bold")
        axes = part.subplots(1, len(_PANELS), sharey=True)
        colours = _colours(curves)
        for ax, panel in zip(axes, _PANELS, strict=True):
            _draw_panel(ax, panel, curves, colours)
        _scale_y(axes[0], curves)
        axes[0].set_ylabel(run.target_metric.replace("_", " ").replace("valid", "validation"))
        part.legend(handles=_legend(curves, colours), loc="outside right upper", frameon=False)
    return figure


def _colours(curves: list[_Curve]) -> dict[str, str]:
    """A colour for each label."""
    labels = dict.fromkeys(curve.record.label for curve in curves)
    return dict(zip(labels, cycle(_COLOURS), strict=False))


def _draw_panel(ax: Axes, panel: _Panel, curves: list[_Curve], colours: dict[str, str]) -> None:
    """Every run that has this cost, the levels to compare with, and the names of those without."""
    ends: list[float] = []
    missing: dict[str, None] = {}
    for curve in curves:
        points = _points(panel, curve)
        if points:
            _draw_curve(ax, points, curve.record, colours[curve.record.label])
            _draw_boundaries(ax, panel, curve, colours[curve.record.label])
            ends += [points[-1][0]] if curve.record.status is not Status.DIVERGED else []
        else:
            missing[curve.record.label] = None
    _scale_x(ax, ends)
    _say_missing(ax, panel.missing, list(missing), everything=not ax.lines)
    for _, value, style in _marks(curves[0].record):
        ax.axhline(value, **style)
    ax.set_title(panel.title, loc="left")
    ax.grid(color="#E6E6E6", linewidth=0.6)
    ax.set_axisbelow(True)


def _scale_x(ax: Axes, ends: list[float]) -> None:
    """Logarithmic where some runs are far longer than others; thousands as k, millions as M."""
    from matplotlib.ticker import EngFormatter

    if _far_apart(ends):
        ax.set_xscale("log")
    elif ends and max(ends) >= _LONG:
        ax.xaxis.set_major_formatter(EngFormatter())


def _points(panel: _Panel, curve: _Curve) -> list[tuple[float, float]]:
    """Cost and level of each reading that has both."""
    pairs = ((panel.cost(curve, row), y) for row, y in zip(curve.rows, curve.levels, strict=True))
    return [(x, y) for x, y in pairs if x is not None and math.isfinite(y)]


def _draw_curve(ax: Axes, points: list[tuple[float, float]], run: Record, colour: str) -> None:
    """One seed's line and how it ended."""
    xs, ys = zip(*points, strict=True)
    ax.plot(xs, ys, color=colour, linewidth=0.9, alpha=0.8)
    if run.target:
        ax.plot(xs[-1:], ys[-1:], color=colour, **_end(run.reached), zorder=3)


def _draw_boundaries(ax: Axes, panel: _Panel, curve: _Curve, colour: str) -> None:
    """A thin vertical line at the last reading of each stage but the last, at what it had cost."""
    for row in _boundaries(curve):
        cost = panel.cost(curve, row)
        if cost is not None:
            ax.axvline(cost, color=colour, linewidth=0.6, alpha=0.6, zorder=1)


def _boundaries(curve: _Curve) -> list[HistoryRow]:
    """The readings that are followed by one of another stage."""
    return [row for row, after in pairwise(curve.rows) if row.stage != after.stage]


def _end(reached: bool) -> dict[str, Any]:
    return {"marker": "o" if reached else "x", "markersize": 4.5, "linestyle": "none"}


def _say_missing(ax: Axes, words: str, labels: list[str], *, everything: bool) -> None:
    """Words for the runs that a panel can't show."""
    if everything:
        ax.set_xticks([])
        ax.text(0.5, 0.5, words, transform=ax.transAxes, ha="center", color=_GREY)
    elif labels:
        ax.set_xlabel(fill(f"{words}: {', '.join(labels)}", 55), color=_GREY, loc="left")


def _marks(run: Record) -> list[tuple[str, float, dict[str, Any]]]:
    """Words, value and line style of the levels to compare with."""
    known = (
        (f"target {run.target}", run.target_value, "black", "-"),
        ("chance", run.chance, _GREY, ":"),
        ("class prior", run.class_prior, _GREY, "--"),
    )
    return [
        (
            words if line == "-" else f"{words} {level(run, value)}",
            value,
            {"color": colour, "linestyle": line, "linewidth": 1.2, "zorder": 1.5},
        )
        for words, value, colour, line in known
        if value is not None
    ]


def _scale_y(ax: Axes, curves: list[_Curve]) -> None:
    """Per cent for accuracies; losses logarithmic where that shows more, explosions cut off."""
    from matplotlib.ticker import PercentFormatter

    run = curves[0].record
    if is_accuracy(run):
        ax.yaxis.set_major_formatter(PercentFormatter(1))
        return
    marks = [value for _, value, _ in _marks(run)]
    starts = [curve.levels[0] for curve in curves if curve.rows]
    seen = [y for curve in curves for y in curve.levels if math.isfinite(y)] + marks
    top = 2 * max(filter(math.isfinite, starts + marks), default=math.inf)
    if _far_apart([min(y, top) for y in seen]):
        ax.set_yscale("log")
    if seen and max(seen) > top:
        ax.set_ylim(top=top)


def _far_apart(values: list[float]) -> bool:
    return bool(values) and min(values) > 0 and max(values) > _WIDE * min(values)


def _legend(curves: list[_Curve], colours: dict[str, str]) -> list[Line2D]:
    """A line for each label, level and kind of end that the picture has."""
    from matplotlib.lines import Line2D

    def entry(words: str, **style: Any) -> Line2D:
        return Line2D([], [], label=words, **style)

    entries = [entry(label, color=colour, linewidth=2) for label, colour in colours.items()]
    entries += [entry(words, **style) for words, _, style in _marks(curves[0].record)]
    ends = {curve.record.reached for curve in curves if curve.record.target}
    words = {True: "target reached", False: "ended without it"}
    entries += [entry(words[end], color=_GREY, **_end(end)) for end in sorted(ends, reverse=True)]
    if any(map(_boundaries, curves)):
        entries.append(entry("next stage", color=_GREY, **_UPRIGHT))
    return entries
