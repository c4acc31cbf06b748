"""Records -> Table: a row for each rule raced, a statistic over its seeds in each cell.

With it come the costs to the target along every axis, the comparisons seed by seed, and the runs
themselves. The values are raw; gfopt.formats and gfopt.terminal word them. No torch here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gfopt.costs import AXES, Axis, axes, costs_of
from gfopt.notes import failures, footer
from gfopt.pairs import Pair, pairs_of, race_of
from gfopt.records import Record, Status
from gfopt.statistics import expected, fraction, median, middle, restricted_mean
from gfopt.timing import is_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gfopt.statistics import Estimate

Value = str | int | float | None
Row = dict[str, Value]

NAMES = ("experiment", "dataset", "optimizer", "label", "target", "reading", "path")
COLUMNS = (
    *NAMES,
    "seeds",  # how many runs
    "reached",  # how many of them reached the target; None without one
    "reached_lo",  # 95 % interval of the share that does
    "reached_hi",
    "epochs",  # medians from here on; infinite where most runs missed the target
    "epochs_lo",
    "epochs_hi",
    "seconds",  # of training, without evaluation
    "seconds_lo",
    "seconds_hi",
    "timing",  # "not a time" where the machine did other work beside
    "compile_seconds",  # the longest of the runs; before training, on a compiled path alone
    "loss",  # train loss at the stop
    "accuracy",  # a fraction
    "test_accuracy",  # on published test samples, looked at once in the end
    "chance",  # of the target's metric
    "tuning_trials",  # what the search for the options cost
    "tuning_passes",
    "tuning_seconds",
)
COSTS = (
    "experiment", "label", "target", "cost", "median", "lo", "hi", "mean", "horizon", "expected",
    "expected_lo", "expected_hi",
)  # fmt: skip
PAIRS = (
    "experiment", "target", "cost", "label", "against", "control",
    "pairs", "wins", "losses", "ties", "ratio_mean", "ratio_mean_lo", "ratio_mean_hi",
    "ratio_median", "ratio_median_lo",
    "ratio_median_hi", "test", "p", "p_holm", "smallest_p", "logrank_p",
)  # fmt: skip

_OF_RUN = (
    "experiment", "label", "target", "seed", "repeat", "id", "status", "loss", "accuracy",
    "test_accuracy", "other_work",
)  # fmt: skip
RUNS = (*_OF_RUN, *(axis.name for axis in AXES))


@dataclass(frozen=True)
class Table:
    """Rows of raw values under named columns, and the sentences that belong under them."""

    columns: tuple[str, ...]
    rows: list[Row]
    notes: list[str]
    more: dict[str, Table] = field(default_factory=dict)  # "costs", "pairs" and "runs"

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        from gfopt.formats import formats

        return formats["md"](self)


def summarise(records: Sequence[Record], failed: Sequence[str] = ()) -> Table:
    """One row for all seeds of a rule under the same conditions, in order of first appearance.

    Of several targets each has its row; runs made once more count in no row, but for the noise
    floor. `failed` are the labels of runs that raised: no results, but told of in a note.
    """
    every = [view for record in records for view in record.views()]
    views, repeats = ([v for v in every if (v.repeat > 1) is more] for more in (False, True))
    groups, again = _grouped(views), _grouped(repeats)
    pairs = pairs_of(groups)
    notes = [*failures(failed), *footer(groups, pairs, repeats)]
    more = {
        "costs": Table(COSTS, [row for runs in groups for row in _costs(runs, views)], []),
        "pairs": Table(PAIRS, [_pair(pair) for pair in pairs], []),
        "runs": Table(RUNS, [_run(run) for runs in (*groups, *again) for run in runs], []),
    }
    return Table(COLUMNS, [_row(runs) for runs in groups], notes, more)


def _grouped(views: Iterable[Record]) -> list[list[Record]]:
    """The runs of each row, by seed."""
    groups: dict[str, list[Record]] = {}
    for record in views:
        if record.status is not Status.FAILED:
            groups.setdefault(_conditions(record), []).append(record)
    return [sorted(runs, key=lambda run: (run.seed, run.id)) for runs in groups.values()]


def _conditions(record: Record) -> str:
    """All that the runs of one row share: its names, and the run id's parts but seed and batch."""
    identity = {k: v for k, v in record.identity.items() if k not in ("seed", "replicas")}
    return json.dumps([[getattr(record, name) for name in NAMES], identity], sort_keys=True)


