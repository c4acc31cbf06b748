"""A test problem for make_model and train_step: samples of a shape that the module accepts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import torch

from gfopt.studies.check.calls import CallError, OptimizerCalls
from gfopt.studies.check.problems import CheckProblem, Kind, make_check_task

if TYPE_CHECKING:
    from torch.nn import Module

    from gfopt.optimizers.module_optimizer import ModuleOptimizer

# of one sample: a few numbers, then those of gfopt's data sets, channels first or (cat) last
_SHAPES = ((5,), (1, 8, 8), (1, 28, 28), (3, 32, 32), (64, 64, 3), (3, 64, 64))


def find_problem(calls: OptimizerCalls) -> CheckProblem:
    """Return a problem of a shape that the module accepts and of a kind that its step accepts.

    Raises CallError if there is none: with the first error of train_step, or else with the
    shapes that the module refused.
    """
    first_error: CallError | None = None
    for shape, outputs in _find_shapes(calls):
        kinds: tuple[Kind, ...] = ("classes" if outputs > 1 else "two classes", "values")
        for kind in kinds:
            task = make_check_task(kind, "float32", shape, outputs)
            problem = CheckProblem(f"{kind}, samples {shape}", task)
            try:
                calls.run(problem, (1,), 1)
            except CallError as error:
                first_error = first_error or error
            else:
                return problem
    assert first_error
    raise first_error


def _find_shapes(calls: OptimizerCalls) -> Iterator[tuple[tuple[int, ...], int]]:
    """Yield each sample shape that the module accepts, and the number of outputs.

    Lazy layers keep the first shape that they see, so each shape gets a new module. Raises
    CallError if the module accepts no shape.
    """
    shapes = dict.fromkeys([*_read_linear_shape(_make_model(calls)), *_SHAPES])
    refused: list[CallError] = []
    for shape in shapes:
        try:
            outputs = _count_outputs(calls, _make_model(calls), shape)
        except CallError as error:
            refused.append(error)
        else:
            yield shape, outputs
    if len(refused) == len(shapes):
        tried = ", ".join(map(str, shapes))
        raise CallError(
            f"the module accepts none of these sample shapes: {tried}; for the first, {refused[0]}",
            refused[0].cause,
        )


def _make_model(calls: OptimizerCalls) -> Module:
    optimizer = cast("ModuleOptimizer", calls.optimizer)

    def make() -> Module:
        with torch.random.fork_rng():
            model: Module = optimizer.source.make_model(**(optimizer.model_extra or {}))
        return model

    return calls.call("make_model", make)


def _read_linear_shape(model: Module) -> list[tuple[int, ...]]:
    """The sample shape that the first linear layer expects, if there is such a layer."""
    layers = [layer for layer in model.modules() if isinstance(layer, torch.nn.Linear)]
    return [(layer.in_features,) for layer in layers[:1] if layer.in_features]


def _count_outputs(calls: OptimizerCalls, model: Module, shape: tuple[int, ...]) -> int:
    """How many numbers the module returns for a sample of this shape."""

    def count() -> int:
        y = model.eval()(torch.zeros(2, *shape))
        if y.ndim != 2 or len(y) != 2:
            raise ValueError(f"outputs must be (n, K), K numbers a sample (got {tuple(y.shape)})")
        return int(y.shape[1])

    return calls.call("the module", count)
