"""SynaPrune: every layer learns from its own input and output and the network's error.

With e = y - a_L, e* its entry of largest magnitude, I and O the input and output of a layer (rows),
Norm(v) = v / Σ|v| with Norm(0) = 0, all layers are updated from the same forward pass, and one
sample after the other in the order given:

    rule          W += lr e* Norm(I)^T Norm(O)        b += lr e* Norm(O)
    centred       as rule with I - mean I, O - mean O and, in a layer of m units, lr exp(-1/m);
                  last:  W += lr m Norm(I)^T e        b += lr m e Norm(O), unit by unit
    experimental  Norm(v) = v / max(Σ|v|, 1e-8). Each layer remembers t, its input at the update
                  before, at first 0; if |cos(I - mean I, t - mean t)| >= threshold (its
                  denominator at least 1e-8), the update has I - t for I. Hidden layers as rule;
                  last:  W += lr Norm(I)^T e          b += lr e
                  A sample is updated `updates` times, a pass before each.
    batch         one update per (mini-)batch: every weight takes, of its samples' contributions
                  e* Norm(I)^T Norm(O), last Norm(I)^T e, the one of largest magnitude; no biases

O is the layer's output in the network as configured; the published networks are sigmoid everywhere.

Our interpretations. The text has one formula for all layers. With one positive output, as in all
examples of its author, e* Norm(O) = e, so the formula and experimental's last layer are the same;
with more outputs, e* moves all of them the same way. So by default the last layer of `rule` is
experimental's (output_error: own); `largest` is the formula to the letter. In batch, the first of
equal magnitudes wins. With a single unit, or an input of one repeated value, centring leaves 0/0,
which is NaN in the original and 0 here.

In experimental, cosines of binary inputs tie with the threshold 1/2 exactly, and rounding decides:
its demonstration succeeds in float32 and mostly fails in float64, where 0.500001 makes it succeed.

Cost per update: one forward pass, `updates` of them a sample for experimental; no backward pass.

Source: Jigusheng, "SynaPrune: A novel algorithm to train neural networks" (github.com/Jigusheng/
SynaPrune): README of 25 December 2022 (rule), StochasticPruneOptimizer.py (centred),
SynaPrune_experimental.py (experimental), HebbNeuralNetwork.jl (batch; its Freeze: frozen_hidden).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from gfopt.errors import UsageError
from gfopt.optimizers.base import Optimizer, optimizers
from gfopt.options import Count, NonNegative, Positive
from gfopt.search_space import Range, Space

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.model.dense import DenseProblem, Pass
    from gfopt.model.state import State
    from gfopt.numerics.draw import Draw
    from gfopt.numerics.kernels.synaprune import Plan

_OPTIONS_OF_VARIANTS = {
    "threshold": "experimental",
    "updates": "experimental",
    "output_error": "rule",
}


@optimizers.register("synaprune")
class SynaPrune(Optimizer):
    """Options of SynaPrune."""

    wants_pass: ClassVar[bool] = False
    gradient_free: ClassVar[bool] = True
    local: ClassVar[bool] = True
    affine_output: ClassVar[bool] = True
    space: ClassVar[Space] = {"lr": Range(1e-5, 1.0)}

    variant: Annotated[
        Literal["rule", "centred", "experimental", "batch"],
        Field(description="which of the author's four; rule: the one of the text"),
    ] = "rule"
    lr: Annotated[
        Positive,
        Field(description="learning rate: Σ|dW| of a layer per unit of error; the author's is 1"),
    ] = 0.01
    output_error: Annotated[
        Literal["own", "largest"],
        Field(description="rule: error that moves an output unit, its own or e* as in the text"),
    ] = "own"
    threshold: Annotated[
        NonNegative, Field(description="experimental: least similarity at which I - t replaces I")
    ] = 0.5
    updates: Annotated[
        Count, Field(description="experimental: updates of a sample before the next one")
    ] = 5
    frozen_hidden: Annotated[
        bool, Field(description="hidden layers keep their initial weights (an ablation)")
    ] = False

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The parameters and lr; experimental's memory t_l = 0 (R, n_{l-1})."""
        state = params | {"lr": draw.full(self.lr)}
        if self.variant == "experimental":
            for l in range(1, problem.depth + 1):
                state[f"t{l}"] = params[f"W{l}"].new_zeros(params[f"W{l}"].shape[::2])
        return state

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """One pass over the samples, in their order."""
        from gfopt.numerics.kernels import synaprune as kernel

        params, memory = _make_vectors(state, problem.depth)
        x, y = (_arrange_rows(t) for t in (problem.inputs, problem.targets))
        learn = kernel.learn_largest if self.variant == "batch" else kernel.learn
        plan = self._make_plan(problem, state)
        learn(params, x, y, memory, state["lr"].cpu().numpy(), plan)
        problem.charge(plan.updates * problem.samples)
        return _update_state(state, params, memory, problem.depth)

    def passes_of_an_epoch(self, widths: tuple[int, ...]) -> float:
        """One for each update of a sample."""
        return self.updates if self.variant == "experimental" else 1

    def check(self, depth: int) -> None:
        """Options of another variant are errors."""
        for option, variant in _OPTIONS_OF_VARIANTS.items():
            default = type(self).model_fields[option].default
            if self.variant != variant and getattr(self, option) != default:
                raise ValueError(
                    f"{option}: only for variant: {variant} (got variant: {self.variant})"
                )

    def _make_plan(self, problem: DenseProblem, state: State) -> Plan:
        """What the compiled loop must know; floats are in the parameters' dtype."""
        import numpy as np

        from gfopt.numerics.kernels import synaprune as kernel

        depth, experimental = problem.depth, self.variant == "experimental"
        dtype = state["lr"].cpu().numpy().dtype.type
        shapes = [state[f"W{l}"].shape for l in range(1, depth + 1)]
        codes = {"centred": kernel.CENTRED, "experimental": kernel.EXPERIMENTAL}
        return kernel.Plan(
            widths=np.array([shapes[0][2], *(shape[1] for shape in shapes)]),
            functions=np.array(_find_functions(problem)),
            variant=codes.get(self.variant, kernel.RULE),
            updates=self.updates if experimental else 1,
            first=depth if self.frozen_hidden else 1,
            own=self.output_error == "own",
            output_bias=f"b{depth}" in state,
            floor=dtype(1e-8 if experimental else 0),
            threshold=dtype(self.threshold),
        )


