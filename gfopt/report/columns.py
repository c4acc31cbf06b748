"""The columns of every table: each is declared once, here, with its name, its value and its style.

`Group` is what a row of the main table is made from: the runs of one optimizer under the same
conditions. No torch here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from gfopt.analysis.costs import AXES, Axis, axes, collect_costs
from gfopt.analysis.statistics import (
    Costs,
    Estimate,
    expected_running_time,
    median,
    restricted_mean,
    success_rate,
    take_median,
)
from gfopt.analysis.timing import is_reliable
from gfopt.records.record import OLD_BACKENDS
from gfopt.report.column_styles import (
    LARGE,
    LOSS,
    NUMBER,
    P_VALUE,
    PERCENT,
    RATIO,
    SECONDS,
    TEXT,
    UNITS,
    Column,
    Row,
    make_shared,
    make_shown,
    make_spread,
)

if TYPE_CHECKING:
    from gfopt.analysis.pairs import Pair
    from gfopt.records.record import Record

_NO_ESTIMATE = Estimate(None, None, None)
_OLD_NAMES = {new: old for old, new in OLD_BACKENDS.items()}  # in the column `path`


@dataclass(frozen=True)
class Group:
    """The runs of one row of the table."""

    runs: list[Record]

    @property
    def first(self) -> Record:
        """A run that stands for what all share."""
        return self.runs[0]

    @cached_property
    def success(self) -> Estimate:
        """The success rate; none without a target."""
        costs = collect_costs(self.runs, axes["epochs"]) if self.first.target else None
        return success_rate(costs) if costs else _NO_ESTIMATE

    @cached_property
    def epochs(self) -> Estimate:
        """The median of the epochs to the target; infinite if most runs missed it."""
        return self._take_median_cost("epochs")

    @cached_property
    def seconds(self) -> Estimate:
        """The median of the training seconds to the target, evaluation excluded."""
        return self._take_median_cost("seconds")

    def _take_median_cost(self, name: str) -> Estimate:
        costs = collect_costs(self.runs, axes[name])
        return median(costs) if costs else _NO_ESTIMATE

    @property
    def timing(self) -> str | None:
        """`unreliable` if other processes were running; None without seconds."""
        alone = all(run.timed for run in self.runs)
        return "unreliable" if alone and not is_reliable(self.runs) else None

    def read_tuning(self, name: str) -> float | None:
        """A part of the cost of tuning; None if the hyperparameters weren't tuned."""
        return getattr(self.first.tuned, name) if self.first.tuned else None

    def take_median(self, name: str) -> float | None:
        """The median of a record's value; None if a run lacks it."""
        known = [value for run in self.runs if (value := getattr(run, name)) is not None]
        return take_median(known) if len(known) == len(self.runs) else None


@dataclass(frozen=True)
class Cost:
    """The costs of one row along one axis."""

    first: Record
    axis: Axis
    costs: Costs
    horizon: float | None  # None: a mean along this axis has no meaning

    @cached_property
    def median(self) -> Estimate:
        """The median cost."""
        return median(self.costs)

    @cached_property
    def expected(self) -> Estimate:
        """The expected running time, restarts included."""
        return _NO_ESTIMATE if self.horizon is None else expected_running_time(self.costs)

    @property
    def mean(self) -> float | None:
        """The mean up to the horizon."""
        return None if self.horizon is None else restricted_mean(self.costs, self.horizon)


def _show_evaluation(row: Row) -> str:
    return f"{str(row['reading']).replace('_', '-')} evaluation"


def _show_backend(row: Row) -> str:
    """Seconds are of a backend: without them it doesn't matter."""
    return "" if row["seconds"] is None else f"backend {row['backend']}"


def _show_chance(row: Row) -> str:
    style = PERCENT if "accuracy" in str(row["target"]) else LOSS
    return "" if row["chance"] is None else f"chance level {style.show(row['chance'])}"


def _show_seeds(row: Row) -> str:
    return "" if row["target"] else str(row["seeds"])


def _show_success(row: Row) -> str:
    return f"{row['reached']}/{row['seeds']}" if row["target"] else ""


def _show_success_rate(row: Row) -> str:
    """With the interval of the success rate."""
    counts = _show_success(row)
    if not counts or row["seeds"] == 1:
        return counts
    lo, hi = (PERCENT.show(row[name]) for name in ("reached_lo", "reached_hi"))
    return f"{counts} ({lo.removesuffix(' %')}–{hi})"  # noqa: RUF001


def _count_reached(group: Group) -> int | None:
    return sum(run.reached for run in group.runs) if group.first.target else None


