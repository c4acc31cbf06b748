"""SynaPrune has no other form: sample by sample, it is a compiled loop on every path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gfopt.compiled.base import Loops, compiled

if TYPE_CHECKING:
    from gfopt.losses import Loss
    from gfopt.optimizers.base import Optimizer
    from gfopt.task import Task


@compiled.register("synaprune")
class SynaPruneLoops(Loops):
    """The rule as it is."""

    kernels = ("synaprune", "functions")
    repaid = 1
    pieces = True

    def unfit(self, rule: Optimizer, activations: tuple[str, ...], loss: Loss) -> str | None:
        """What it can't run it refuses itself."""
        return None

    def made(self, rule: Optimizer, task: Task) -> tuple[Task, Optimizer]:
        """Both unchanged."""
        return task, rule