def _make_vectors(state: State, depth: int) -> tuple[Any, Any]:
    """Copies for the loop: W_1^T, b_1, ... as (R, P), and t_1, ... as (R, M)."""
    import torch

    params = [state["lr"].new_zeros(len(state["lr"]), 0)]
    memory = params[:]
    for l in range(1, depth + 1):
        W = state[f"W{l}"]
        b = state.get(f"b{l}", W.new_zeros(*W.shape[:2], 1))
        params += [W.mT.flatten(1), b.flatten(1)]
        memory += [state[f"t{l}"]] if f"t{l}" in state else []
    return torch.cat(params, 1).cpu().numpy(), torch.cat(memory, 1).cpu().numpy()


def _update_state(state: State, params: Any, memory: Any, depth: int) -> State:
    """The state with the vectors' values."""
    import torch

    like = state["W1"]
    values, kept = (torch.as_tensor(v, device=like.device) for v in (params, memory))
    changed = {}
    for l in range(1, depth + 1):
        seeds, units, inputs = state[f"W{l}"].shape
        W, b, values = values.tensor_split((inputs * units, (inputs + 1) * units), 1)
        changed[f"W{l}"] = W.reshape(seeds, inputs, units).mT.contiguous()
        if f"b{l}" in state:
            changed[f"b{l}"] = b[..., None].contiguous()
        if f"t{l}" in state:
            t, kept = kept.tensor_split((inputs,), 1)
            changed[f"t{l}"] = t.contiguous()
    return state | changed


def _arrange_rows(columns: Tensor) -> Any:
    """Samples as contiguous rows, (1, N, n) or (R, N, n)."""
    rows = columns.mT.contiguous().cpu().numpy()
    return rows if rows.ndim == 3 else rows[None]


def _find_functions(problem: DenseProblem) -> list[int]:
    """The compiled loop's codes of f_1, ..., f_L. Raises UsageError for an unknown function."""
    from gfopt.numerics.kernels.functions import find_codes

    if problem.loss.cosine:
        raise UsageError(
            "synaprune: needs an affine output layer, and this loss computes cosines: "
            "use another loss"
        )
    try:
        return find_codes([*(f.value for f in problem.hidden), problem.loss.activate])
    except LookupError as error:
        raise UsageError(f"synaprune: {error}") from error
