"""The interface of a backend: what it refuses and why, how it prepares a run, its source files.

A backend computes the same training as the optimizer's own file (the plain backend). Results may
differ by rounding, and by nothing else: tests/conformance compares each backend with the plain one.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gfopt.engine.clock import Phase
from gfopt.registry import Registry

if TYPE_CHECKING:
    from gfopt.engine.task import Task
    from gfopt.engine.trainable import Trainable
    from gfopt.model.losses import Loss
    from gfopt.optimizers.base import Optimizer
    from gfopt.optimizers.schedule import Schedule

backends: Registry[type[Backend]] = Registry("backend", "gfopt.backends")


@dataclass(frozen=True)
class Job:
    """An optimizer in an experiment, as far as a backend must know it to accept or refuse it."""

    label: str
    name: str  # of the optimizer in the registry, or the stem of the user's file
    optimizer: Optimizer | None  # None: in a user's file, which isn't imported yet
    batch_size: int | None
    schedule: Schedule | None
    frozen_hidden: bool
    activations: tuple[str, ...]  # of the hidden layers
    loss: Loss
    device_kind: str  # cpu or cuda


class Backend(ABC):
    """One way to compute an optimizer, registered under its name."""

    automatic: ClassVar[bool] = False  # True: `--backend auto` may choose it
    warm_up: ClassVar[Phase] = Phase.SET_UP  # the phase of the step that is thrown away
    inputs_per_seed: ClassVar[bool] = False  # True: vectorized seeds may have their own inputs
    remark: ClassVar[str] = ""  # a footnote for reports of runs on this backend

    @abstractmethod
    def find_refusals(self, job: Job) -> Iterator[str]:
        """Yield each reason why this backend can't compute the job; none: it can."""

    def find_worthwhile_epochs(self, job: Job) -> int:
        """The budget in epochs from which set-up and compilation pay, for a job it can compute."""
        return 0

    @abstractmethod
    def prepare(
        self, task: Task, optimizer: Optimizer
    ) -> AbstractContextManager[tuple[Task, Trainable]]:
        """A context with the task and the optimizer that the training loop runs instead."""

    def list_sources(self, optimizer: Optimizer | None) -> list[Path]:
        """The backend's files that compute this optimizer (None: one in a user's file).

        Run ids depend on them, and on the numerical files that they import.
        """
        return [Path(inspect.getfile(type(self)))]
