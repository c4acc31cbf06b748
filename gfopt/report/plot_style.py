"""What all pictures share: style, colours, reference lines, scales, files without a date.

Matplotlib is loaded where it draws. The same input gives the same bytes.
"""

from __future__ import annotations

import io
import math
from itertools import cycle
from typing import TYPE_CHECKING, Any

from gfopt.analysis.groups import format_level, is_accuracy
from gfopt.records.atomic import write_atomically
from gfopt.records.evaluation import Evaluation
from gfopt.records.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    Curve = tuple[Record, Sequence[Evaluation]]  # a run and its evaluations
    Stroke = dict[str, Any]  # colour and dash of a line
    Strokes = dict[str, Stroke]  # by label

WIDTH = 9.5  # inches, of the figures of a reproduction

# the colours of Okabe & Ito, for the colour-blind too; without yellow and black
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F3C8D", "#8C6D31")
_DASHES = ("-", "--", ":", "-.")
GREY = "#555555"
FAINT = "#E6E6E6"
_STYLE: dict[Any, Any] = {  # Any: matplotlib types the keys one by one
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "figure.facecolor": "white",
    "savefig.dpi": 150,
    "svg.hashsalt": "gfopt",
}
_UNDATED = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
_MIN_FOR_THOUSANDS = 10_000  # an axis up to there or further is labelled in thousands
_LETTERS_ACROSS = 115  # over the width of a picture
_HANDLE_LETTERS = 8  # the width of a legend's line beside its words
# ratios of the largest to the smallest value of an axis
_MIN_RATIO_FOR_LOG = 10.0  # above, a logarithmic axis shows more
_MAX_RATIO_WITH_MINOR = 1000.0  # up to there a logarithmic axis is labelled between its decades
_MAX_X_RATIO_WITH_MINOR = 100.0  # the same of an x-axis, whose labels stand side by side


def use_style() -> AbstractContextManager[None]:
    """A context with the style in which figures are made and saved."""
    import matplotlib

    return matplotlib.rc_context(_STYLE)


def save(figure: Figure, path: Path, kind: str = "png") -> None:
    """Write a figure into a file: png, svg or pdf."""
    picture = io.BytesIO()
    with use_style():
        figure.savefig(picture, format=kind, metadata=_UNDATED[kind])
    write_atomically(path, picture.getvalue())


def assign_colours(labels: Iterable[str]) -> dict[str, str]:
    """A colour for each label, in order of appearance."""
    return dict(zip(dict.fromkeys(labels), cycle(COLOURS), strict=False))


