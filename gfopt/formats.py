"""Table -> text: one function per format, registered under its name.

csv and json carry full precision for programs (a miss is `inf` in csv, null in json); md and latex
are rounded for readers. The terminal has its own module, gfopt.terminal.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gfopt.registry import Registry
from gfopt.tables import Row, Table, Value

Format = Callable[[Table], str]
formats: Registry[Format] = Registry("format")

_TEXT = (
    "experiment", "dataset", "optimizer", "label", "target", "reading", "path", "timing", "cost",
    "against", "control", "test",
)  # fmt: skip
_CONTEXT = ("experiment", "dataset", "target", "reading", "path", "chance")  # of rows to compare


@formats.register("csv")
def to_csv(table: Table) -> str:
    """Comma-separated values at full precision, without the notes."""
    text = io.StringIO()
    writer = csv.DictWriter(text, table.columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table.rows)
    return text.getvalue()


@formats.register("json")
def to_json(table: Table) -> str:
    """An object of columns, rows and notes at full precision; what is infinite is null."""
    found = _plain(table)
    return json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(table: Table) -> dict[str, Any]:
    """The table, and those that come with it."""
    rows = [{key: _finite(value) for key, value in row.items()} for row in table.rows]
    more = {name: _plain(other) for name, other in table.more.items()}
    return {"columns": table.columns, "rows": rows, "notes": table.notes} | more


@formats.register("md")
def to_markdown(table: Table) -> str:
    """GitHub tables, aligned for reading as text too, and the notes as a list.

    One for each set of rows to compare, then costs and comparisons; csv has all columns, and runs.
    """
    parts = [_titled(view) for view in compact(table, shares=True)]
    parts += ["\n".join(f"- {note}" for note in table.notes)] if table.notes else []
    more = {name: t for name in _HEADINGS if (t := table.more.get(name)) and t.rows}
    if "costs" in more:
        more["costs"] = _pivoted(more["costs"])
    parts += [f"{_HEADINGS[name]}\n\n{_grid(other)}" for name, other in more.items()]
    return "\n\n".join(parts) + "\n"


_HEADINGS = {
    "costs": "## Costs to the target\n\nMedians; expected: in epochs, if a run that misses is "
    "started again, its cost kept. costs.csv has intervals and restricted means.",
    "pairs": "## Seed by seed\n\nRatios of costs, label over against: below 1 label needs less.",
}


def _titled(view: Compact) -> str:
    """Rows under what they share."""
    left = [name in _TEXT for name in view.header]
    return f"**{view.title}**\n\n{_piped(view.header, view.rows, left)}"


def _pivoted(table: Table) -> Table:
    """The costs with a column for each axis: medians, and the expected epochs."""
    rows: dict[tuple[Value, ...], Row] = {}
    for row in table.rows:
        names = {name: row[name] for name in ("experiment", "label", "target")}
        wide = rows.setdefault(tuple(names.values()), names)
        wide[str(row["cost"])] = row["median"]
        if row["cost"] == "epochs":
            wide["expected"] = row["expected"]
    columns = dict.fromkeys(name for row in rows.values() for name in row)
    return Table(tuple(columns), [dict.fromkeys(columns) | row for row in rows.values()], [])


def _grid(table: Table) -> str:
    """The rows; columns that are empty all over are left out, and what the titles say already."""
    values = {name: {row[name] for row in table.rows} for name in table.columns}
    said = [name for name in ("experiment", "target") if len(values.get(name, ())) == 1]
    names = [name for name in table.columns if values[name] != {None} and name not in said]
    rows = [[worded(row, name) for name in names] for row in table.rows]
    return _piped(names, rows, [name in _TEXT for name in names])


def _piped(header: list[str], rows: list[list[str]], left: list[bool]) -> str:
    """A GitHub table, its cells padded."""
    lines = [[cell.replace("|", "\\|") for cell in row] for row in (header, *rows)]
    widths = [max(3, *map(len, cells)) for cells in zip(*lines, strict=True)]
    rule = ["-" * w if text else "-" * (w - 1) + ":" for w, text in zip(widths, left, strict=True)]
    padded = [
        [
            cell.ljust(width) if text else cell.rjust(width)
            for cell, width, text in zip(line, widths, left, strict=True)
        ]
        for line in lines
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in (padded[0], rule, *padded[1:]))


@formats.register("latex")
def to_latex(table: Table) -> str:
    """A booktabs tabular for each set of rows to compare, and the notes."""
    lines = [r"% needs \usepackage{booktabs}"]
    for view in compact(table):
        rows = [" & ".join(map(_escaped, row)) + r" \\" for row in (view.header, *view.rows)]
        columns = "".join("l" if name == "label" else "r" for name in view.header)
        lines += [rf"\noindent\textbf{{{_escaped(view.title)}}}\par\smallskip"]
        lines += [rf"\noindent\begin{{tabular}}{{{columns}}}", r"\toprule", rows[0], r"\midrule"]
        lines += [*rows[1:], r"\bottomrule", r"\end{tabular}\par\medskip"]
    lines += [rf"{{\footnotesize\noindent {_escaped(note)}\par}}" for note in table.notes]
    return "\n".join(lines) + "\n"


_SHARES = ("accuracy", "test_accuracy", "reached_lo", "reached_hi")
_LARGE = ("forward_passes", "backward_passes", "passes", "flops", "peak_memory", "tuning_passes")


@dataclass(frozen=True)
class Compact:
    """Rows that may be compared, with what they share as their title: for narrow places."""

    title: str
    header: list[str]  # the label, then numbers
    rows: list[list[str]]


def compact(table: Table, *, shares: bool = False) -> list[Compact]:
    """The rows, apart by experiment, target and reading; medians and ranges in one cell.

    `shares`: with the interval of the share that reached the target, where there is room for it.
    """
    races: dict[tuple[str, ...], list[Row]] = {}
    for row in table.rows:
        races.setdefault(_title(row), []).append(row)
    return [_narrow(" · ".join(title), rows, shares) for title, rows in races.items()]


def _title(row: Row) -> tuple[str, ...]:
    """What rows must share to be compared, in words, each once."""
    words = {name: worded(row, name) for name in _CONTEXT}
    words["path"] = "" if row["seconds"] is None else words["path"].replace("plain", "")
    words["chance"] = words["chance"] and f"chance {words['chance']}"
    return tuple(dict.fromkeys(filter(None, words.values())))


def _narrow(title: str, rows: list[Row], shares: bool) -> Compact:
    columns = {"label": [worded(row, "label") for row in rows]}
    columns |= _counts(rows, shares) | _ranges(rows, "epochs") | _ranges(rows, "seconds")
    last = ("timing", "loss", "accuracy", "test_accuracy", "tuning_trials", "tuning_passes")
    columns |= {name: [worded(row, name) for row in rows] for name in last}
    columns = {name: cells for name, cells in columns.items() if any(cells)}
    return Compact(title, list(columns), [list(row) for row in zip(*columns.values(), strict=True)])


def worded(row: Row, name: str) -> str:
    """A cell for readers: rounded, with its unit, nothing for None."""
    value = row[name]
    if value is None or isinstance(value, str):
        return value or ""
    if math.isinf(value):
        return "not finite" if name == "loss" else "inf" if "ratio" in name else "not reached"
    return _rounded(row, name, value)


def _rounded(row: Row, name: str, value: float) -> str:
    if name in _SHARES or (name == "chance" and "accuracy" in str(row["target"])):
        return f"{100 * value:.1f} %"
    if "ratio" in name:
        return significant(value, 3)
    if name.endswith("p") or name == "p_holm":
        return f"{value:.2g}"
    if name in _LARGE:
        return f"{value:.4g}"
    if name in ("loss", "chance"):
        return significant(value, 6)
    if "seconds" in name:
        return significant(value, 3)
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def significant(value: float, digits: int) -> str:
    """A number with so many digits, zeros kept; whole thousands in full."""
    if 10**digits - 0.5 <= abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:#.{digits}g}".rstrip(".")


def _counts(rows: list[Row], shares: bool) -> dict[str, list[str]]:
    """How many runs reached the target, or how many there are."""
    if rows[0]["target"] is None:
        return {"seeds": [str(row["seeds"]) for row in rows]}
    return {"reached": [f"{row['reached']}/{row['seeds']}{_share(row) * shares}" for row in rows]}


def _share(row: Row) -> str:
    """The interval of the share that reached the target, where there are several runs."""
    lo, hi = (worded(row, name) for name in ("reached_lo", "reached_hi"))
    return "" if row["seeds"] == 1 else f" ({lo.removesuffix(' %')}–{hi})"  # noqa: RUF001


def _ranges(rows: list[Row], name: str) -> dict[str, list[str]]:
    """The median, and (lo–hi) where they differ."""
    return {name: [_range(row, name, f"{name}_lo", f"{name}_hi") for row in rows]}


def _range(row: Row, name: str, lo: str, hi: str) -> str:
    if row[lo] == row[hi]:
        return worded(row, name)
    middle, low, high = (
        "inf" if row[key] == math.inf else worded(row, key) for key in (name, lo, hi)
    )
    return f"{middle} ({low}–{high})"  # noqa: RUF001


def _finite(value: Value) -> Value:
    return None if isinstance(value, float) and not math.isfinite(value) else value


_LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "–": "--",  # noqa: RUF001
}


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
