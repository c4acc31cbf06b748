"""The parameter search: each sweep is a compiled loop over one seed after the other."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from gfopt.backends.numba.base import ACTIVATIONS, Loops, compiled_loops, find_unknown_activation
from gfopt.model.activations import activations
from gfopt.model.losses import Loss
from gfopt.model.losses.bce import BinaryCrossEntropy
from gfopt.model.losses.cross_entropy import CrossEntropy
from gfopt.model.losses.mse import MeanSquaredError
from gfopt.model.losses.nmse import NormalisedMeanSquaredError
from gfopt.model.losses.sigmoid_mse import SigmoidMeanSquaredError
from gfopt.model.losses.softmax_bce import SoftmaxBinaryCrossEntropy
from gfopt.model.losses.two_sided import EPSILON
from gfopt.model.state import parameters
from gfopt.optimizers.parameter_search import ParameterSearch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from gfopt.engine.task import Task
    from gfopt.engine.trainable import Trainable
    from gfopt.model.activations import Activation
    from gfopt.model.dense import DenseProblem, Pass
    from gfopt.model.state import State
    from gfopt.numerics.kernels.parameter_search import Grid, Samples
    from gfopt.numerics.kernels.parameter_search_rows import NetworkShape
    from gfopt.optimizers.base import Optimizer
    from gfopt.optimizers.parameter_search import Place

LOSSES: dict[type[Loss], str] = {
    MeanSquaredError: "SQUARES",
    NormalisedMeanSquaredError: "SQUARES",
    SigmoidMeanSquaredError: "SIGMOID_SQUARES",
    CrossEntropy: "CROSS_ENTROPY",
    BinaryCrossEntropy: "SIGMOID_TWO_SIDED",
    SoftmaxBinaryCrossEntropy: "SOFTMAX_TWO_SIDED",
}


@compiled_loops.register("parameter_search")
class SearchLoops(Loops):
    """The parameter search with compiled visits."""

    worthwhile_epochs = 30

    def find_obstacle(
        self, optimizer: Optimizer, activations: tuple[str, ...], loss: Loss
    ) -> str | None:
        """Activations and losses must be known."""
        if type(loss) not in LOSSES:
            return "the loss isn't known to the compiled search"
        return find_unknown_activation(activations)

    def prepare(self, optimizer: Optimizer, task: Task) -> tuple[Task, Trainable]:
        """The compiled search with the same options."""
        return task, CompiledSearch(**optimizer.model_dump())


class CompiledSearch(ParameterSearch):
    """The parameter search by a compiled loop: the same values are tried; losses may round."""

    def visit(
        self, problem: DenseProblem, state: State, at: Pass, places: Iterable[Place]
    ) -> State:
        """The parameters after one visit to each of the places, in their order."""
        from gfopt.numerics.kernels.parameter_search import visit

        params, where = parameters(state), _number_places(places)
        vectors, net = _join_parameters(params, problem.depth), _describe_network(problem, params)
        z, a = _stack_rows(*at.z[1:]), _stack_rows(*at.a[1:])
        samples = _arrange_samples(problem)
        for r, grid in enumerate(self._list_grids(state["sweep"])):
            visit(vectors[r], z[r], a[r], samples, where, grid, net)
        return _split_parameters(vectors, params)

    def _list_grids(self, sweep: Tensor) -> Iterator[Grid]:
        """The grid of each seed, as the kernel takes it."""
        from gfopt.numerics.kernels.parameter_search import Grid

        v = np.linspace(self.low, self.high, self.count)
        shares: list[float] = (self.shrink ** sweep[:, None].double())[:, 0].tolist()
        for s in shares:
            centre, rest = s * (self.low + self.high) / 2, 1 - s
            yield Grid(s * v, centre, rest * self.low, rest * self.high, self.keep_incumbent)


def _describe_network(problem: DenseProblem, params: State) -> NetworkShape:
    """The network's shape for the kernel."""
    from gfopt.numerics.kernels import parameter_search_rows as kernel

    widths = [params["W1"].shape[-1]]
    widths += [params[f"W{l}"].shape[-2] for l in range(1, problem.depth + 1)]
    sizes = [0, *(m * n for m, n in pairwise(widths))]
    functions = [0, *(_number_activation(f) for f in problem.hidden), 0]
    units = np.cumsum([0, 0, *widths[1:-1]])
    biases = np.cumsum(sizes) + units
    return kernel.NetworkShape(
        layers=np.column_stack([widths, functions, biases - sizes, biases, units]),
        depth=problem.depth,
        outputs=widths[-1],
        most=max(widths[1:]),
        loss=getattr(kernel, LOSSES[type(problem.loss)]),
        epsilon=_find_dtype(params["W1"])(EPSILON),
    )


def _number_activation(f: Activation) -> int:
    """The kernel's number of an activation."""
    return next(i for i, name in enumerate(ACTIVATIONS) if activations[name] is f)


def _arrange_samples(problem: DenseProblem) -> Samples:
    """The training set, the same for all seeds."""
    from gfopt.numerics.kernels.parameter_search import Samples

    dtype, y = _find_dtype(problem.targets), problem.targets
    x, filled = _stack_rows(problem.inputs), _stack_rows(y)
    weight = (np.arange(x.shape[-1]) < problem.samples).astype(dtype)
    by_size = isinstance(problem.loss, NormalisedMeanSquaredError)
    divisor = dtype(float(y.square().sum()) if by_size else problem.samples)
    return Samples(x, filled, weight, divisor)


def _stack_rows(*layers: Tensor) -> Any:
    """A copy of layers (R, n, N) or (n, N), one below the other, N filled up to M."""
    import torch

    from gfopt.numerics.kernels.parameter_search_rows import LANES

    joined = torch.cat(layers, -2)
    fill = joined[..., -1:].expand(*joined.shape[:-1], -joined.shape[-1] % LANES)
    return torch.cat([joined, fill], -1).contiguous().cpu().numpy()


def _number_places(places: Iterable[Place]) -> Any:
    """Places as (D, 4): layer, 1 for a bias, row, column."""
    return np.array([(p.layer, p.key[0] == "b", p.row, p.column) for p in places])


def _join_parameters(params: State, depth: int) -> Any:
    """A copy of the parameters, (R, P): W_1 row by row, b_1, W_2, ...; a missing b_L is 0."""
    import torch

    parts = []
    for l in range(1, depth + 1):
        W = params[f"W{l}"]
        parts += [W.flatten(1), params.get(f"b{l}", W.new_zeros(W.shape[:2])).flatten(1)]
    return torch.cat(parts, 1).cpu().numpy()


def _split_parameters(vectors: Any, params: State) -> State:
    """The parameters with the vectors' values."""
    import torch

    values, start, found = torch.as_tensor(vectors), 0, {}
    for key in sorted(params, key=lambda key: (int(key[1:]), key)):
        end = start + params[key][0].numel()
        found[key] = values[:, start:end].reshape(params[key].shape).to(params[key].device)
        start = end
    return {key: found[key].clone() for key in params}


def _find_dtype(tensor: Tensor) -> Any:
    """NumPy's type of a tensor's numbers."""
    return np.float64 if tensor.element_size() == 8 else np.float32
