"""Each optimizer as its own file states it, by torch, on any device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from gfopt.backends.base import Backend, Job, backends

if TYPE_CHECKING:
    from gfopt.engine.task import Task
    from gfopt.engine.trainable import Trainable
    from gfopt.optimizers.base import Optimizer


@backends.register("plain")
class PlainBackend(Backend):
    """Optimizers as they are."""

    automatic = True
    inputs_per_seed: ClassVar[bool] = True

    def find_refusals(self, job: Job) -> Iterator[str]:
        """Refuse nothing."""
        yield from ()

    @contextmanager
    def prepare(self, task: Task, optimizer: Optimizer) -> Iterator[tuple[Task, Trainable]]:
        """Both unchanged."""
        yield task, optimizer