def _row(runs: list[Record]) -> Row:
    """The statistics of one group."""
    first, tuned = runs[0], runs[0].tuned
    row: Row = {name: getattr(first, name) for name in NAMES}
    row["seeds"] = len(runs)
    row |= _reached(runs)
    row |= _spread("epochs", runs) | _spread("seconds", runs)
    alone = all(run.timed for run in runs)
    row["timing"] = "not a time" if alone and not is_time(runs) else None
    row["compile_seconds"] = max(run.phases.get("compile", 0.0) for run in runs) or None
    row["loss"] = middle([run.loss for run in runs])
    for name in ("accuracy", "test_accuracy", "chance"):
        row[name] = _median_if_all([getattr(run, name) for run in runs])
    row["tuning_trials"] = tuned.trials if tuned else None
    row["tuning_passes"] = tuned.passes if tuned else None
    row["tuning_seconds"] = tuned.seconds if tuned else None
    return row


def _reached(runs: list[Record]) -> Row:
    """How many reached the target, and the interval of their share."""
    if not runs[0].target:
        return dict.fromkeys(("reached", "reached_lo", "reached_hi"))
    costs = costs_of(runs, axes["epochs"])
    assert costs
    share = fraction(costs)
    return {"reached": sum(costs.reached), "reached_lo": share.lo, "reached_hi": share.hi}


def _spread(name: str, runs: list[Record]) -> Row:
    """Median and interval under a column's name; None where a run can't say."""
    costs = costs_of(runs, axes[name])
    found: Sequence[float | None] = median(costs) if costs else (None, None, None)
    return dict(zip((name, f"{name}_lo", f"{name}_hi"), found, strict=True))


def _costs(runs: list[Record], views: Sequence[Record]) -> list[Row]:
    """A row's costs along each axis that it has."""
    first, rows = runs[0], list[Row]()
    race = [view for view in views if race_of(view) == race_of(first)]
    for axis in AXES:
        costs = costs_of(runs, axis)
        if not costs or not any(costs.spent):
            continue
        horizon = _horizon(race, axis)
        row: Row = {"experiment": first.experiment, "label": first.label, "target": first.target}
        row |= {"cost": axis.name} | _estimate(("median", "lo", "hi"), median(costs))
        if axis.name != "peak_memory":
            row |= {"mean": restricted_mean(costs, horizon), "horizon": horizon}
            row |= _estimate(("expected", "expected_lo", "expected_hi"), expected(costs))
        rows.append(dict.fromkeys(COSTS) | row)
    return rows


def _horizon(race: Sequence[Record], axis: Axis) -> float:
    """How far all rows of a race can be seen: a row with misses up to the longest one of them."""
    ends: dict[str, float] = {}
    for run in race:
        cost = axis.of(run)
        if cost is not None and run.target and not run.reached:
            ends[run.label] = max(cost, ends.get(run.label, 0.0))
    known = (cost for run in race if (cost := axis.of(run)) is not None)
    return min(ends.values()) if ends else max(known)


def _pair(pair: Pair) -> Row:
    """One comparison."""
    found = pair.found
    return {
        "experiment": pair.first.experiment,
        "target": pair.first.target,
        "cost": pair.axis.name,
        "label": pair.first.label,
        "against": pair.second.label,
        "control": "yes" if pair.of_control else None,
        "pairs": found.pairs,
        "wins": found.wins,
        "losses": found.losses,
        "ties": found.ties,
        **_estimate(("ratio_mean", "ratio_mean_lo", "ratio_mean_hi"), found.ratio_mean),
        **_estimate(("ratio_median", "ratio_median_lo", "ratio_median_hi"), found.ratio_median),
        "test": found.test,
        "p": found.p,
        "p_holm": pair.p,
        "smallest_p": found.smallest_p,
        "logrank_p": found.logrank_p,
    }


def _run(run: Record) -> Row:
    """One run as far as one target."""
    row: Row = {name: getattr(run, name) for name in _OF_RUN}
    return row | {axis.name: axis.of(run) for axis in AXES}


def _estimate(names: tuple[str, str, str], estimate: Estimate) -> Row:
    return dict(zip(names, estimate, strict=True))


def _median_if_all(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return middle(known) if len(known) == len(values) else None
