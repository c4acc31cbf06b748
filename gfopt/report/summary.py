"""Records -> Table: a row for each optimizer raced, a statistic over its seeds in each cell.

More tables come with it: the costs to the target along every axis, the comparisons seed by seed,
and the runs. columns.py declares the columns of all of them. No torch here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gfopt.analysis.costs import AXES, Axis, collect_costs
from gfopt.analysis.pairs import Pair, compare_rows, identify_race
from gfopt.analysis.timing import NoiseFloor, measure_noise
from gfopt.records.record import Record, Status
from gfopt.report.column_styles import fill_row
from gfopt.report.columns import COLUMNS, COSTS, PAIRS, RUNS, Cost, Group
from gfopt.report.sentences.findings import write_findings
from gfopt.report.sentences.footnotes import write_footnotes
from gfopt.report.sentences.warnings import warn_of_failures, write_warnings
from gfopt.report.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_CONDITIONS = ("experiment", "dataset", "optimizer", "label", "target", "reading", "backend")


def summarise(records: Sequence[Record], failed: Sequence[str] = ()) -> Table:
    """A row for all seeds of an optimizer under the same conditions, in order of first appearance.

    Of several targets each has its row. Repeats count in no row, only for the timing noise.
    `failed`: labels of runs that raised. They have no results; a note counts them.
    """
    every = [view for record in records for view in record.views()]
    views, repeats = ([v for v in every if (v.repeat > 1) is more] for more in (False, True))
    groups, repeated = _group_runs(views), _group_runs(repeats)
    pairs = compare_rows(groups)
    costs = [cost for runs in groups for cost in _measure_costs(runs, views)]
    runs = [run for group in (*groups, *repeated) for run in group]
    notes = [*warn_of_failures(failed), *_write_notes(groups, pairs, repeats)]
    more = {
        "costs": Table(COSTS, [fill_row(COSTS, cost) for cost in costs], []),
        "pairs": Table(PAIRS, [fill_row(PAIRS, pair) for pair in pairs], []),
        "runs": Table(RUNS, [fill_row(RUNS, run) for run in runs], []),
    }
    return Table(COLUMNS, [fill_row(COLUMNS, Group(group)) for group in groups], notes, more)


def _write_notes(
    groups: list[list[Record]], pairs: Sequence[Pair], repeats: Sequence[Record]
) -> list[str]:
    """All sentences, each once: warnings, findings, footnotes."""
    if not groups:
        return []
    notes = [*write_warnings(groups), *write_findings(pairs, _measure_noise(groups, repeats))]
    return list(dict.fromkeys([*notes, *write_footnotes(groups)]))


def _measure_noise(groups: list[list[Record]], repeats: Sequence[Record]) -> dict[str, NoiseFloor]:
    """The timing noise of each experiment, from the first row that was repeated."""
    floors: dict[str, NoiseFloor] = {}
    for runs in groups:
        row = identify_race(runs[0]), runs[0].label
        floor = measure_noise(runs, [r for r in repeats if (identify_race(r), r.label) == row])
        if floor:
            floors.setdefault(runs[0].experiment, floor)
    return floors


def _group_runs(views: Iterable[Record]) -> list[list[Record]]:
    """The runs of each row, by seed."""
    groups: dict[str, list[Record]] = {}
    for record in views:
        if record.status is not Status.FAILED:
            groups.setdefault(_identify_row(record), []).append(record)
    return [sorted(runs, key=lambda run: (run.seed, run.id)) for runs in groups.values()]


def _identify_row(record: Record) -> str:
    """Shared by the runs of a row: names, and the run id's parts but seed and vectorization."""
    identity = {k: v for k, v in record.identity.items() if k not in ("seed", "replicas")}
    names = [getattr(record, name) for name in _CONDITIONS]
    return json.dumps([names, identity], sort_keys=True)


def _measure_costs(runs: list[Record], views: Sequence[Record]) -> Iterator[Cost]:
    """A row's costs along each axis that all its runs know."""
    first = runs[0]
    race = [view for view in views if identify_race(view) == identify_race(first)]
    for axis in AXES:
        costs = collect_costs(runs, axis)
        if costs and any(costs.spent):
            horizon = None if axis.name == "peak_memory" else _find_horizon(race, axis)
            yield Cost(first, axis, costs, horizon)


def _find_horizon(race: Sequence[Record], axis: Axis) -> float:
    """The cost up to which all rows of a race are known: of a row with misses the longest one."""
    ends: dict[str, float] = {}
    for run in race:
        cost = axis.measure(run)
        if cost is not None and run.target and not run.reached:
            ends[run.label] = max(cost, ends.get(run.label, 0.0))
    known = (cost for run in race if (cost := axis.measure(run)) is not None)
    return min(ends.values()) if ends else max(known)
