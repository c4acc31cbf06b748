"""Handmade runs, all figures of a reproduction drawn from them, and what a figure shows."""

from __future__ import annotations

import math

import numpy as np

from gfopt.report.plot_style import use_style
from gfopt.studies.reproduce.figures.final_losses import plot_final_losses
from gfopt.studies.reproduce.figures.fit import plot_fit
from gfopt.studies.reproduce.figures.histories import plot_histories
from gfopt.studies.reproduce.figures.layers import plot_layers
from gfopt.studies.reproduce.figures.side_by_side import plot_side_by_side
from tests.record_factory import history, missed, record

LONG = "position_wise with learning_rate_multipliers=(1, 2, 3, 4), a label that is far too long"
FALLING = [2.4, 1.5, 0.9, 0.6, 0.49]
BROKEN = [2.4, math.nan, 0.9, math.inf, 1e30, math.nan]
POSITION_WISE = [[4], [3, 4], [2, 3, 4], [1, 2, 3, 4]]
TWO = [
    (record(label="position_wise", epochs=881, seconds=4.1), history(FALLING)),
    (record(epochs=2243.0, seconds=10.26), history(FALLING)),
]


def staged(search, descent, **given):
    """A run of two stages: losses from epoch 0 to the end of the first one, then the second's."""
    rows = [
        row._replace(stage=1 if i < len(search) else 2)
        for i, row in enumerate(history([*search, *descent]))
    ]
    return record(label="hybrid", loss=rows[-1].loss, **given), rows


HYBRID = [
    staged([9000.0, 3000.0], [3500.0, 2900.0], seed=1),
    staged([8000.0, 4000.0, 2700.0, 2600.0], [2800.0, 2500.0], seed=2),
    staged([9000.0, 6000.0, 5000.0], [5000.0, 4000.0], seed=3),
]
SEARCH = [
    (record(label="search", seed=s, loss=v), history([9e3, 4e3, v]))
    for s, v in ((1, 3e3), (2, 2e3))
]
ODD = [
    (record(label=LONG, seed=1), history(FALLING)),
    (missed(label=LONG, seed=2), history(BROKEN)),
    (missed(label="boom", status="diverged", loss=math.nan), history(BROKEN)),
    (missed(label="empty", loss=math.inf), history([])),
    (missed(label="nothing", replicas=3), history([math.nan, math.inf])),
    (record(label="zero", loss=0.0), history([1.0, 0.0, -1.0])),
]
S = np.random.RandomState(1).standard_normal((1, 500))
X = 2 * S**2 + 5

FIGURES = {
    "side by side": lambda: plot_side_by_side(TWO),
    "one method": lambda: plot_side_by_side(TWO[:1]),
    "odd methods": lambda: plot_side_by_side(ODD),
    "layers": lambda: plot_layers({"gradient_descent": [[1, 2, 3, 4]], "pw": POSITION_WISE}),
    "odd layers": lambda: plot_layers(
        {"none": [], LONG: [[1]] * 300, "pw": POSITION_WISE, "[]": [[]]}
    ),
    "deep layers": lambda: plot_layers({"deep": [range(30 - k, 31) for k in range(30)]}),
    "histories": lambda: plot_histories(HYBRID + SEARCH),
    "one history": lambda: plot_histories(SEARCH[:1]),
    "odd histories": lambda: plot_histories(ODD + HYBRID[:1]),
    "final losses": lambda: plot_final_losses({"a": [3.0, 5.0, 4.0], "b": [2.0]}, {"a": 3.5}),
    "odd losses": lambda: plot_final_losses(
        {LONG: [1.0, math.nan], "lost": [math.inf], "empty": [], "zero": [0.0]}, {"only": 2e4}
    ),
    "losses beyond": lambda: plot_final_losses(
        {"a": [2.0, 3.0, 90.0, math.nan]}, {"a": 1.287446e-4}
    ),
    "fit": lambda: plot_fit(S, X, X + 0.1, "2 s² + 5"),
    "odd fit": lambda: plot_fit(S, X, np.where(S > 0, np.inf, X), LONG * 3),
}


def drawn(figure):
    """The figure after its layout."""
    with use_style():
        figure.draw_without_rendering()
    return figure


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def titles(figure):
    return [ax.get_title(loc="left") for ax in figure.axes]


def levels(ax):
    """The heights of an axes' lines across."""
    return {line.get_ydata()[0] for line in ax.lines if list(line.get_xdata()) == [0, 1]}
