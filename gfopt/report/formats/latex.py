"""LaTeX: a booktabs tabular for each set of rows to compare, then the notes."""

from __future__ import annotations

from gfopt.report.compact_table import compact
from gfopt.report.formats.base import formats
from gfopt.report.table import Table

_ESCAPES = {character: f"\\{character}" for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "×": r"$\times$",  # noqa: RUF001
    "±": r"$\pm$",
    "–": "--",  # noqa: RUF001
}


@formats.register("latex")
def write_latex(table: Table) -> str:
    """Rounded for readers; needs the package booktabs."""
    lines = [r"% needs \usepackage{booktabs}"]
    for view in compact(table):
        rows = [" & ".join(map(_escape, row)) + r" \\" for row in (view.header, *view.rows)]
        columns = "".join("l" if name == "label" else "r" for name in view.header)
        lines += [rf"\noindent\textbf{{{_escape(view.title)}}}\par\smallskip"]
        lines += [rf"\noindent\begin{{tabular}}{{{columns}}}", r"\toprule", rows[0], r"\midrule"]
        lines += [*rows[1:], r"\bottomrule", r"\end{tabular}\par\medskip"]
    lines += [rf"{{\footnotesize\noindent {_escape(note)}\par}}" for note in table.notes]
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in text)
