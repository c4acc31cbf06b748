"""Panels side by side, with titles that fit over them."""

from __future__ import annotations

import math
from textwrap import fill
from typing import TYPE_CHECKING

from gfopt.report.plot_style import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ACROSS = 3  # panels in a row, at most
_LETTERS = 114  # of a title, over the figure's width


def make_panels(count: int, height: float, *, sharex: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels of a height in inches, in rows of about the same length."""
    from matplotlib.figure import Figure

    across = count_columns(count)
    down = math.ceil(count / across)
    figure = Figure(figsize=(WIDTH, down * height + 0.7), layout="constrained")
    grid = list(figure.subplots(down, across, squeeze=False, sharex=sharex, sharey=True).flat)
    for ax in grid[count:]:
        ax.remove()
    for ax in grid[count - across : count]:  # the lowest of each column
        ax.tick_params(labelbottom=True)
    return figure, grid[:count]


def count_columns(count: int) -> int:
    """The number of columns for `count` panels."""
    return math.ceil(count / math.ceil(count / _ACROSS))


def write_title(label: str, words: str, count: int) -> str:
    """The title of one of `count` panels, in lines no longer than the panel is wide."""
    width = _LETTERS // count_columns(count)
    line = f"{label}: {words}"
    return line if len(line) <= width else f"{fill(f'{label}:', width)}\n{fill(words, width)}"
