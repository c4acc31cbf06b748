"""A made problem for make_model and train_step: samples that the module takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import torch

from gfopt.checking.made import Kind, Made, made_task
from gfopt.checking.subject import Mishap, Subject
from gfopt.optimizers.module_rule import ModuleRule

if TYPE_CHECKING:
    from torch.nn import Module

# of one sample: a few numbers, then those of gfopt's data sets, channels first or (cat) last
_SHAPES = ((5,), (1, 8, 8), (1, 28, 28), (3, 32, 32), (64, 64, 3), (3, 64, 64))


def fitting(subject: Subject) -> Made:
    """A problem of a shape that the module takes and of a kind that its step takes.

    Raises Mishap with what train_step, or else the module, says of the last that was tried.
    """
    rule, said = cast("ModuleRule", subject.rule), None
    for shape, outputs in _taken(subject, rule):
        for kind in _kinds(outputs):
            made = Made(f"{kind}, samples {shape}", made_task(kind, "float32", shape, outputs))
            try:
                subject.run(made, (1,), 1)
            except Mishap as mishap:
                said = said or mishap
            else:
                return made
    assert said
    raise said


def _taken(subject: Subject, rule: ModuleRule) -> Iterator[tuple[tuple[int, ...], int]]:
    """The shapes of samples that a new module takes, and its outputs; Mishap where it takes none.

    A module's lazy layers take the shape they see first, so each shape gets a module of its own.
    """
    shapes = dict.fromkeys([*_told(_new(subject, rule)), *_SHAPES])
    refused: list[Mishap] = []
    for shape in shapes:
        try:
            outputs = _outputs(subject, _new(subject, rule), shape)
        except Mishap as mishap:
            refused.append(mishap)
        else:
            yield shape, outputs
    if len(refused) == len(shapes):
        tried = ", ".join(map(str, shapes))
        said = f"the module takes samples of none of these shapes: {tried}; of the first"
        raise Mishap(f"{said}, {refused[0]}", refused[0].cause)


def _new(subject: Subject, rule: ModuleRule) -> Module:
    def make() -> Module:
        with torch.random.fork_rng():
            made: Module = rule.source.make_model(**(rule.model_extra or {}))
        return made

    return subject.called("make_model", make)


def _told(model: Module) -> list[tuple[int, ...]]:
    """The shape that a first linear layer gives away."""
    layers = [layer for layer in model.modules() if isinstance(layer, torch.nn.Linear)]
    return [(layer.in_features,) for layer in layers[:1] if layer.in_features]


def _outputs(subject: Subject, model: Module, shape: tuple[int, ...]) -> int:
    """How many numbers the module gives for a sample of a shape."""

    def look() -> int:
        y = model.eval()(torch.zeros(2, *shape))
        if y.ndim != 2 or len(y) != 2:
            raise ValueError(f"outputs must be (n, K), K numbers a sample (got {tuple(y.shape)})")
        return int(y.shape[1])

    return subject.called("it", look)


def _kinds(outputs: int) -> tuple[Kind, ...]:
    return ("classes", "values") if outputs > 1 else ("two classes", "values")
