"""Records -> Table: a row for each rule raced, a statistic over its seeds in each cell.

The values are raw; gfopt.formats and gfopt.terminal word them. No torch here.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gfopt.notes import failures, footer
from gfopt.records import Record, Status
from gfopt.statistics import interval, median

if TYPE_CHECKING:
    from collections.abc import Sequence

Value = str | int | float | None
Row = dict[str, Value]

NAMES = ("experiment", "dataset", "optimizer", "label", "target", "reading", "path")
COLUMNS = (
    *NAMES,
    "seeds",  # how many runs
    "reached",  # how many of them reached the target; None without one
    "epochs",  # medians from here on; infinite where most runs missed the target
    "epochs_lo",
    "epochs_hi",
    "seconds",  # of training, without evaluation
    "seconds_lo",
    "seconds_hi",
    "compile_seconds",  # the longest of the runs; before training, on a compiled path alone
    "loss",  # train loss at the stop
    "accuracy",  # a fraction
    "chance",  # of the target's metric
)


@dataclass(frozen=True)
class Table:
    """Rows of raw values under named columns, and the sentences that belong under them."""

    columns: tuple[str, ...]
    rows: list[Row]
    notes: list[str]

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        from gfopt.formats import formats

        return formats["md"](self)


def summarise(records: Sequence[Record], failed: Sequence[str] = ()) -> Table:
    """One row for all seeds of a rule under the same conditions, in order of first appearance.

    `failed` are the labels of runs that raised: no results, but told of in a note.
    """
    groups: dict[str, list[Record]] = {}
    for record in records:
        if record.status is not Status.FAILED:
            groups.setdefault(_conditions(record), []).append(record)
    runs = list(groups.values())
    return Table(COLUMNS, [_row(group) for group in runs], [*failures(failed), *footer(runs)])


def _conditions(record: Record) -> str:
    """All that the runs of one row share: its names, and the run id's parts but seed and batch."""
    identity = {k: v for k, v in record.identity.items() if k not in ("seed", "replicas")}
    return json.dumps([[getattr(record, name) for name in NAMES], identity], sort_keys=True)


def _row(runs: list[Record]) -> Row:
    """The statistics of one group."""
    first, alone = runs[0], all(run.replicas == 1 for run in runs)
    row: Row = {name: getattr(first, name) for name in NAMES}
    row["seeds"] = len(runs)
    row["reached"] = sum(run.reached for run in runs) if first.target else None
    row |= _spread("epochs", [_cost(run, run.epochs) for run in runs])
    row |= _spread("seconds", [_cost(run, run.seconds) for run in runs] if alone else [])
    row["compile_seconds"] = max(run.phases.get("compile", 0.0) for run in runs) or None
    row["loss"] = median([run.loss for run in runs])
    row["accuracy"] = _median_if_all([run.accuracy for run in runs])
    row["chance"] = _median_if_all([run.chance for run in runs])
    return row


def _cost(run: Record, cost: float) -> float:
    """What it took to reach the target, infinite for a miss; as run where there is no target."""
    return cost if run.reached or not run.target else math.inf


def _spread(name: str, values: list[float]) -> Row:
    """Median and interval under a column's name; None where there are no values."""
    middle = median(values) if values else None
    lo, hi = interval(values) if values else (None, None)
    return {name: middle, f"{name}_lo": lo, f"{name}_hi": hi}


def _median_if_all(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if len(known) == len(values) else None
