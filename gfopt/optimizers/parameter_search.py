"""Parameter search: one parameter after the other, the best of a grid of values, all others fixed.

A sweep goes once over all parameters w_1..w_D: W_1 row by row, b_1, W_2, b_2, ...
    w_d <- argmin over v in {v_1, ..., v_C} of J(w_1, ..., w_{d-1}, v, w_{d+1}, ..., w_D)
The v_c are equally spaced from low to high. The first of equals wins, NaN never does, and w_d stays
if no J is finite. The present w_d is not among the v_c, so the first sweep may raise the loss;
after it every w_d is on the grid and no sweep raises the loss. With keep_incumbent the present w_d
is tried too, and wins ties. Sweep t, from 0, spans shrink^t (high - low), centred on w_d as far as
that fits into [low, high]; w_d need not be on that grid. The search ends after a sweep that neither
gave the lowest loss of the run nor lowered the loss by at least the tolerance. If a unit is
saturated, values differ in J by less than rounding: the one that wins then depends on the
precision.

Only the part of the network that w_d changes is evaluated, all v_c at once. For w = W_l[i, j]:
    z_l[i](v)   = z_l[i] + (v - w) a_{l-1}[j]                     (a bias: 1 for a_{l-1}[j])
    z_{l+1}(v)  = z_{l+1} + W_{l+1}[:, i] (f_l(z_l[i](v)) - a_l[i])
    z_k(v)      = W_k f_{k-1}(z_{k-1}(v)) + b_k,   k > l + 1
z and a belong to the parameters so far: accepting v updates them, and each sweep begins with those
of a full pass.

Cost per sweep: two forward passes (before and after it), and for each parameter of layer l
C + 1 times its share of one, in multiply-adds: 1 + n_{l+1} + sum over k > l + 1 of n_k n_{k-1}
(the last layer: 1) of the network's sum over k of n_k n_{k-1}.

Source: the search model of the repository iitimii/Neural-Networks-Learning-Without-Gradient-Descent
(100 values from -5 to 5; no permutation, no shrinking range and no incumbent there).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from gfopt.model.dense import Pass
from gfopt.model.state import parameters
from gfopt.numerics.streams import order as permutation
from gfopt.optimizers.base import Optimizer, optimizers
from gfopt.options import NonNegative
from gfopt.search_space import Range, Space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor

    from gfopt.model.dense import DenseProblem
    from gfopt.model.state import State
    from gfopt.numerics.draw import Draw


@optimizers.register("parameter_search")
class ParameterSearch(Optimizer):
    """Options of the parameter search."""

    low: Annotated[float, Field(description="lowest value tried")] = -0.5
    high: Annotated[float, Field(description="highest value tried")] = 0.5
    count: Annotated[int, Field(ge=2, description="C, values tried for each parameter")] = 11
    tolerance: Annotated[
        NonNegative,
        Field(description="least gain of a sweep without a new best loss; below it, the run ends"),
    ] = 1e-6
    order: Annotated[
        Literal["given", "random"], Field(description="random: a new permutation in each sweep")
    ] = "given"
    keep_incumbent: Annotated[
        bool, Field(description="try the present value too; then no sweep raises the loss")
    ] = False
    shrink: Annotated[
        float,
        Field(gt=0, le=1, description="range of a sweep, relative to that of the sweep before"),
    ] = 1.0

    takes: ClassVar[Literal["full", "batch"]] = "full"
    gradient_free: ClassVar[bool] = True
    affine_output: ClassVar[bool] = True
    space: ClassVar[Space] = {
        "high": Range(0.05, 5.0, mirror="low"),
        "shrink": Range(0.5, 1.0, log=False),
    }

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The parameters, the number of sweeps, the best loss and whether the search has ended."""
        seed = draw.seed()
        place = {"seed": seed, "sweep": seed.new_zeros(seed.shape)}
        return params | place | {"best": draw.full(float("inf")), "ended": seed != seed}

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """One sweep in every seed."""
        at = at or problem.forward(state)
        found = self._sweep(problem, state, at)
        problem.charge(
            self._count_passes() * problem.samples * _compute_share(state, problem.depth)
        )
        before, after = problem.losses(at), problem.losses(problem.forward(found))
        best = after < state["best"]
        ended = ~best & (before - after < self.tolerance)
        counted = {"sweep": state["sweep"] + 1, "best": after.where(best, state["best"])}
        return state | found | counted | {"ended": ended}

    def done(self, state: State) -> Tensor | None:
        """The seeds whose last sweep gained too little."""
        return state["ended"]

    def passes_of_an_epoch(self, widths: tuple[int, ...]) -> float:
        """All partial passes of a sweep, and the passes before and after it."""
        parameters = (n * (m + 1) for m, n in pairwise(widths))
        tried = zip(_count_suffixes(widths), parameters, strict=True)
        return 2 + self._count_passes() * sum(s * count for s, count in tried) / sum(
            _count_products(widths)
        )

    def check(self, depth: int) -> None:
        """The range must not be empty."""
        if self.low >= self.high:
            raise ValueError(f"low: must be under high (got {self.low:g} and {self.high:g})")

    def grids(self, sweep: Tensor) -> Callable[[Tensor], Tensor]:
        """From a parameter's present value (R, 1) to the values to try (R, C), in a sweep (R,).

        s v_c + shift spans a share s of [low, high]; for s = 1 it is v_c to the last bit.
        """
        import torch

        v = torch.as_tensor(np.linspace(self.low, self.high, self.count), device=sweep.device)
        s = self.shrink ** sweep[:, None].double()
        spread, centre = s * v, s * (self.low + self.high) / 2
        least, most = (1 - s) * self.low, (1 - s) * self.high

        def around(present: Tensor) -> Tensor:
            shift = (present - centre).clamp(least, most)
            values = (spread + shift).to(present.dtype)
            return torch.cat([present, values], 1) if self.keep_incumbent else values

        return around

    def _count_passes(self) -> int:
        """Partial passes for each parameter: one for each value, and one for the accepted value."""
        return self.count + self.keep_incumbent + 1

    def _sweep(self, problem: DenseProblem, state: State, at: Pass) -> State:
        """The parameters after a sweep; in random order each seed has its own permutation."""
        import torch

        places = _list_places(state, problem.depth)
        if self.order == "given":
            return self.visit(problem, state, at, places)
        ends = []
        for r, (seed, sweep) in enumerate(zip(state["seed"], state["sweep"], strict=True)):
            drawn = permutation(int(seed), int(sweep), len(places))
            alone = {key: tensor[r : r + 1] for key, tensor in state.items()}
            own = at.keep(torch.tensor([r], device=seed.device))
            ends.append(self.visit(problem, alone, own, [places[d] for d in drawn]))
        return {key: torch.cat([end[key] for end in ends]) for key in ends[0]}

    def visit(
        self, problem: DenseProblem, state: State, at: Pass, places: Iterable[Place]
    ) -> State:
        """The parameters after one visit to each of the places, in their order."""
        params = {key: p.clone() for key, p in parameters(state).items()}
        z, a = (part[:1] + [layer.clone() for layer in part[1:]] for part in (at.z, at.a))
        network, around = SearchNetwork(problem, params, Pass(z, a)), self.grids(state["sweep"])
        for place in places:
            present = network.present(place)
            values = around(present)
            network.accept(place, pick_lowest(values, network.losses(place, values), present))
        return params


