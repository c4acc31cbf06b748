"""The parameter search, each sweep by a compiled loop over one replica after the other."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from gfopt.activations import activations
from gfopt.compiled.base import ELEMENTWISE, Loops, compiled, unknown_activation
from gfopt.losses import (
    EPSILON,
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    MeanSquaredError,
    NormalisedMeanSquaredError,
    SigmoidMeanSquaredError,
    SoftmaxBinaryCrossEntropy,
)
from gfopt.optimizers.parameter_search import ParameterSearch
from gfopt.problem import parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from gfopt.activations import Activation
    from gfopt.kernels.parameter_search import Grid, Samples
    from gfopt.kernels.parameter_search_rows import Network
    from gfopt.optimizers.base import Optimizer
    from gfopt.optimizers.parameter_search import Place
    from gfopt.problem import DenseProblem, Pass, State
    from gfopt.task import Task

LOSSES: dict[type[Loss], str] = {
    MeanSquaredError: "SQUARES",
    NormalisedMeanSquaredError: "SQUARES",
    SigmoidMeanSquaredError: "SIGMOID_SQUARES",
    CrossEntropy: "CROSS_ENTROPY",
    BinaryCrossEntropy: "SIGMOID_TWO_SIDED",
    SoftmaxBinaryCrossEntropy: "SOFTMAX_TWO_SIDED",
}


@compiled.register("parameter_search")
class SearchLoops(Loops):
    """The rule with compiled visits."""

    kernels = ("parameter_search", "parameter_search_rows")
    repaid = 30

    def unfit(self, rule: Optimizer, activations: tuple[str, ...], loss: Loss) -> str | None:
        """Activations and losses must be known."""
        if type(loss) not in LOSSES:
            return "the loss isn't known to the compiled search"
        return unknown_activation(activations)

    def made(self, rule: Optimizer, task: Task) -> tuple[Task, Optimizer]:
        """The same options."""
        return task, CompiledSearch(**rule.model_dump())


class CompiledSearch(ParameterSearch):
    """The parameter search by a compiled loop: the same values are tried; losses may round."""

    def _visit(
        self, problem: DenseProblem, state: State, at: Pass, places: Iterable[Place]
    ) -> State:
        """The parameters after one visit to each of the places, in their order."""
        from gfopt.kernels.parameter_search import visit

        params, where = parameters(state), _numbers(places)
        vectors, net = _vectors(params, problem.depth), _network(problem, params)
        z, a = _rows(*at.z[1:]), _rows(*at.a[1:])
        samples = _samples(problem)
        for r, grid in enumerate(self._ranges(state["sweep"])):
            visit(vectors[r], z[r], a[r], samples, where, grid, net)
        return _split(vectors, params)

    def _ranges(self, sweep: Tensor) -> Iterator[Grid]:
        """What `grids` computes from, for each replica."""
        from gfopt.kernels.parameter_search import Grid

        v = np.linspace(self.low, self.high, self.count)
        shares: list[float] = (self.shrink ** sweep[:, None].double())[:, 0].tolist()
        for s in shares:
            centre, rest = s * (self.low + self.high) / 2, 1 - s
            yield Grid(s * v, centre, rest * self.low, rest * self.high, self.keep_incumbent)


def _network(problem: DenseProblem, params: State) -> Network:
    """The network's shape for the kernel."""
    from gfopt.kernels import parameter_search_rows as kernel

    widths = [params["W1"].shape[-1]]
    widths += [params[f"W{l}"].shape[-2] for l in range(1, problem.depth + 1)]
    sizes = [0, *(m * n for m, n in pairwise(widths))]
    functions = [0, *(_function(f) for f in problem.hidden), 0]
    units = np.cumsum([0, 0, *widths[1:-1]])
    biases = np.cumsum(sizes) + units
    return kernel.Network(
        layers=np.column_stack([widths, functions, biases - sizes, biases, units]),
        depth=problem.depth,
        outputs=widths[-1],
        most=max(widths[1:]),
        loss=getattr(kernel, LOSSES[type(problem.loss)]),
        epsilon=_dtype(params["W1"])(EPSILON),
    )


def _function(f: Activation) -> int:
    """The kernel's number of an activation."""
    return next(i for i, name in enumerate(ELEMENTWISE) if activations[name] is f)


def _samples(problem: DenseProblem) -> Samples:
    """The training set, the same for all replicas."""
    from gfopt.kernels.parameter_search import Samples

    dtype, y = _dtype(problem.targets), problem.targets
    x, filled = _rows(problem.inputs), _rows(y)
    weight = (np.arange(x.shape[-1]) < problem.samples).astype(dtype)
    by_size = isinstance(problem.loss, NormalisedMeanSquaredError)
    divisor = dtype(float(y.square().sum()) if by_size else problem.samples)
    return Samples(x, filled, weight, divisor)


def _rows(*layers: Tensor) -> Any:
    """A copy of layers (R, n, N) or (n, N), one below the other, N filled up to M."""
    import torch

    from gfopt.kernels.parameter_search_rows import LANES

    joined = torch.cat(layers, -2)
    fill = joined[..., -1:].expand(*joined.shape[:-1], -joined.shape[-1] % LANES)
    return torch.cat([joined, fill], -1).contiguous().cpu().numpy()


def _numbers(places: Iterable[Place]) -> Any:
    """(D, 4): layer, 1 for a bias, row, column."""
    return np.array([(p.layer, p.key[0] == "b", p.row, p.column) for p in places])


def _vectors(params: State, depth: int) -> Any:
    """A copy of the parameters, (R, P): W_1 row by row, b_1, W_2, ...; a missing b_L is 0."""
    import torch

    parts = []
    for l in range(1, depth + 1):
        W = params[f"W{l}"]
        parts += [W.flatten(1), params.get(f"b{l}", W.new_zeros(W.shape[:2])).flatten(1)]
    return torch.cat(parts, 1).cpu().numpy()


def _split(vectors: Any, params: State) -> State:
    """The parameters with the vectors' values."""
    import torch

    values, start, found = torch.as_tensor(vectors), 0, {}
    for key in sorted(params, key=lambda key: (int(key[1:]), key)):
        end = start + params[key][0].numel()
        found[key] = values[:, start:end].reshape(params[key].shape).to(params[key].device)
        start = end
    return {key: found[key].clone() for key in params}


def _dtype(tensor: Tensor) -> Any:
    """NumPy's type of a tensor's numbers."""
    return np.float64 if tensor.element_size() == 8 else np.float32
