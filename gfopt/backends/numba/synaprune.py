"""SynaPrune: sample by sample, it is a compiled loop on every backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gfopt.backends.numba.base import Loops, compiled_loops

if TYPE_CHECKING:
    from gfopt.engine.task import Task
    from gfopt.engine.trainable import Trainable
    from gfopt.model.losses import Loss
    from gfopt.optimizers.base import Optimizer


@compiled_loops.register("synaprune")
class SynaPruneLoops(Loops):
    """The optimizer as it is."""

    worthwhile_epochs = 1
    takes_batches = True

    def find_obstacle(
        self, optimizer: Optimizer, activations: tuple[str, ...], loss: Loss
    ) -> str | None:
        """None: the optimizer itself refuses what it can't run."""
        return None

    def prepare(self, optimizer: Optimizer, task: Task) -> tuple[Task, Trainable]:
        """Both unchanged."""
        return task, optimizer
