"""The interface of compiled loops: a task and an optimizer that do the same as the plain ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from gfopt.registry import Registry

if TYPE_CHECKING:
    from gfopt.engine.task import Task
    from gfopt.engine.trainable import Trainable
    from gfopt.model.losses import Loss
    from gfopt.optimizers.base import Optimizer

compiled_loops: Registry[type[Loops]] = Registry("compiled optimizer", "gfopt.backends.numba")

ACTIVATIONS = ("identity", "relu", "negative_part", "tanh", "sigmoid")  # by number in the loops


class Loops(ABC):
    """How one optimizer runs in compiled loops, registered under the optimizer's name.

    Results are those of the plain backend up to rounding.
    """

    worthwhile_epochs: ClassVar[int]  # the budget in epochs from which compiling pays
    takes_batches: ClassVar[bool] = False  # True: mini-batches and schedules too
    in_place: ClassVar[bool] = False  # True: a step overwrites the state it was given

    @abstractmethod
    def find_obstacle(
        self, optimizer: Optimizer, activations: tuple[str, ...], loss: Loss
    ) -> str | None:
        """Why the loops can't run this optimizer on such a network; None: they can."""

    @abstractmethod
    def prepare(self, optimizer: Optimizer, task: Task) -> tuple[Task, Trainable]:
        """The task and the optimizer that the training loop runs instead."""


def find_unknown_activation(activations: tuple[str, ...]) -> str | None:
    """A message about the first activation that compiled loops don't know; None: all are known."""
    unknown = [name for name in dict.fromkeys(activations) if name not in ACTIVATIONS]
    return f"the activation {unknown[0]} isn't known to compiled loops" if unknown else None
