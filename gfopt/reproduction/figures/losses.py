"""Train losses of rules of any kind: how they fall, and where they end beside what is published."""

from __future__ import annotations

import math
from itertools import pairwise
from textwrap import fill
from typing import TYPE_CHECKING, Any

from gfopt.pictures import (
    COLOURS,
    GREY,
    WIDTH,
    by_label,
    ceiling,
    colours,
    cut_off,
    entry,
    far_apart,
    finite,
    label_plainly,
    legend_below,
    save,
    styled,
)
from gfopt.records import HistoryRow, Record
from gfopt.statistics import middle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gfopt.pictures import Curve

_SEED: dict[str, Any] = {"linewidth": 0.7, "alpha": 0.45, "zorder": 2}
_MEDIAN_SEED: dict[str, Any] = {"linewidth": 2, "zorder": 3}
_TURN: dict[str, Any] = {"marker": "D", "markersize": 3.5, "linestyle": "none"}
_PUBLISHED: dict[str, Any] = {
    "marker": "D", "markersize": 7, "markerfacecolor": COLOURS[1],
    "markeredgecolor": "white", "linestyle": "none", "zorder": 5,
}  # fmt: skip
_POINT: dict[str, Any] = {"marker": "o", "markersize": 3.5, "linestyle": "none", "color": GREY}
_WHISKER: dict[str, Any] = {"linewidth": 1.2, "color": GREY, "marker": "|", "markersize": 8}
_BAR: dict[str, Any] = {"color": COLOURS[5], "alpha": 0.75}
_OFF: dict[str, Any] = {**_POINT, "marker": ">", "markersize": 6, "clip_on": False}
_BARS = 50.0  # a ratio of bars from which on they no longer start at 0
_ROOM = 2.5  # longest bars that an axis from 0 is long: seeds far beyond would leave no room


def histories(curves: Sequence[Curve], path: Path) -> None:
    """Draw train losses against epochs, a colour for each label; at least one run."""
    with styled():
        save(_histories(curves), path)


def final_losses(
    values: Mapping[str, Sequence[float]], published: Mapping[str, float], path: Path
) -> None:
    """Draw each label's final losses, one a seed, and those published; at least one label."""
    with styled():
        save(_final_losses(values, published), path)


def _histories(curves: Sequence[Curve]) -> Figure:
    """Thin lines for the seeds, a thick one for each label's median seed."""
    from matplotlib.figure import Figure

    methods, handles = by_label(curves), []
    figure = Figure(figsize=(WIDTH, 4.4 + 0.22 * len(methods)), layout="constrained")
    ax = figure.subplots()
    for colour, (label, runs) in zip(colours(methods).values(), methods.items(), strict=True):
        chosen = _median_seed(runs)
        for curve in runs:
            _draw_history(ax, curve[1], colour, _MEDIAN_SEED if curve is chosen else _SEED)
        _name_stages(ax, chosen[1], colour)
        words = fill(f"{label}: {_final(chosen[0], len(runs))}", 120)
        handles.append(entry(words, color=colour, linewidth=2))
    if ax.texts:
        handles.append(entry("where a seed's next stage begins", color=GREY, **_TURN))
    _scale(ax, [[row.loss for row in rows] for _, rows in curves])
    ax.set(xlabel="epochs (of a search: sweeps over all parameters)", ylabel="train loss")
    ax.grid()
    figure.suptitle(_data(curves), x=0.01, ha="left", fontsize="medium", fontweight="bold")
    figure.legend(handles=handles, loc="outside lower left", frameon=False)
    return figure


def _data(curves: Sequence[Curve]) -> str:
    return " · ".join(dict.fromkeys(run.dataset for run, _ in curves))


