"""The expected best score after k trials of an optimizer, as a table and a picture.

With s_1 <= ... <= s_n the scores of all n trials, the best of k draws with replacement has the mean

    E[min] = sum_i s_i [((n - i + 1) / n)^k - ((n - i) / n)^k],

since the best is s_i or more with probability ((n - i + 1) / n)^k. The trials are taken for
independent draws. TPE's later trials follow the earlier ones, so the curve of few trials looks
better than a search of that length was.

Source: Dodge et al., "Show your work: improved reporting of experimental results",
arXiv 1909.03004 (2019).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfopt.records.atomic import write_atomically
from gfopt.report.plot_style import GREY, assign_strokes, save, use_style
from gfopt.studies.tune.study import Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gfopt.studies.tune.result import TunedEntry


def compute_expected_best(scores: Sequence[float], k: int) -> float:
    """The expected lowest of k draws from these scores, with replacement."""
    n = len(scores)
    weights = (((n - i) / n) ** k - ((n - i - 1) / n) ** k for i in range(n))
    return sum(s * w for s, w in zip(sorted(scores), weights, strict=True))


def write_tables(folder: Path, tuned: Sequence[TunedEntry]) -> None:
    """Write tuning.csv, the curves, and trials.csv, each trial's options, score and cost."""
    points = (
        (result.entry.label, k, best)
        for result in tuned
        for k, best in enumerate(_compute_curve(result), 1)
    )
    _write_csv(folder / "tuning.csv", ("label", "k", "expected_best"), points)
    names = ("label", *(field.name for field in fields(Trial)))
    trials = (
        [
            result.entry.label,
            *(asdict(trial) | {"options": json.dumps(trial.options)}).values(),
        ]
        for result in tuned
        for trial in result.trials
    )
    _write_csv(folder / "trials.csv", names, trials)


def draw_curves(path: Path, tuned: Sequence[TunedEntry], title: str, passes: float) -> None:
    """Draw the curves of all optimizers."""
    with use_style():
        save(_make_figure(tuned, title, passes), path)


def _compute_curve(result: TunedEntry) -> list[float]:
    """The expected best after 1, 2, ... trials."""
    scores = [trial.score for trial in result.trials]
    return [compute_expected_best(scores, k) for k in range(1, len(scores) + 1)]


def _write_csv(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    write_atomically(path, text.getvalue())


def _make_figure(tuned: Sequence[TunedEntry], title: str, passes: float) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9.5, max(4.5, 0.22 * (4 + len(tuned)))), layout="constrained")
    ax, strokes = figure.subplots(), assign_strokes(result.entry.label for result in tuned)
    for result in tuned:
        values, label = _compute_curve(result), result.entry.label
        ax.plot(range(1, len(values) + 1), values, label=label, marker=".", **strokes[label])
    ax.axhline(1, color=GREY, linewidth=1)
    ax.set_title(title, loc="left", fontweight="bold")
    ax.set_xlabel("trials")
    ax.set_ylabel(
        "expected best cost to the target, as a share of\n"
        f"the budget of {passes:g} passes (above 1: not reached)"
    )
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid()
    figure.legend(loc="outside right upper", frameon=False)
    return figure
