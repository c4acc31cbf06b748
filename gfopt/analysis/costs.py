"""The cost of a run along each axis: epochs, updates, passes, operations, seconds, memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from gfopt.analysis.statistics import Costs
from gfopt.records.record import Record, Status


class Axis(NamedTuple):
    """One kind of cost."""

    name: str  # in tables
    words: str  # in sentences: "1.2× fewer ..."
    unit: Literal["count", "large", "seconds"]
    measure: Callable[[Record], float | None]  # None if the run doesn't know


def _if_timed(cost: float | None, run: Record) -> float | None:
    """Seconds and memory of vectorized seeds belong to no single run."""
    return cost if run.timed else None


AXES = (
    Axis("epochs", "epochs", "count", lambda run: run.epochs),
    Axis("updates", "updates", "count", lambda run: run.updates),
    Axis("forward_passes", "forward passes", "large", lambda run: run.forward_passes),
    Axis("backward_passes", "backward passes", "large", lambda run: run.backward_passes),
    Axis("passes", "forward + backward passes", "large", lambda run: run.passes),
    Axis("flops", "floating-point operations", "large", lambda run: run.flops),
    Axis("seconds", "training seconds", "seconds", lambda run: _if_timed(run.seconds, run)),
    Axis("cpu_seconds", "CPU seconds", "seconds", lambda run: _if_timed(run.cpu_seconds, run)),
    Axis("peak_memory", "bytes at the peak", "large", lambda run: _if_timed(run.peak_memory, run)),
)
axes = {axis.name: axis for axis in AXES}


def collect_costs(runs: Sequence[Record], axis: Axis) -> Costs | None:
    """The costs of the runs until the target, in their order; None if one run doesn't know its own.

    Without a target a run's cost is all that it spent.
    """
    spent = [axis.measure(run) for run in runs]
    known = [float(value) for value in spent if value is not None]
    if len(known) < len(spent):
        return None
    reached = [run.reached or not run.target for run in runs]
    over = [run.status in (Status.DIVERGED, Status.FINISHED, Status.CONSTANT) for run in runs]
    hopeless = [ended and not met for ended, met in zip(over, reached, strict=True)]
    return Costs(tuple(known), tuple(reached), tuple(hopeless))
