"""The clock of a run: every moment belongs to exactly one phase, so phases sum to the wall time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class Phase(StrEnum):
    """The parts of a run's time. Only `train` counts against a budget and is compared."""

    SET_UP = "set_up"
    COMPILE = "compile"
    TRAIN = "train"
    EVALUATE = "evaluate"
    OTHER = "other"


class Clock:
    """A monotonic stopwatch that synchronises the device at each phase edge.

    `seconds` and `cpu_seconds` are sums by phase. CPU seconds are those of all threads of the
    process, the unit of arXiv 2204.05312. Tests pass their own time sources, `wall` and `cpu`.
    """

    def __init__(
        self,
        synchronise: Callable[[], None] = lambda: None,
        wall: Callable[[], float] = time.perf_counter,
        cpu: Callable[[], float] = time.process_time,
    ) -> None:
        self.seconds = dict.fromkeys(Phase, 0.0)
        self.cpu_seconds = dict.fromkeys(Phase, 0.0)
        self._synchronise, self._wall, self._cpu = synchronise, wall, cpu
        self._phase, self._edge = Phase.OTHER, (wall(), cpu())

    def enter(self, phase: Phase) -> None:
        """End the current phase and begin another."""
        self._synchronise()
        now = self._wall(), self._cpu()
        self.seconds[self._phase] += now[0] - self._edge[0]
        self.cpu_seconds[self._phase] += now[1] - self._edge[1]
        self._phase, self._edge = phase, now

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """A context that belongs to the phase; afterwards the phase before it goes on."""
        before = self._phase
        self.enter(phase)
        try:
            yield
        finally:
            self.enter(before)

    @property
    def train(self) -> float:
        """Training seconds up to the last edge."""
        return self.seconds[Phase.TRAIN]

    def mark(self) -> tuple[float, float]:
        """Training time so far, wall and CPU, for `reassign`."""
        return self.seconds[Phase.TRAIN], self.cpu_seconds[Phase.TRAIN]

    def reassign(self, since: tuple[float, float]) -> None:
        """Count the training time since a mark as evaluation."""
        for times, mark in zip((self.seconds, self.cpu_seconds), since, strict=True):
            moved = times[Phase.TRAIN] - mark
            times[Phase.TRAIN] -= moved
            times[Phase.EVALUATE] += moved


def make_clock(device: torch.device) -> Clock:
    """A clock that waits for the device's queue at each edge of a phase."""
    if device.type != "cuda":
        return Clock()
    import torch

    return Clock(synchronise=lambda: torch.cuda.synchronize(device))