COLUMNS: tuple[Column[Group], ...] = (
    make_shared("experiment", lambda group: group.first.experiment),
    make_shared("dataset", lambda group: group.first.dataset),
    Column("optimizer", lambda group: group.first.optimizer, TEXT),
    make_shown("label", lambda group: group.first.label, TEXT),
    make_shared("target", lambda group: group.first.target),
    Column("reading", lambda group: group.first.reading, TEXT, title=_show_evaluation),
    Column("backend", lambda group: group.first.backend, TEXT, title=_show_backend),
    Column("seeds", lambda group: len(group.runs), NUMBER, _show_seeds),
    Column("reached", _count_reached, NUMBER, _show_success, _show_success_rate),
    Column("reached_lo", lambda group: group.success.lo, PERCENT),
    Column("reached_hi", lambda group: group.success.hi, PERCENT),
    *make_spread("epochs", lambda group: group.epochs, NUMBER),
    *make_spread("seconds", lambda group: group.seconds, SECONDS),
    make_shown("timing", lambda group: group.timing, TEXT),
    Column(  # the longest of the runs; before training
        "compile_seconds",
        lambda group: max(run.phases.get("compile", 0.0) for run in group.runs) or None,
        SECONDS,
    ),
    make_shown("loss", lambda group: take_median([run.loss for run in group.runs]), LOSS),
    make_shown("accuracy", lambda group: group.take_median("accuracy"), PERCENT),
    make_shown("test_accuracy", lambda group: group.take_median("test_accuracy"), PERCENT),
    Column("chance", lambda group: group.take_median("chance"), LOSS, title=_show_chance),
    make_shown("tuning_trials", lambda group: group.read_tuning("trials"), NUMBER),
    make_shown("tuning_passes", lambda group: group.read_tuning("passes"), LARGE),
    Column("tuning_seconds", lambda group: group.read_tuning("seconds"), SECONDS),
    Column("path", lambda group: _OLD_NAMES.get(group.first.backend, group.first.backend), TEXT),
)
COSTS: tuple[Column[Cost], ...] = (
    Column("experiment", lambda cost: cost.first.experiment, TEXT),
    Column("label", lambda cost: cost.first.label, TEXT),
    Column("target", lambda cost: cost.first.target, TEXT),
    Column("cost", lambda cost: cost.axis.name, TEXT),
    Column("median", lambda cost: cost.median.value, NUMBER),
    Column("lo", lambda cost: cost.median.lo, NUMBER),
    Column("hi", lambda cost: cost.median.hi, NUMBER),
    Column("mean", lambda cost: cost.mean, NUMBER),
    Column("horizon", lambda cost: cost.horizon, NUMBER),
    Column("expected", lambda cost: cost.expected.value, NUMBER),
    Column("expected_lo", lambda cost: cost.expected.lo, NUMBER),
    Column("expected_hi", lambda cost: cost.expected.hi, NUMBER),
)
PAIRS: tuple[Column[Pair], ...] = (
    Column("experiment", lambda pair: pair.first.experiment, TEXT),
    Column("target", lambda pair: pair.first.target, TEXT),
    Column("cost", lambda pair: pair.axis.name, TEXT),
    Column("label", lambda pair: pair.first.label, TEXT),
    Column("against", lambda pair: pair.second.label, TEXT),
    Column("control", lambda pair: "yes" if pair.with_control else None, TEXT),
    Column("pairs", lambda pair: pair.comparison.pairs, NUMBER),
    Column("wins", lambda pair: pair.comparison.wins, NUMBER),
    Column("losses", lambda pair: pair.comparison.losses, NUMBER),
    Column("ties", lambda pair: pair.comparison.ties, NUMBER),
    *make_spread("ratio_mean", lambda pair: pair.comparison.ratio_mean, RATIO),
    *make_spread("ratio_median", lambda pair: pair.comparison.ratio_median, RATIO),
    Column("test", lambda pair: pair.comparison.test, TEXT),
    Column("p", lambda pair: pair.comparison.p, P_VALUE),
    Column("p_holm", lambda pair: pair.p, P_VALUE),
    Column("smallest_p", lambda pair: pair.comparison.smallest_p, P_VALUE),
    Column("logrank_p", lambda pair: pair.comparison.logrank_p, P_VALUE),
)
RUNS: tuple[Column[Record], ...] = (
    Column("experiment", lambda run: run.experiment, TEXT),
    Column("label", lambda run: run.label, TEXT),
    Column("target", lambda run: run.target, TEXT),
    Column("seed", lambda run: run.seed, NUMBER),
    Column("repeat", lambda run: run.repeat, NUMBER),
    Column("id", lambda run: run.id, TEXT),
    Column("status", lambda run: run.status, TEXT),
    Column("loss", lambda run: run.loss, LOSS),
    Column("accuracy", lambda run: run.accuracy, PERCENT),
    Column("test_accuracy", lambda run: run.test_accuracy, PERCENT),
    Column("other_work", lambda run: run.other_work, NUMBER),
    *(Column(axis.name, axis.measure, UNITS[axis.unit]) for axis in AXES),
)
