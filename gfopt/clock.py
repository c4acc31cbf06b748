"""One clock for a run: every moment is in exactly one phase, so they sum to the wall time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class Phase(StrEnum):
    """What a run's time goes to. Only `train` counts against a budget and is compared."""

    SET_UP = "set_up"
    COMPILE = "compile"
    TRAIN = "train"
    EVALUATE = "evaluate"
    OTHER = "other"


class Clock:
    """A monotonic stopwatch that synchronises the device at each phase edge.

    seconds and cpu_seconds are per phase; cpu_seconds are those of all threads of the process, the
    unit of arXiv 2204.05312. Both time sources can be given, for tests.
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
        """The block belongs to the phase; afterwards the phase before it goes on."""
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
        """Training time so far, wall and CPU: what `reassign` compares with."""
        return self.seconds[Phase.TRAIN], self.cpu_seconds[Phase.TRAIN]

    def reassign(self, since: tuple[float, float]) -> None:
        """Count the training time since a mark as evaluation."""
        for book, start in zip((self.seconds, self.cpu_seconds), since, strict=True):
            moved = book[Phase.TRAIN] - start
            book[Phase.TRAIN] -= moved
            book[Phase.EVALUATE] += moved


def clock_for(device: torch.device) -> Clock:
    """A clock that waits for the device's queue at each edge."""
    if device.type != "cuda":
        return Clock()
    import torch

    return Clock(synchronise=lambda: torch.cuda.synchronize(device))
