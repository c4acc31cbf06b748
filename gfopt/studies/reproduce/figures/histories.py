"""The figure `histories`: train losses of many seeds against epochs, a colour per optimizer."""

from __future__ import annotations

import math
from itertools import pairwise
from textwrap import fill
from typing import TYPE_CHECKING, Any

from gfopt.records.evaluation import Evaluation
from gfopt.records.record import Record
from gfopt.report.plot_style import (
    GREY,
    WIDTH,
    assign_colours,
    break_at_infinite,
    cut_off,
    find_ceiling,
    group_by_label,
    label_plainly,
    make_legend_entry,
)
from gfopt.studies.reproduce.claims import FigureRequest, figure_kinds
from gfopt.studies.reproduce.evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gfopt.report.plot_style import Curve

_SEED: dict[str, Any] = {"linewidth": 0.7, "alpha": 0.45, "zorder": 2}
_MEDIAN_SEED: dict[str, Any] = {"linewidth": 2, "zorder": 3}
_STAGE_END: dict[str, Any] = {"marker": "D", "markersize": 3.5, "linestyle": "none"}


@figure_kinds.register("histories")
def draw_histories(request: FigureRequest, evidence: Evidence) -> Figure:
    """All seeds of each measure."""
    return plot_histories([c for measure in request.of for c in evidence.read_histories(measure)])


def plot_histories(curves: Sequence[Curve]) -> Figure:
    """Train losses against epochs, a colour for each label; needs at least one run.

    Thin lines for the seeds, a thick one for each label's median seed.
    """
    from matplotlib.figure import Figure

    methods, handles = group_by_label(curves), []
    figure = Figure(figsize=(WIDTH, 4.4 + 0.22 * len(methods)), layout="constrained")
    ax = figure.subplots()
    colours = assign_colours(methods)
    for label, runs in methods.items():
        median = _find_median_seed(runs)
        for curve in runs:
            style = _MEDIAN_SEED if curve is median else _SEED
            _draw_history(ax, curve[1], colours[label], style)
        _name_stages(ax, median[1], colours[label])
        words = fill(f"{label}: {_describe_final_loss(median[0], len(runs))}", 120)
        handles.append(make_legend_entry(words, color=colours[label], linewidth=2))
    if ax.texts:
        words = "start of a seed's next stage"
        handles.append(make_legend_entry(words, color=GREY, **_STAGE_END))
    _scale(ax, [[row.loss for row in rows] for _, rows in curves])
    ax.set(xlabel="epochs (of a search: sweeps over all parameters)", ylabel="train loss")
    ax.grid()
    datasets = " · ".join(dict.fromkeys(run.dataset for run, _ in curves))
    figure.suptitle(datasets, x=0.01, ha="left", fontsize="medium", fontweight="bold")
    figure.legend(handles=handles, loc="outside lower left", frameon=False)
    return figure


def _find_median_seed(runs: Sequence[Curve]) -> Curve:
    """The run with the median final loss, the lower of two; NaN counts as infinity."""
    losses = (math.inf if math.isnan(run.loss) else run.loss for run, _ in runs)
    ranked = sorted(zip(losses, range(len(runs)), strict=True))
    return runs[ranked[(len(runs) - 1) // 2][1]]


def _describe_final_loss(run: Record, count: int) -> str:
    """The final loss of a label's thick line."""
    which = "median" if count % 2 else "lower median"
    seeds = f", the {which} of {count} seeds" if count > 1 else ""
    return f"ends at {run.loss:.6g} (seed {run.seed}{seeds})"


def _draw_history(ax: Axes, rows: Sequence[Evaluation], colour: str, style: dict[str, Any]) -> None:
    """One seed's line, with a mark at the end of each stage."""
    losses = break_at_infinite([row.loss for row in rows])
    ends = [i for i, _ in _find_stage_ends(rows)]
    # a first stage may be the whole run of another label: draw it below
    below = {"zorder": style["zorder"] - 0.5 * bool(ends)}
    ax.plot([row.epoch for row in rows], losses, color=colour, **style | below)
    if ends:
        at = [rows[i].epoch for i in ends], [losses[i] for i in ends]
        ax.plot(*at, color=colour, alpha=0.9, zorder=4, **_STAGE_END)


def _find_stage_ends(rows: Sequence[Evaluation]) -> list[tuple[int, int]]:
    """(number of the last evaluation before it, stage) for each stage but the first."""
    stages = [row.stage for row in rows]
    return [
        (i, after)
        for i, (before, after) in enumerate(pairwise(stages))
        if before is not None and after is not None and after != before
    ]


def _name_stages(ax: Axes, rows: Sequence[Evaluation], colour: str) -> None:
    """A line at the start of each stage of the median seed, its words above the axes."""
    end = max((row.epoch for row in rows), default=0)
    for i, stage in _find_stage_ends(rows):
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
    """A logarithmic axis if there are positive losses; explosions are cut off."""
    top = 5 * find_ceiling(curves)
    seen = [y for losses in curves for y in losses if 0 < y < math.inf]
    if seen:
        ax.set_yscale("log")
        label_plainly(ax.yaxis, min(seen), min(max(seen), top))
        cut_off(ax, seen, top)
