"""The terms of a run: its targets, its budget, when it is evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gfopt.engine.budget import Budget
from gfopt.engine.target import Target

Reading = Literal["end_of_epoch", "as_published"]


@dataclass(frozen=True)
class Terms:
    """When a run is evaluated and when it ends: the same for every optimizer of an experiment."""

    targets: tuple[Target, ...]  # the run ends when all of them are reached
    reading: Reading
    budget: Budget
    every_updates: int | None = None  # between evaluations; None: an epoch
