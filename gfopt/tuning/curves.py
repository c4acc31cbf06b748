"""What so many trials of a rule are worth: the expected best score after k of them, and all trials.

With s_1 <= ... <= s_n the scores of all n trials, k draws of them with replacement have the best

    E[min] = sum_i s_i [((n - i + 1) / n)^k - ((n - i) / n)^k],

as the best is s_i or more with probability ((n - i + 1) / n)^k. It takes trials for independent
draws; TPE's later ones, which follow the earlier ones, make the curve of few trials look better
than a search of that length was.

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

from gfopt.pictures import GREY, save, strokes, styled
from gfopt.records import write_whole
from gfopt.tuning.studies import Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gfopt.tuning.command import Found


def expected_best(scores: Sequence[float], k: int) -> float:
    """The expected lowest of k draws from these scores, with replacement."""
    n = len(scores)
    weights = (((n - i) / n) ** k - ((n - i - 1) / n) ** k for i in range(n))
    return sum(s * w for s, w in zip(sorted(scores), weights, strict=True))


def curve(found: Found) -> list[float]:
    """The expected best after 1, 2, ... trials of a rule."""
    scores = [trial.score for trial in found.trials]
    return [expected_best(scores, k) for k in range(1, len(scores) + 1)]


def write_tables(folder: Path, every: Sequence[Found]) -> None:
    """tuning.csv, the curves; trials.csv, what was tried and what it cost."""
    points = ((f.entry.label, k, y) for f in every for k, y in enumerate(curve(f), 1))
    _write(folder / "tuning.csv", ("label", "k", "expected_best"), points)
    names = ("label", *(field.name for field in fields(Trial)))
    trials = (
        [found.entry.label, *(asdict(trial) | {"options": json.dumps(trial.options)}).values()]
        for found in every
        for trial in found.trials
    )
    _write(folder / "trials.csv", names, trials)


def draw(path: Path, every: Sequence[Found], title: str, passes: float) -> None:
    """The curves of all rules as a picture."""
    with styled():
        save(_figure(every, title, passes), path)


def _write(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)
    write_whole(path, text.getvalue())


def _figure(every: Sequence[Found], title: str, passes: float) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(9.5, max(4.5, 0.22 * (4 + len(every)))), layout="constrained")
    ax, stroke = figure.subplots(), strokes(f.entry.label for f in every)
    for found in every:
        values, label = curve(found), found.entry.label
        ax.plot(range(1, len(values) + 1), values, label=label, marker=".", **stroke[label])
    ax.axhline(1, color=GREY, linewidth=1)
    ax.set_title(title, loc="left", fontweight="bold")
    ax.set_xlabel("trials")
    ax.set_ylabel(
        f"expected best cost to the target, as a share of\n"
        f"the budget of {passes:g} passes (above 1: missed)"
    )
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid()
    figure.legend(loc="outside right upper", frameon=False)
    return figure
