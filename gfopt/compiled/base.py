"""What it takes to run a rule in compiled loops: a task and a rule that do the same, faster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from gfopt.registry import Registry

if TYPE_CHECKING:
    from gfopt.losses import Loss
    from gfopt.optimizers.base import Optimizer
    from gfopt.task import Task

compiled: Registry[type[Loops]] = Registry("compiled rule", "gfopt.compiled")

ELEMENTWISE = ("identity", "relu", "negative_part", "tanh", "sigmoid")  # by number in the loops


class Loops(ABC):
    """How one rule runs in compiled loops, registered under the rule's name.

    Results are those of the plain path but for rounding.
    """

    kernels: ClassVar[tuple[str, ...]]  # files of gfopt/kernels that it runs: part of a run's id
    repaid: ClassVar[int]  # epochs of the budget from which on compiling pays
    pieces: ClassVar[bool] = False  # whether mini-batches and schedules are taken
    in_place: ClassVar[bool] = False  # whether a step uses up the state that it is given

    @abstractmethod
    def unfit(self, rule: Optimizer, activations: tuple[str, ...], loss: Loss) -> str | None:
        """Why the loops can't run this rule on such a network, in words; None: they can."""

    @abstractmethod
    def made(self, rule: Optimizer, task: Task) -> tuple[Task, Optimizer]:
        """The task and the rule for the engine, in place of the plain ones."""


def unknown_activation(activations: tuple[str, ...]) -> str | None:
    """The complaint about an activation that no compiled loop knows."""
    unknown = [name for name in dict.fromkeys(activations) if name not in ELEMENTWISE]
    return f"the activation {unknown[0]} isn't known to compiled loops" if unknown else None
