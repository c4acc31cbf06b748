"""The figure `fit`: a function of one input, the network fitted to it, and the residuals."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from gfopt.report.plot_style import COLOURS, GREY, WIDTH
from gfopt.studies.reproduce.claims import FigureRequest, figure_kinds
from gfopt.studies.reproduce.evidence import Evidence

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike


@figure_kinds.register("fit")
def draw_fit(request: FigureRequest, evidence: Evidence) -> Figure:
    """The first seed of the first measure, its first input and output."""
    inputs, targets, outputs = evidence.compute_outputs(request.of[0])
    return plot_fit(inputs[0], targets[0], outputs[0], request.caption)


def plot_fit(x: ArrayLike, y: ArrayLike, prediction: ArrayLike, title: str) -> Figure:
    """Target and output over the input, residuals below; N values each, of any shape."""
    import numpy as np
    from matplotlib.figure import Figure

    inputs, target, output = (np.ravel(np.asarray(a, float)) for a in (x, y, prediction))
    lost = int((~np.isfinite(output)).sum())
    words = f" ({lost} of {output.size} outputs not finite)" if lost else ""
    output = np.where(np.isfinite(output), output, np.nan)
    order = np.argsort(inputs, kind="stable")
    inputs, target, output = inputs[order], target[order], output[order]
    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    above.plot(inputs, target, color=GREY, linewidth=3, alpha=0.5, label="target")
    above.plot(inputs, output, color=COLOURS[0], linewidth=1, label=f"network{words}")
    below.axhline(0, color=GREY, linewidth=3, alpha=0.5)
    below.plot(inputs, output - target, color=COLOURS[0], linewidth=0.8)
    above.set_title(fill(title, 100), loc="left")
    above.legend(frameon=False)
    above.set_ylabel("output")
    below.set(xlabel="input s", ylabel="network - target")
    for ax in (above, below):
        ax.grid()
    figure.align_ylabels()
    return figure
