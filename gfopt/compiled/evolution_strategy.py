"""The evolution strategy: the same rule on a problem whose populations are compiled.

Members of more parameters than can be written out as one expression go by batched products that
stay in cache, as on the plain path.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from gfopt.compiled.base import Loops, compiled, unknown_activation
from gfopt.losses import MeanSquaredError, NormalisedMeanSquaredError
from gfopt.problem import DenseProblem

if TYPE_CHECKING:
    from torch import Tensor

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
        parts = {f.name: getattr(task.train, f.name) for f in fields(DenseProblem)}
        return replace(task, train=PopulationProblem(**parts)), rule


class PopulationProblem(DenseProblem):
    """A problem whose populations are evaluated by compiled expressions, members shared out."""

    def population_losses(self, members: State) -> Tensor:
        """The loss of every member, (R, P)."""
        import torch

        from gfopt.kernels.functions import numbers
        from gfopt.kernels.population import LARGEST, squared_errors
        from gfopt.kernels.threads import share

        keys = sorted(members, key=lambda key: (int(key[1:]), key[0]))
        vectors = torch.cat([members[key].flatten(2) for key in keys], 2).flatten(0, 1).numpy()
        if vectors.shape[1] > LARGEST:
            return super().population_losses(members)
        widths = [self.inputs.shape[0], *(members[f"W{l + 1}"].shape[2] for l in range(self.depth))]
        functions = numbers([f.value for f in self.hidden])
        errors = squared_errors(tuple(widths), tuple(functions), f"b{self.depth}" in members)
        x, y = (np.ascontiguousarray(t.numpy()) for t in (self.inputs, self.targets))
        sums = np.empty(len(vectors), vectors.dtype)

        def part(lo: int, hi: int) -> None:
            errors(vectors[lo:hi], x, y, sums[lo:hi])

        share(len(vectors), part)
        self.charge(members["W1"].shape[1] * self.samples)
        return (torch.from_numpy(sums) * self._per_square()).view(members["W1"].shape[:2])

    def _per_square(self) -> Tensor:
        """The loss of a squared error of 1."""
        return self.loss.of_outputs(self.targets[None] + 1, self.targets) / self.targets.numel()
