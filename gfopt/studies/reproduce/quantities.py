"""Quantities that a claim can be about, and how a run's record and history give them. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gfopt.records.evaluation import Evaluation
from gfopt.records.record import Record

History = Sequence[Evaluation]
CENSORED = "Target not reached (censored, shown as inf)"


@dataclass(frozen=True)
class Quantity:
    """A quantity in words, and how to read it; `read` is None if no run holds it."""

    words: str
    read: Callable[[Record, History], float] | None = None
    timed: bool = False
    infinite: str = "Diverged (shown as inf)"  # what an infinite value means


def _read_epochs(run: Record, _: History) -> float:
    return run.epochs if run.reached or not run.target else math.inf


def _or_nan(value: float | None) -> float:
    """The value, or NaN if it isn't counted."""
    return math.nan if value is None else value


def _or_infinity(loss: float) -> float:
    """The loss, or infinity if it isn't finite: the run diverged."""
    return loss if math.isfinite(loss) else math.inf


def _read_stage_loss(_: Record, history: History) -> float:
    """The loss at the end of the first stage."""
    first = history[0].stage
    return _or_infinity([row.loss for row in history if row.stage == first][-1])


def _read_class_prior(run: Record, _: History) -> float:
    """The train loss of the constant predictor, whatever the target's metric."""
    return _or_nan(run.levels.get("class_prior", {}).get("train", {}).get("loss"))


QUANTITIES: dict[str, Quantity] = {
    "epochs": Quantity("epochs to target", _read_epochs, infinite=CENSORED),
    "loss": Quantity("final train loss", lambda run, _: _or_infinity(run.loss)),
    "first_loss": Quantity("initial train loss", lambda _, rows: _or_infinity(rows[0].loss)),
    "stage_loss": Quantity("train loss at the end of the first stage", _read_stage_loss),
    "accuracy": Quantity("held-out accuracy", lambda run, _: _or_nan(run.accuracy)),
    "passes": Quantity("forward + backward passes", lambda run, _: _or_nan(run.passes)),
    "backward_passes": Quantity("backward passes", lambda run, _: _or_nan(run.backward_passes)),
    "class_prior": Quantity("loss of the constant-predictor baseline", _read_class_prior),
    "largest_error": Quantity("largest absolute error of an output"),
    "layers_at_once": Quantity("most layers changed by one update"),
    "seconds": Quantity("wall-clock seconds to target", timed=True, infinite=CENSORED),
    "cpu_seconds": Quantity("CPU seconds to target", timed=True, infinite=CENSORED),
}
