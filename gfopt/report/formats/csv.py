"""Comma-separated values at full precision, without the notes."""

from __future__ import annotations

import csv
import io

from gfopt.report.formats.base import formats
from gfopt.report.table import SCHEMA, Table


@formats.register("csv")
def write_csv(table: Table) -> str:
    """A line for each row; a median that most runs missed is `inf`. The last column is `schema`."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*table.names, "schema"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | {"schema": SCHEMA} for row in table.rows)
    return text.getvalue()
