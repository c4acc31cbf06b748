"""What a run costs, along each axis: epochs, updates, passes, operations, seconds, memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from gfopt.records import Record, Status
from gfopt.statistics import Costs


class Axis(NamedTuple):
    """One kind of cost."""

    name: str  # of its column
    words: str  # "1.2 times the …"
    of: Callable[[Record], float | None]  # None where the run can't say


def _timed(cost: float | None, run: Record) -> float | None:
    """Seconds and memory are of a run alone: a batch's are no single run's."""
    return cost if run.timed else None


AXES = (
    Axis("epochs", "epochs", lambda run: run.epochs),
    Axis("updates", "updates", lambda run: run.updates),
    Axis("forward_passes", "forward sample-passes", lambda run: run.forward_passes),
    Axis("backward_passes", "backward sample-passes", lambda run: run.backward_passes),
    Axis("passes", "sample-passes", lambda run: run.passes),
    Axis("flops", "floating-point operations", lambda run: run.flops),
    Axis("seconds", "training seconds", lambda run: _timed(run.seconds, run)),
    Axis("cpu_seconds", "CPU seconds", lambda run: _timed(run.cpu_seconds, run)),
    Axis("peak_memory", "bytes at the peak", lambda run: _timed(run.peak_memory, run)),
)
axes = {axis.name: axis for axis in AXES}


def costs_of(runs: Sequence[Record], axis: Axis) -> Costs | None:
    """The costs of these runs until the target, in their order; None where one can't say.

    Without a target a run costs what it cost.
    """
    spent = [axis.of(run) for run in runs]
    known = [float(value) for value in spent if value is not None]
    if len(known) < len(spent):
        return None
    reached = [run.reached or not run.target for run in runs]
    over = [run.status in (Status.DIVERGED, Status.FINISHED, Status.CONSTANT) for run in runs]
    hopeless = [ended and not met for ended, met in zip(over, reached, strict=True)]
    return Costs(tuple(known), tuple(reached), tuple(hopeless))
