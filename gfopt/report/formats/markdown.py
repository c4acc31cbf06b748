"""Markdown: GitHub tables that read as text too, the notes as a list, costs and comparisons."""

from __future__ import annotations

from gfopt.analysis.costs import axes
from gfopt.report.column_styles import NUMBER, UNITS, Column, Row, Value
from gfopt.report.compact_table import compact
from gfopt.report.formats.base import formats
from gfopt.report.markup import write_list, write_table
from gfopt.report.table import Table

_COSTS = (
    "## Costs to the target\n\nMedians. expected: the expected running time (ERT) in epochs, if "
    "each run that misses is restarted. costs.csv has intervals and restricted means."
)
_PAIRS = "## Seed by seed\n\nRatios: cost of label / cost of against. Below 1, label needs less."


@formats.register("md")
def write_markdown(table: Table) -> str:
    """A table for each set of rows to compare, rounded for readers; csv has all columns."""
    parts = [
        f"**{view.title}**\n\n{write_table(view.header, view.rows, view.left)}"
        for view in compact(table, wide=True)
    ]
    if table.notes:
        parts.append(write_list(table.notes))
    costs, pairs = table.more.get("costs"), table.more.get("pairs")
    if costs and costs.rows:
        parts.append(f"{_COSTS}\n\n{_write_grid(_spread_costs(costs))}")
    if pairs and pairs.rows:
        parts.append(f"{_PAIRS}\n\n{_write_grid(pairs)}")
    return "\n\n".join(parts) + "\n"


def _spread_costs(table: Table) -> Table:
    """The costs with a column for each axis: medians, and the expected running time in epochs."""
    names = ("experiment", "label", "target")
    rows: dict[tuple[Value, ...], Row] = {}
    for row in table.rows:
        shared = {name: row[name] for name in names}
        wide = rows.setdefault(tuple(shared.values()), shared)
        wide[str(row["cost"])] = row["median"]
        if row["cost"] == "epochs":
            wide["expected"] = row["expected"]
    known = dict.fromkeys(name for row in rows.values() for name in row)
    styles = {column.name: column.style for column in table.columns if column.name in names}
    styles |= {name: UNITS[axis.unit] for name, axis in axes.items()} | {"expected": NUMBER}
    columns = tuple(Column[Row](name, lambda row: None, styles[name]) for name in known)
    return Table(columns, [dict.fromkeys(known) | row for row in rows.values()], [])


def _write_grid(table: Table) -> str:
    """The rows, without columns that are empty or that the titles tell already."""
    values = {column.name: {row[column.name] for row in table.rows} for column in table.columns}
    shared = [name for name in ("experiment", "target") if len(values.get(name, ())) == 1]
    columns = [c for c in table.columns if values[c.name] != {None} and c.name not in shared]
    return write_table(
        [column.name for column in columns],
        [[column.show(row) for column in columns] for row in table.rows],
        [column.style.left for column in columns],
    )
