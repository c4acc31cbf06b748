"""Random features: hidden layers stay random, the output layer is solved by ridge regression.

With H = a_{L-1} (h, N) the last hidden layer at the initial weights and T (K, N) the targets,

    minimise  |z_L - T|^2 + ridge |W|^2,  z_L = W H + b 1^T,    over W = W_L and b = b_L,

sums of squares, b not penalised, whatever loss is reported. With a row of ones
under H for the bias, and D the identity whose entry for that row is 0,

    h <= N:  [W b] = T H^T (H H^T + ridge D)^-1
    h > N:   M = H^T H + ridge I,    b = T M^-1 1 / (1^T M^-1 1),    W = (T - b 1^T) M^-1 H^T,

the same solution in its primal and its dual form; the dual has no such row. An output without bias
drops row and b. For classes T is +1 for a sample's class and -1 for the others (a single unit: +1
for class 1); for values T is the values themselves. Sums and
Cholesky factor are float64 in every precision; H H^T is summed over chunks of samples.

A network without hidden layers is a ridge regression on its inputs. Cost per run: one forward pass,
and, not counted as passes, N h^2 / 2 multiply-adds for H H^T and h^3 / 6 for its factor (dual:
h N^2 and N^3 / 6).

Source: Rahimi & Recht, "Weighted sums of random kitchen sinks", NIPS 21 (2008); McDonnell et al.,
arXiv 1412.8307 (MNIST); the dual form: Saunders, Gammerman & Vovk, "Ridge regression learning
algorithm in dual variables", ICML 1998.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from gfopt.optimizers.base import Optimizer, optimizers
from gfopt.options import Positive
from gfopt.search_space import Range, Space

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.model.dense import DenseProblem, Pass
    from gfopt.model.state import State
    from gfopt.numerics.draw import Draw

_ROWS = 1024  # rows of H H^T per block; blocks above the diagonal are skipped


@optimizers.register("random_features")
class RandomFeatures(Optimizer):
    """Options of random features with a ridge output."""

    ridge: Annotated[
        Positive, Field(description="weight of |W_L|^2 beside the sum of squares over samples")
    ] = 1.0

    takes: ClassVar[Literal["full", "batch"]] = "full"
    wants_pass: ClassVar[bool] = False
    gradient_free: ClassVar[bool] = True
    affine_output: ClassVar[bool] = True
    trains: ClassVar[Literal["all", "output"]] = "output"
    once: ClassVar[bool] = True
    space: ClassVar[Space] = {"ridge": Range(1e-4, 1e4)}

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The parameters. There is no memory."""
        if problem.loss.cosine:
            raise ValueError(
                "loss: random_features needs an affine output layer, and this loss computes "
                "cosines: use another loss"
            )
        return dict(params)

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """Solve the output layer of every seed on its fixed hidden layers."""
        weight, bias = f"W{problem.depth}", f"b{problem.depth}"
        primal = state[weight].shape[-1] <= problem.samples
        solve = self._primal if primal else self._dual
        solved = solve(problem, state, bias in state).to(state[weight].dtype)
        problem.charge(problem.samples)
        if bias not in state:
            return state | {weight: solved}
        return state | {weight: solved[..., :-1], bias: solved[..., -1:]}

    def _primal(self, problem: DenseProblem, state: State, bias: bool) -> Tensor:
        """[W_L b_L] (R, K, h + 1), or W_L, with H H^T and T H^T summed over chunks of samples."""
        import torch

        size, height = _find_chunk_size(problem, state), state[f"W{problem.depth}"].shape[-1] + bias
        gram = state["W1"].new_zeros(len(state["W1"]), height, height, dtype=torch.float64)
        cross = gram.new_zeros(len(gram), problem.targets.shape[-2], height)
        for first in range(0, problem.samples, size):
            h, t = _compute_sides(problem, state, bias, slice(first, first + size))
            _add_products(gram, h)
            cross += t @ h.mT
        gram = gram.tril() + gram.tril(-1).mT
        gram.diagonal(0, -2, -1)[..., : height - bias] += self.ridge
        return torch.cholesky_solve(cross.mT, _factorise(gram)).mT

    def _dual(self, problem: DenseProblem, state: State, bias: bool) -> Tensor:
        """The same from H^T H: [M^-1 T^T, M^-1 1] gives b_L first, and W_L with it."""
        import torch

        h, t = _compute_sides(problem, state, False, slice(None))
        gram = h.mT @ h
        gram.diagonal(0, -2, -1).add_(self.ridge)
        ones = torch.ones_like(t[:, :1])
        solved = torch.cholesky_solve(torch.cat([t, ones], -2).mT, _factorise(gram)).mT
        of_targets, of_ones = solved[:, :-1], solved[:, -1:]
        if not bias:
            return of_targets @ h.mT
        b = of_targets.sum(-1, keepdim=True) / of_ones.sum(-1, keepdim=True)
        return torch.cat([(of_targets - b * of_ones) @ h.mT, b], -1)


def _compute_sides(
    problem: DenseProblem, state: State, bias: bool, chunk: slice
) -> tuple[Tensor, Tensor]:
    """H (R, h, n), with a row of ones for a bias, and T (R, K, n) of some samples, in float64."""
    from torch.nn.functional import pad

    a, t = problem.inputs[..., chunk], problem.targets[..., chunk].double()
    for l in range(1, problem.depth):
        a = problem.hidden[l - 1].value(state[f"W{l}"] @ a + state[f"b{l}"])
    if problem.loss.targets == "classes":
        t = 2 * t - 1
    h, t = (side.double().expand(len(state["W1"]), -1, -1) for side in (a, t))
    return pad(h, (0, 0, 0, 1), value=1.0) if bias else h, t


def _find_chunk_size(problem: DenseProblem, state: State) -> int:
    """Samples per chunk, so that activations and H in float64 take at most `memory` bytes."""
    widths = [state[f"W{l}"].shape[-1] for l in range(1, problem.depth + 1)]
    each = 2 * sum(widths) * problem.inputs.element_size() + 8 * (widths[-1] + 1)
    return max(1, problem.memory // (each * len(state["W1"])))


def _add_products(gram: Tensor, h: Tensor) -> None:
    """Add H H^T to the lower triangle, one block of rows at a time."""
    for i in range(0, gram.shape[-1], _ROWS):
        end = i + _ROWS
        gram[:, i:end, :end] += h[:, i:end] @ h[:, :end].mT


def _factorise(gram: Tensor) -> Tensor:
    """The lower Cholesky factor. Raises ValueError if there is none."""
    import torch

    result = torch.linalg.cholesky_ex(gram)
    factor: Tensor = result.L
    if result.info.any():
        raise ValueError("ridge: too small for these features, or they aren't finite: increase it")
    return factor