class Place(NamedTuple):
    """The place of a parameter: W_l[row, column], or b_l[row] at column 0."""

    layer: int
    key: str
    row: int
    column: int


@dataclass(frozen=True)
class SearchNetwork:
    """The parameters and the pass at them: copies, which follow each accepted value."""

    problem: DenseProblem
    params: State
    at: Pass

    def present(self, place: Place) -> Tensor:
        """The value of a parameter, (R, 1)."""
        return self.params[place.key][:, place.row, place.column : place.column + 1]

    def losses(self, place: Place, values: Tensor) -> Tensor:
        """The loss with each of the values (R, C) at that place, (R, C), in chunks of `memory`."""
        import torch

        size, problem = self._find_chunk_size(), self.problem
        chunks = [
            problem.loss.value(self.suffix(place, values[:, c : c + size])[-1], problem.targets)
            for c in range(0, values.shape[1], size)
        ]
        return torch.cat(chunks, 1)

    def suffix(self, place: Place, values: Tensor) -> list[Tensor]:
        """z_l[i] (R, C, N) and z_{l+1}..z_L (R, C, n, N), or z_L itself, with each value (R, C)."""
        row, l, i = self._compute_row(place, values), place.layer, place.row
        if l == self.problem.depth:
            return [row, self._insert_row(i, row)]
        change = self.problem.hidden[l - 1].value(row) - self.at.a[l][:, i : i + 1]
        column = self.params[f"W{l + 1}"][:, None, :, i : i + 1]
        z = [row, self.at.z[l + 1][:, None].addcmul(column, change[:, :, None])]
        for k in range(l + 2, self.problem.depth + 1):
            z.append(self.params[f"W{k}"][:, None] @ self.problem.hidden[k - 2].value(z[-1]))
            if f"b{k}" in self.params:
                z[-1] += self.params[f"b{k}"][:, None]
        return z

    def accept(self, place: Place, value: Tensor) -> None:
        """Put a value (R, 1) at that place, and update the pass."""
        l, i = place.layer, place.row
        row, *above = self.suffix(place, value)
        self.params[place.key][:, i, place.column] = value[:, 0]
        self.at.z[l][:, i : i + 1] = row
        if l == self.problem.depth:
            return
        self.at.a[l][:, i : i + 1] = self.problem.hidden[l - 1].value(row)
        for k, z in enumerate(above, l + 1):
            self.at.z[k].copy_(z[:, 0])
            if k < self.problem.depth:
                self.at.a[k].copy_(self.problem.hidden[k - 1].value(z[:, 0]))

    def _compute_row(self, place: Place, values: Tensor) -> Tensor:
        """z_l[i] with each of the values at that place, (R, C, N)."""
        l, i, j = place.layer, place.row, place.column
        moved, row = (values - self.present(place))[..., None], self.at.z[l][:, i : i + 1]
        if place.key[0] == "b":
            return row + moved
        return row.addcmul(moved, self.at.a[l - 1][..., j : j + 1, :])

    def _insert_row(self, i: int, row: Tensor) -> Tensor:
        """z_L (R, C, K, N) with a row i for each value, (R, C, N)."""
        z = self.at.z[-1][:, None].repeat(1, row.shape[1], 1, 1)
        z[:, :, i] = row
        return z

    def _find_chunk_size(self) -> int:
        """Values per chunk, so that z_l and a_l of all layers take at most `memory` bytes."""
        units = sum(layer.shape[1] for layer in self.at.z[1:])
        each = 2 * units * self.problem.samples * self.at.z[-1].element_size()
        return max(1, self.problem.memory // (each * len(self.at.z[-1])))


def pick_lowest(values: Tensor, losses: Tensor, present: Tensor) -> Tensor:
    """The value of the lowest loss, (R, 1), from values (R, C): the first of equals, NaN never."""
    least, where = losses.where(losses == losses, float("inf")).min(1, keepdim=True)
    return values.gather(1, where).where(least.isfinite(), present)


def _list_places(params: State, depth: int) -> list[Place]:
    """Every parameter: W_1 row by row, b_1, W_2, ..."""
    keys = [(l, key) for l in range(1, depth + 1) for key in (f"W{l}", f"b{l}") if key in params]
    return [
        Place(l, key, row, column)
        for l, key in keys
        for row, column in np.ndindex(*params[key].shape[1:])
    ]


def _compute_share(params: State, depth: int) -> float:
    """Multiply-adds of one value for each parameter, relative to the network's."""
    first = params["W1"].shape[-1]
    widths = (first, *(params[f"W{l}"].shape[-2] for l in range(1, depth + 1)))
    suffixes = _count_suffixes(widths)
    return sum(suffixes[p.layer - 1] for p in _list_places(params, depth)) / sum(
        _count_products(widths)
    )


def _count_products(widths: tuple[int, ...]) -> list[int]:
    """Multiply-adds of a sample in each layer."""
    return [n * m for m, n in pairwise(widths)]


def _count_suffixes(widths: tuple[int, ...]) -> list[int]:
    """Multiply-adds of a sample that one value of a parameter of layer l = 1..L takes."""
    products, depth = _count_products(widths), len(widths) - 1
    return [1 + widths[l + 1] + sum(products[l + 1 :]) for l in range(1, depth)] + [1]
