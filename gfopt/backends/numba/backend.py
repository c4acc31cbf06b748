"""Loops compiled by numba, on the CPU: an optimizer's are registered under its name."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from gfopt.backends.base import Backend, Job, backends
from gfopt.backends.numba.base import Loops, compiled_loops
from gfopt.engine.clock import Phase
from gfopt.optimizers.base import optimizers

if TYPE_CHECKING:
    from gfopt.engine.task import Task
    from gfopt.engine.trainable import Trainable
    from gfopt.optimizers.base import Optimizer


@backends.register("numba")
class NumbaBackend(Backend):
    """Loops compiled by numba, for the CPU."""

    automatic = True
    warm_up = Phase.COMPILE
    remark: ClassVar[str] = (
        "Backend numba: compiled loops, with the results of the plain backend up to rounding. "
        "Compile time is in compile_seconds, not in seconds."
    )

    def find_refusals(self, job: Job) -> Iterator[str]:
        """Refuse other devices, optimizers without loops, and what an optimizer's loops refuse."""
        if job.device_kind != "cpu":
            yield "compiled loops run on the CPU only"
        loops = find_loops(job.optimizer)
        if not job.optimizer or not loops:
            yield f"{job.name} has no compiled loops"
            return
        if not loops.takes_batches and (job.batch_size or job.schedule):
            what = "mini-batches" if job.batch_size else "schedules"
            yield f"{job.label}: compiled loops take no {what}"
            return
        activations = () if job.frozen_hidden else job.activations
        reason = loops().find_obstacle(job.optimizer, activations, job.loss)
        if reason:
            yield f"{job.label}: {reason}"

    def find_worthwhile_epochs(self, job: Job) -> int:
        """As the optimizer's loops declare."""
        loops = find_loops(job.optimizer)
        return loops.worthwhile_epochs if loops else 0

    @contextmanager
    def prepare(self, task: Task, optimizer: Optimizer) -> Iterator[tuple[Task, Trainable]]:
        """The optimizer's loops, on torch's threads. Raises LookupError if it has none."""
        from gfopt.numerics.kernels.threads import share_threads

        loops = find_loops(optimizer)
        if not loops:
            raise LookupError(f"{type(optimizer).__name__} has no compiled loops")
        with share_threads():
            yield loops().prepare(optimizer, task)

    def list_sources(self, optimizer: Optimizer | None) -> list[Path]:
        """The backend's file and that of the optimizer's loops."""
        loops = find_loops(optimizer)
        own = [Path(inspect.getfile(loops))] if loops else []
        return [*super().list_sources(optimizer), *own]


def find_loops(optimizer: Optimizer | None) -> type[Loops] | None:
    """The loops registered under the name that the optimizer's class is registered under."""
    return next(
        (
            loops
            for name, loops in compiled_loops.items()
            if optimizers.get(name) is type(optimizer)
        ),
        None,
    )
