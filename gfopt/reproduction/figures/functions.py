"""A function of one input that a network was fitted to, and how far off the network is."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING

from gfopt.pictures import COLOURS, GREY, WIDTH, save, styled

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike


def fit(x: ArrayLike, y: ArrayLike, prediction: ArrayLike, path: Path, title: str) -> None:
    """Draw target and output over the input, residuals below; N values each, of any shape."""
    with styled():
        save(_fit(x, y, prediction, title), path)


def _fit(x: ArrayLike, y: ArrayLike, prediction: ArrayLike, title: str) -> Figure:
    """Lines through the samples in the order of their inputs."""
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
