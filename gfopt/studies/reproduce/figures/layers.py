"""The figure `layers`: the layers that each update within an epoch changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gfopt.report.plot_style import COLOURS, FAINT, GREY, are_far_apart
from gfopt.studies.reproduce.claims import FigureRequest, figure_kinds
from gfopt.studies.reproduce.evidence import Evidence
from gfopt.studies.reproduce.figures.panels import count_columns, make_panels, write_title
from gfopt.studies.reproduce.formatting import format_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Stages = Sequence[Sequence[int]]  # the layers that each changes, from 1

_APART = 40  # stages up to which their cells have gaps between them
_BESIDE: dict[str, Any] = {"xytext": (5, 0), "textcoords": "offset points", "va": "center"}
_NAMED = 15  # layers up to which each has its number


@figure_kinds.register("layers")
def draw_layers(request: FigureRequest, evidence: Evidence) -> Figure:
    """The traced layers of each measure's optimizer."""
    return plot_layers({m.label: evidence.trace_layers(m) for m in request.of})


def plot_layers(updates: Mapping[str, Stages]) -> Figure:
    """A panel for each label, in it a column of cells for each stage, the output layer on top.

    Cells have the same size in all panels if possible. Needs at least one label.
    """
    from matplotlib.ticker import MaxNLocator

    depth = max((layer for stages in updates.values() for s in stages for layer in s), default=1)
    counts = [max(len(stages), 1) for stages in updates.values()]
    figure, axes = make_panels(len(updates), min(1.1 + 0.32 * depth, 6))
    for ax, count, (label, stages) in zip(axes, counts, updates.items(), strict=True):
        total = format_count(sum(map(len, stages)), "layer update")
        ax.set_title(write_title(label, f"{total} per epoch", len(axes)), loc="left")
        _draw_stages(ax, stages, depth)
        ax.set_xlim(0.5, 0.5 + (count if are_far_apart(counts) else max(counts)))
    if depth <= _NAMED:
        names = [*map(str, range(1, depth)), f"{depth} (output)"]
        axes[0].set_yticks(range(1, depth + 1), names)
    else:
        axes[0].yaxis.set_major_locator(MaxNLocator(integer=True))
    for ax in axes[:: count_columns(len(axes))]:
        ax.set_ylabel("layer")
    return figure


def _draw_stages(ax: Axes, stages: Stages, depth: int) -> None:
    """Fill the cells of the layers that a stage changes; each layer's updates on the right."""
    from matplotlib.colors import ListedColormap
    from matplotlib.ticker import FixedLocator

    cells = [[float(layer in stage) for stage in stages] for layer in range(1, depth + 1)]
    if stages:
        gaps: dict[str, Any] = {"edgecolors": "white", "linewidth": 1.5 * (len(stages) <= _APART)}
        shades = ListedColormap([FAINT, COLOURS[0]])
        x, y = ([i + 0.5 for i in range(count + 1)] for count in (len(stages), depth))
        ax.pcolormesh(x, y, cells, cmap=shades, vmin=0, vmax=1, **gaps)
    for layer, row in enumerate(cells, start=1):
        at = (len(stages) + 0.5, layer)
        ax.annotate(format_count(int(sum(row)), "update"), at, color=GREY, **_BESIDE)
    ax.xaxis.set_major_locator(FixedLocator(range(1, len(stages) + 1), nbins=5))
    ax.set_xlabel("stage within the epoch", loc="left")
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
