"""The evolution strategy: the same rule on a problem whose populations are compiled.

Members of more parameters than can be written out as one expression go by batched products that
stay in cache, as on the plain path.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gfopt.compiled.base import Loops, compiled, unknown_activation
from gfopt.losses import MeanSquaredError, NormalisedMeanSquaredError
from gfopt.problem import DenseProblem, in_order, made_into

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.datasets.base import Array
    from gfopt.losses import Loss
    from gfopt.optimizers.base import Optimizer
    from gfopt.problem import State
    from gfopt.task import Task


@compiled.register("evolution_strategy")
class PopulationLoops(Loops):
    """Rules that evaluate populations, and change nothing else."""

    kernels = ("population", "layers", "functions", "threads")
    repaid = 100

    def unfit(self, rule: Optimizer, activations: tuple[str, ...], loss: Loss) -> str | None:
        """Activations must be known, and the loss a multiple of the sum of squared errors."""
        if type(loss) not in (MeanSquaredError, NormalisedMeanSquaredError):
            return "compiled populations know mse and nmse only"
        return unknown_activation(activations)

    def made(self, rule: Optimizer, task: Task) -> tuple[Task, Optimizer]:
        """The rule itself, on a problem of its kind."""
        return replace(task, train=made_into(PopulationProblem, task.train)), rule


class PopulationProblem(DenseProblem):
    """A problem whose populations are evaluated by compiled expressions, members shared out."""

    def population_losses(self, members: State) -> Tensor:
        """The loss of every member, (R, P)."""
        import torch

        from gfopt.kernels.population import LARGEST, squared_errors
        from gfopt.kernels.threads import share

        flat = torch.cat([members[key].flatten(2) for key in in_order(members)], 2)
        vectors = flat.flatten(0, 1).numpy()
        if vectors.shape[1] > LARGEST:
            return super().population_losses(members)
        widths = [self.inputs.shape[0], *(members[f"W{l + 1}"].shape[2] for l in range(self.depth))]
        x, y, functions, per_square = self._samples
        errors = squared_errors(tuple(widths), functions, f"b{self.depth}" in members)
        sums = np.empty(len(vectors), vectors.dtype)

        def part(lo: int, hi: int) -> None:
            errors(vectors[lo:hi], x, y, sums[lo:hi])

        share(len(vectors), part)
        self.charge(members["W1"].shape[1] * self.samples)
        return (torch.from_numpy(sums) * per_square).view(flat.shape[:2])

    @cached_property
    def _samples(self) -> tuple[Array, Array, tuple[int, ...], Tensor]:
        """x and y as arrays, f_1..f_{L-1} by number, and the loss of a squared error of 1."""
        from gfopt.kernels.functions import numbers

        x, y = (np.ascontiguousarray(t.numpy()) for t in (self.inputs, self.targets))
        per_square = self.loss.of_outputs(self.targets[None] + 1, self.targets) / y.size
        return x, y, tuple(numbers([f.value for f in self.hidden])), per_square
