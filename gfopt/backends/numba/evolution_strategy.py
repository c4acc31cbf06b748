"""The evolution strategy: the same optimizer on a problem with compiled populations.

Members with more parameters than one expression can hold go by batched products, as on the plain
backend.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from gfopt.backends.numba.base import Loops, compiled_loops, find_unknown_activation
from gfopt.model.dense import DenseProblem, convert_problem
from gfopt.model.losses.mse import MeanSquaredError
from gfopt.model.losses.nmse import NormalisedMeanSquaredError
from gfopt.model.state import sort_parameters

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.engine.task import Task
    from gfopt.engine.trainable import Trainable
    from gfopt.model.losses import Loss
    from gfopt.model.state import State
    from gfopt.numerics.array import Array
    from gfopt.optimizers.base import Optimizer


@compiled_loops.register("evolution_strategy")
class PopulationLoops(Loops):
    """The same optimizer: only the evaluation of populations is compiled."""

    worthwhile_epochs = 100

    def find_obstacle(
        self, optimizer: Optimizer, activations: tuple[str, ...], loss: Loss
    ) -> str | None:
        """Activations must be known, and the loss a multiple of the sum of squared errors."""
        if type(loss) not in (MeanSquaredError, NormalisedMeanSquaredError):
            return "compiled populations know mse and nmse only"
        return find_unknown_activation(activations)

    def prepare(self, optimizer: Optimizer, task: Task) -> tuple[Task, Trainable]:
        """The optimizer itself, on a problem of its kind."""
        return replace(task, train=convert_problem(PopulationProblem, task.train)), optimizer


class PopulationProblem(DenseProblem):
    """A problem that evaluates populations by compiled expressions, members spread over threads."""

    def population_losses(self, members: State) -> Tensor:
        """The loss of every member, (R, P)."""
        import torch

        from gfopt.numerics.kernels.population import MOST_PARAMETERS, squared_errors
        from gfopt.numerics.kernels.threads import share

        flat = torch.cat([members[key].flatten(2) for key in sort_parameters(members)], 2)
        vectors = flat.flatten(0, 1).numpy()
        if vectors.shape[1] > MOST_PARAMETERS:
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
        from gfopt.numerics.kernels.functions import find_codes

        x, y = (np.ascontiguousarray(t.numpy()) for t in (self.inputs, self.targets))
        per_square = self.loss.of_outputs(self.targets[None] + 1, self.targets) / y.size
        return x, y, tuple(find_codes([f.value for f in self.hidden])), per_square
