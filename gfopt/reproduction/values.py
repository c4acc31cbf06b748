"""What a claim can be about: quantities of a run, read off its record and history. No torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gfopt.records import HistoryRow, Record

History = Sequence[HistoryRow]


@dataclass(frozen=True)
class Value:
    """A quantity in words, and how it is read; None where it isn't read off a run."""

    words: str
    read: Callable[[Record, History], float] | None = None
    timed: bool = False


def _epochs(run: Record, _: History) -> float:
    return run.epochs if run.reached or not run.target else math.inf


def _known(value: float | None) -> float:
    """NaN for what is not counted."""
    return math.nan if value is None else value


def _reached(loss: float) -> float:
    """A loss that isn't finite is no loss: the run diverged, and counts as infinitely bad."""
    return loss if math.isfinite(loss) else math.inf


def _passes(run: Record, _: History) -> float:
    return _known(run.forward_passes) + _known(run.backward_passes)


def _stage_loss(_: Record, history: History) -> float:
    """The loss at the end of the first stage."""
    first = history[0].stage
    return _reached([row.loss for row in history if row.stage == first][-1])


def _class_prior(run: Record, _: History) -> float:
    """Of the train loss, whatever metric the target has."""
    levels = run.levels.get("class_prior", {}).get("train", {})
    return _known(levels.get("loss"))


VALUES: dict[str, Value] = {
    "epochs": Value("epochs to the target", _epochs),
    "loss": Value("train loss at the stop", lambda run, _: _reached(run.loss)),
    "first_loss": Value("train loss of the start", lambda _, rows: _reached(rows[0].loss)),
    "stage_loss": Value("train loss at the end of the first stage", _stage_loss),
    "accuracy": Value("accuracy on the held-out samples", lambda run, _: _known(run.accuracy)),
    "passes": Value("sample-passes, forward and backward", _passes),
    "backward_passes": Value("backward sample-passes", lambda run, _: _known(run.backward_passes)),
    "class_prior": Value("loss of the best constant output", _class_prior),
    "largest_error": Value("largest distance of an output from its target"),
    "layers_at_once": Value("most layers that one update moves together"),
    "seconds": Value("training seconds to the target, wall-clock", timed=True),
    "cpu_seconds": Value("training seconds to the target, CPU time of all threads", timed=True),
}
