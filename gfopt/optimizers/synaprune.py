"""SynaPrune: every layer learns from its own input and output, times the network's error.

With e = y - a_L, e* its entry of largest magnitude, I and O the input and output of a layer (rows),
Norm(v) = v / Σ|v| with Norm(0) = 0, all layers are updated from the same forward pass, and one
sample after the other in the order given:

    rule          W += lr e* Norm(I)^T Norm(O)        b += lr e* Norm(O)
    centred       as rule with I - mean I, O - mean O and, in a layer of m units, lr exp(-1/m);
                  last:  W += lr m Norm(I)^T e        b += lr m e Norm(O), unit by unit
    experimental  Norm(v) = v / max(Σ|v|, 1e-8). Each layer remembers t, its input at its update
                  before, at first 0; where |cos(I - mean I, t - mean t)| >= threshold (its
                  denominator at least 1e-8), the update has I - t for I. Hidden layers as rule;
                  last:  W += lr Norm(I)^T e          b += lr e
                  A sample is updated `updates` times, a pass before each.
    batch         one update per (mini-)batch: every weight takes, of its samples' contributions
                  e* Norm(I)^T Norm(O), last Norm(I)^T e, the one of largest magnitude; no biases

O is the layer's output in the network as configured; the published networks are sigmoid everywhere.

Readings of ours. The text has one formula for all layers. With one positive output, as in all that
its author shows, e* Norm(O) = e, so that formula and experimental's last layer are the same; with
more, e* moves all outputs the same way and can't say which of them is meant. So by default the last
layer of `rule` is experimental's (output_error: own); `largest` is the formula to the letter. In
batch, equal magnitudes go to the first sample. With a single unit, or an input of one repeated
value, centring leaves 0/0, which is NaN in the original.

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
from gfopt.space import Range, Space

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.kernels.synaprune import Plan
    from gfopt.problem import DenseProblem, Pass, State
    from gfopt.rng import Draw

_OF_VARIANT = {"threshold": "experimental", "updates": "experimental", "output_error": "rule"}


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
        Field(description="which of the author's four; rule is the text's"),
    ] = "rule"
    lr: Annotated[
        Positive, Field(description="Σ|dW| of a layer per unit of error; the author's is 1")
    ] = 0.01
    output_error: Annotated[
        Literal["own", "largest"],
        Field(description="rule: what moves an output unit, its own error or e* as the text says"),
    ] = "own"
    threshold: Annotated[
        NonNegative, Field(description="experimental: similarity from which on I - t is used")
    ] = 0.5
    updates: Annotated[
        Count, Field(description="experimental: updates of a sample before the next one")
    ] = 5
    frozen_hidden: Annotated[
        bool, Field(description="hidden layers keep their start: what does the rule add?")
    ] = False

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The parameters and lr; experimental's memory t_l = 0 (R, n_{l-1})."""
        state = params | {"lr": draw.full(self.lr)}
        if self.variant == "experimental":
            for l in range(1, problem.depth + 1):
                state[f"t{l}"] = params[f"W{l}"].new_zeros(params[f"W{l}"].shape[::2])
        return state

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """The samples once through, in their order."""
        from gfopt.kernels import synaprune as kernel

        params, memory = _vectors(state, problem.depth)
        x, y = (_rows(t) for t in (problem.inputs, problem.targets))
        learn = kernel.learn_largest if self.variant == "batch" else kernel.learn
        plan = self._plan(problem, state)
        learn(params, x, y, memory, state["lr"].cpu().numpy(), plan)
        problem.charge(plan.updates * problem.samples)
        return _with(state, params, memory, problem.depth)

    def passes_of_an_epoch(self, widths: tuple[int, ...]) -> float:
        """One an update of a sample."""
        return self.updates if self.variant == "experimental" else 1

    def check(self, depth: int) -> None:
        """Options of another variant are refused."""
        for option, variant in _OF_VARIANT.items():
            default = type(self).model_fields[option].default
            if self.variant != variant and getattr(self, option) != default:
                raise ValueError(f"{option}: belongs to variant: {variant} (got {self.variant})")

    def _plan(self, problem: DenseProblem, state: State) -> Plan:
        """What the compiled loop needs to know; its numbers are in the parameters' dtype."""
        import numpy as np

        from gfopt.kernels import synaprune as kernel

        depth, experimental = problem.depth, self.variant == "experimental"
        dtype = state["lr"].cpu().numpy().dtype.type
        shapes = [state[f"W{l}"].shape for l in range(1, depth + 1)]
        codes = {"centred": kernel.CENTRED, "experimental": kernel.EXPERIMENTAL}
        return kernel.Plan(
            widths=np.array([shapes[0][2], *(shape[1] for shape in shapes)]),
            functions=np.array(_functions(problem)),
            variant=codes.get(self.variant, kernel.RULE),
            updates=self.updates if experimental else 1,
            first=depth if self.frozen_hidden else 1,
            own=self.output_error == "own",
            output_bias=f"b{depth}" in state,
            floor=dtype(1e-8 if experimental else 0),
            threshold=dtype(self.threshold),
        )


def _vectors(state: State, depth: int) -> tuple[Any, Any]:
    """Copies for the loop: W_1^T, b_1, ... side by side (R, P), and t_1, ... (R, M)."""
    import torch

    params = [state["lr"].new_zeros(len(state["lr"]), 0)]
    memory = params[:]
    for l in range(1, depth + 1):
        W = state[f"W{l}"]
        b = state.get(f"b{l}", W.new_zeros(*W.shape[:2], 1))
        params += [W.mT.flatten(1), b.flatten(1)]
        memory += [state[f"t{l}"]] if f"t{l}" in state else []
    return torch.cat(params, 1).cpu().numpy(), torch.cat(memory, 1).cpu().numpy()


def _with(state: State, params: Any, memory: Any, depth: int) -> State:
    """The state with the vectors' values."""
    import torch

    like = state["W1"]
    values, kept = (torch.as_tensor(v, device=like.device) for v in (params, memory))
    changed = {}
    for l in range(1, depth + 1):
        replicas, units, inputs = state[f"W{l}"].shape
        W, b, values = values.tensor_split((inputs * units, (inputs + 1) * units), 1)
        changed[f"W{l}"] = W.reshape(replicas, inputs, units).mT.contiguous()
        if f"b{l}" in state:
            changed[f"b{l}"] = b[..., None].contiguous()
        if f"t{l}" in state:
            t, kept = kept.tensor_split((inputs,), 1)
            changed[f"t{l}"] = t.contiguous()
    return state | changed


def _rows(columns: Tensor) -> Any:
    """Samples as rows, (1, N, n) or (R, N, n), one beside the other."""
    rows = columns.mT.contiguous().cpu().numpy()
    return rows if rows.ndim == 3 else rows[None]


def _functions(problem: DenseProblem) -> list[int]:
    """The numbers by which the compiled loop knows f_1, ..., f_L, told by what they do."""
    from gfopt.kernels.functions import numbers

    if problem.loss.cosine:
        raise UsageError("synaprune: its layers are affine, this loss's outputs are cosines")
    try:
        return numbers([*(f.value for f in problem.hidden), problem.loss.activate])
    except LookupError as error:
        raise UsageError(f"synaprune: {error}") from error