def assign_strokes(labels: Iterable[str]) -> Strokes:
    """Colour and dash of each label's line: colours that are used again come dashed."""
    names = list(dict.fromkeys(labels))
    dashes = (_DASHES[i // len(COLOURS) % len(_DASHES)] for i in range(len(names)))
    return {
        name: {"color": colour, "linestyle": dash}
        for (name, colour), dash in zip(assign_colours(names).items(), dashes, strict=True)
    }


def group_by_label(curves: Iterable[Curve]) -> dict[str, list[Curve]]:
    """The curves of each label, in order of appearance."""
    found: dict[str, list[Curve]] = {}
    for curve in curves:
        found.setdefault(curve[0].label, []).append(curve)
    return found


def write_heading(run: Record) -> str:
    """What the runs of a picture share."""
    names = (run.experiment, run.dataset, f"{run.reading.replace('_', '-')} evaluation")
    return " · ".join(dict.fromkeys(names))


def name_metric(run: Record) -> str:
    """The target's metric as the name of an axis."""
    return run.target_metric.replace("_", " ").replace("valid", "validation")


def read_levels(run: Record, rows: Sequence[Evaluation]) -> list[float]:
    """The target's metric at each evaluation."""
    values = (row.value(run.target_metric) for row in rows)
    return [math.nan if value is None else value for value in values]


def break_at_infinite(values: Iterable[float]) -> list[float]:
    """The values, with NaN (a gap in the line) for infinities."""
    return [value if math.isfinite(value) else math.nan for value in values]


def format_number(value: float) -> str:
    """Three digits; from 100 on, and whole numbers, in full."""
    return f"{value:.0f}" if value >= 100 or value == round(value) else f"{value:.3g}"


def find_reference_lines(run: Record) -> list[tuple[str, float, dict[str, Any]]]:
    """Words, value and line style of targets, chance level and constant-predictor baseline."""
    aims = [(view.target, view.target_value) for view in run.views()]
    known = (
        *((f"target {name}", value, "black", "-") for name, value in aims),
        ("chance level", run.chance, GREY, ":"),
        ("constant-predictor baseline", run.class_prior, GREY, "--"),
    )
    return [
        (
            words if line == "-" else f"{words} {format_level(run, value)}",
            value,
            {"color": colour, "linestyle": line, "linewidth": 1.2, "zorder": 1.5},
        )
        for words, value, colour, line in known
        if value is not None
    ]


def style_end(*, reached: bool) -> dict[str, Any]:
    """The marker at the end of a run with a target."""
    return {"marker": "o" if reached else "x", "markersize": 4.5, "linestyle": "none"}


def make_legend_entry(words: str, **style: Any) -> Line2D:
    """A line of a legend that isn't drawn in the axes."""
    from matplotlib.lines import Line2D

    return Line2D([], [], label=words, **style)


def are_far_apart(values: Sequence[float], ratio: float = _MIN_RATIO_FOR_LOG) -> bool:
    """Whether a logarithmic axis shows more of the values."""
    return bool(values) and min(values) > 0 and max(values) > ratio * min(values)


def scale_x(ax: Axes, ends: Sequence[float]) -> None:
    """Logarithmic if some runs are far longer than others; thousands as k, millions as M."""
    from matplotlib.ticker import EngFormatter

    if are_far_apart(ends):
        ax.set_xscale("log")
        label_plainly(ax.xaxis, *ax.get_xlim(), _MAX_X_RATIO_WITH_MINOR)
    if ends and max(ends) >= _MIN_FOR_THOUSANDS:
        ax.xaxis.set_major_formatter(EngFormatter())


def scale_y(ax: Axes, run: Record, curves: Sequence[Sequence[float]]) -> None:
    """Per cent for accuracies; losses logarithmic if that shows more, exploded ones cut off."""
    from matplotlib.ticker import PercentFormatter

    if is_accuracy(run):
        ax.yaxis.set_major_formatter(PercentFormatter(1))
        return
    compared = [value for _, value, _ in find_reference_lines(run)]
    top = find_ceiling(curves, compared)
    seen = [y for curve in curves for y in curve if math.isfinite(y)] + compared
    if are_far_apart([min(y, top) for y in seen]):
        ax.set_yscale("log")
        label_plainly(ax.yaxis, min(seen), min(max(seen), top))
    cut_off(ax, seen, top)


def label_plainly(
    axis: Axis, low: float, high: float, crowded: float = _MAX_RATIO_WITH_MINOR
) -> None:
    """Plain numbers on a logarithmic axis from `low` to `high`, enough of them on a short one.

    Decades only if the ratio of both is larger than `crowded`.
    """
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    axis.set_minor_formatter(NullFormatter())
    if are_far_apart((low, high), _MAX_RATIO_WITH_MINOR):
        return
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    if not are_far_apart((low, high), crowded):
        dense = not are_far_apart((low, high))
        axis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 5, 6, 8) if dense else (1, 2, 5)))


def cut_off(ax: Axes, seen: Sequence[float], top: float) -> None:
    """Limit the view to what is below the top."""
    if seen and max(seen) > top:
        logarithmic = ax.get_yscale() == "log"
        low = min(y for y in seen if y > 0 or not logarithmic)
        ax.set_ylim(low * (low / top) ** 0.05 if logarithmic else low - 0.05 * (top - low), top)


def find_ceiling(curves: Sequence[Sequence[float]], compared: Sequence[float] = ()) -> float:
    """The loss above which a curve has exploded: twice the highest initial loss or reference."""
    known = [*(curve[0] for curve in curves if curve), *compared]
    return 2 * max(filter(math.isfinite, known), default=math.inf)


def legend_below(figure: Figure, entries: Sequence[Line2D]) -> None:
    """A legend under all panels, in one line if it fits."""
    letters = sum(len(str(line.get_label())) + _HANDLE_LETTERS for line in entries)
    columns = max(len(entries), 1) if letters <= _LETTERS_ACROSS else 3
    figure.legend(handles=entries, loc="outside lower center", ncols=columns, frameon=False)
