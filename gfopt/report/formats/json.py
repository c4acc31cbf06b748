"""JSON at full precision: schema, columns, rows and notes, and the tables that come with them."""

from __future__ import annotations

import json
from typing import Any

from gfopt.report.column_styles import finite_or_none
from gfopt.report.formats.base import formats
from gfopt.report.table import SCHEMA, Table


@formats.register("json")
def write_json(table: Table) -> str:
    """An object; infinities and NaN are null."""
    values = {"schema": SCHEMA} | _collect(table)
    return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _collect(table: Table) -> dict[str, Any]:
    rows = [{name: finite_or_none(value) for name, value in row.items()} for row in table.rows]
    more = {name: _collect(other) for name, other in table.more.items()}
    return {"columns": table.names, "rows": rows, "notes": table.notes} | more