def _median_seed(runs: Sequence[Curve]) -> Curve:
    """The run with the median final loss, the lower of two; NaN counts as infinity."""
    ordered = sorted(runs, key=lambda curve: _rank(curve[0].loss))
    return ordered[(len(ordered) - 1) // 2]


def _rank(loss: float) -> float:
    return math.inf if math.isnan(loss) else loss


def _final(run: Record, count: int) -> str:
    """The final loss of a label's thick line."""
    which = "median" if count % 2 else "lower median"
    seeds = f", the {which} of {count} seeds" if count > 1 else ""
    return f"ends at {run.loss:.6g} (seed {run.seed}{seeds})"


def _draw_history(ax: Axes, rows: Sequence[HistoryRow], colour: str, style: dict[str, Any]) -> None:
    """One seed's line, with a mark where a stage ends."""
    losses = finite([row.loss for row in rows])
    turns = [i for i, _ in _turns(rows)]
    below = {"zorder": style["zorder"] - 0.5 * bool(turns)}  # its first stage may be another's run
    ax.plot([row.epoch for row in rows], losses, color=colour, **style | below)
    at = [rows[i].epoch for i in turns], [losses[i] for i in turns]
    if turns:
        ax.plot(*at, color=colour, alpha=0.9, zorder=4, **_TURN)


def _turns(rows: Sequence[HistoryRow]) -> list[tuple[int, int]]:
    """(number of the last reading before it, stage) for each stage but the first."""
    stages = [row.stage for row in rows]
    return [
        (i, after)
        for i, (before, after) in enumerate(pairwise(stages))
        if before is not None and after is not None and after != before
    ]


def _name_stages(ax: Axes, rows: Sequence[HistoryRow], colour: str) -> None:
    """A line where each stage of the median seed begins, its words above the axes."""
    end = max((row.epoch for row in rows), default=0)
    for i, stage in _turns(rows):
        epoch, line = rows[i].epoch, len(ax.texts)
        ax.axvline(epoch, color=colour, linewidth=1, linestyle="--", zorder=2)
        side = "left" if epoch <= end / 2 else "right"
        ax.annotate(
            f"stage {stage} after epoch {epoch:g}",
            (epoch, 1),
            (0, 3 + 13 * line),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha=side,
            color=colour,
        )


def _scale(ax: Axes, curves: Sequence[Sequence[float]]) -> None:
    """A logarithmic axis where there are losses to show on one; explosions cut off."""
    top = 5 * ceiling(curves)
    seen = [y for losses in curves for y in losses if 0 < y < math.inf]
    if seen:
        ax.set_yscale("log")
        label_plainly(ax.yaxis, min(seen), min(max(seen), top))
        cut_off(ax, seen, top)


def _final_losses(values: Mapping[str, Sequence[float]], published: Mapping[str, float]) -> Figure:
    """A bar for each label, from the top down, its numbers on the right."""
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
        words = "\n".join(_numbers(losses, published.get(label), top))
        ax.text(1.02, i, words, transform=ax.get_yaxis_transform(), va="center", fontsize="small")
    ax.set_yticks(range(len(labels)), [fill(label, 28) for label in labels])
    ax.set(xlabel="final loss", ylim=(len(labels) - 0.4, -0.6))
    ax.grid(axis="x")
    legend_below(figure, _legend(values, published))
    return figure


def _scale_bars(
    ax: Axes, values: Mapping[str, Sequence[float]], published: Mapping[str, float]
) -> float:
    """From 0, or logarithmic where that would hide the shorter bars; the largest loss shown."""
    bars = [*published.values(), *(middle(losses) for losses in values.values() if losses)]
    bars = [bar for bar in bars if math.isfinite(bar)]
    seen = [y for losses in values.values() for y in losses if math.isfinite(y)] + bars
    if far_apart(bars, _BARS) and min(seen) > 0:
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
    value = middle(losses) if losses else math.inf
    if math.isfinite(value):
        ax.barh([at], [value], height=0.6, **_BAR)
    points = [(y, at + place) for y, place in zip(losses, _spread(len(losses)), strict=True)]
    seen = [point for point in points if math.isfinite(point[0])]
    if seen:
        xs, ys = zip(*seen, strict=True)
        ax.plot(xs, ys, **_POINT)
        if len(seen) > 1:
            ax.plot([min(xs), max(xs)], [at, at], **_WHISKER)
    if _beyond(losses, top):
        ax.plot([1], [at], transform=ax.get_yaxis_transform(), **_OFF)


def _beyond(losses: Sequence[float], top: float) -> list[float]:
    """The losses that the axis leaves out."""
    return [y for y in losses if top < y < math.inf]


def _spread(count: int) -> list[float]:
    """Places across a bar for so many points."""
    return [0.44 * (i / (count - 1) - 0.5) for i in range(count)] if count > 1 else [0.0] * count


def _numbers(losses: Sequence[float], published: float | None, top: float) -> list[str]:
    """What a bar shows, in words."""
    lost = sum(not math.isfinite(y) for y in losses)
    several = "median " if len(losses) > 1 else ""
    words = [f"{several}{middle(losses):.6g}"] if losses else ["no runs"]
    words += [f"published {published:.6g}"] if published is not None else []
    off = _beyond(losses, top)
    words += [f"{len(off)} off the axis, up to {max(off):.6g}"] if off else []
    words += [f"{lost} of {len(losses)} seeds not finite"] if lost else []
    return words


def _legend(values: Mapping[str, Sequence[float]], published: Mapping[str, float]) -> list[Any]:
    """What the picture has."""
    several = any(len(losses) > 1 for losses in values.values())
    entries = [entry("median over seeds" if several else "one seed", linewidth=8, **_BAR)]
    entries += [entry("a seed", **_POINT), entry("range", **_WHISKER)] if several else []
    return entries + ([entry("published", **_PUBLISHED)] if published else [])
