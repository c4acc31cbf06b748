"""Several optimizers in sequence on the same parameters, such as a search, then descent.

    stage k = 1..K:  w <- optimizer_k(w)  for its number of epochs, or until optimizer_k is done

Each stage starts from the parameters of the stage before it and from nothing else: it has its own
memory, and noise that no other stage has used. A stage of 0 epochs is skipped. The run has one
history; each evaluation names its stage. Cost per epoch: that of the stage's optimizer.

Source: the hybrid model of the repository iitimii/Neural-Networks-Learning-Without-Gradient-Descent
(exhaustive search, then Adam with ReduceLROnPlateau).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import (
    ConfigDict,
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from gfopt.errors import describe_unknown
from gfopt.model.state import parameters
from gfopt.numerics.draw import Draw
from gfopt.numerics.streams import fresh_seed
from gfopt.optimizers.base import Optimizer, optimizers
from gfopt.optimizers.schedule import Schedule
from gfopt.options import NestedError, Options

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.model.dense import DenseProblem, Pass
    from gfopt.model.state import State

_PREFIX = "sequence."


class Stage(Options):
    """An optimizer by name, with its options and its number of epochs."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, Field(description="name of an optimizer, as in `gfopt list optimizers`")]
    epochs: Annotated[
        int | None,
        Field(ge=0, description="maximum epochs; default: until the optimizer itself is done"),
    ] = None
    schedule: Annotated[Schedule | None, Field(description="schedule of the optimizer's lr")] = None

    _optimizer: Optimizer = PrivateAttr()

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer with its options."""
        return self._optimizer

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if name not in optimizers:
            raise ValueError(describe_unknown("optimizer", name, optimizers))
        if name == "sequence":
            raise ValueError("a sequence can't contain a sequence: list its stages here instead")
        return name

    @model_validator(mode="after")
    def _make_optimizer(self) -> Stage:
        kind, options = optimizers[self.name], json.dumps(self.model_extra)
        try:
            self._optimizer = kind.model_validate_json(options, strict=True)
        except ValidationError as error:
            raise NestedError(kind, error, tuple(Stage.model_fields)) from error
        return self

    @model_serializer(mode="wrap")
    def _add_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write all options of the optimizer, defaults included."""
        return dict(handler(self)) | self._optimizer.model_dump(mode="json")

    def check(self, depth: int) -> None:
        """The optimizer's check, and its schedule's."""
        self.optimizer.check(depth)
        if self.schedule:
            self.schedule.fit(self.optimizer, None)
            self.schedule.check()

    def begin(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The optimizer's first state."""
        state = self.optimizer.init(problem, params, draw)
        return self.schedule.begin(state) if self.schedule else state

    def step(self, problem: DenseProblem, state: State) -> State:
        """An epoch of the optimizer, with its forward pass if it wants one."""
        at = problem.forward(state) if self.optimizer.wants_pass else None
        after = self.optimizer.step(problem, state, at)
        if not self.schedule:
            return after
        reads = at is not None and self.schedule.reads_loss
        losses = problem.losses(at) if at and reads else None
        return self.schedule.next(self.schedule.keep_memory(state, after), losses)

    def ended(self, state: State, epochs: int) -> bool:
        """Whether the epochs are used up, or the optimizer is done."""
        done = self.optimizer.done(state)
        return epochs == self.epochs or self.optimizer.once or (done is not None and bool(done[0]))


@optimizers.register("sequence")
class Sequence(Optimizer):
    """Options of a sequence."""

    stages: Annotated[
        tuple[Stage, ...],
        Field(description="optimizers in order: {name: …, epochs: …, options}"),
    ] = (Stage(name="position_wise", epochs=3), Stage(name="gradient_descent"))

    takes: ClassVar[Literal["full", "batch"]] = "full"
    wants_pass: ClassVar[bool] = False  # each stage makes its own
    gradient_free: ClassVar[bool] = True  # all passes are counted, so 0 backward passes is honest
    batches_seeds: ClassVar[bool] = False  # stages end at different epochs in different seeds
    deferred: ClassVar[bool] = True

    @field_validator("stages")
    @classmethod
    def _check_stages(cls, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
        if not stages:  # min_length would also complain if stages are invalid
            raise ValueError("give at least one stage")
        return stages

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The first stage's first state."""
        state = self.stages[self._find_stage(0)].begin(problem, params, draw)
        return state | _make_memory(draw.seed(), self._find_stage(0), 0, ended=False)

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """An epoch of the present stage, or of the next one if the present one has ended."""
        number, epochs, inner = self._read_memory(state)
        if bool(state[f"{_PREFIX}ended"][0]):
            number, epochs = self._find_stage(number + 1), 0
            inner = self.stages[number].begin(problem, parameters(inner), _make_draw(state, number))
        after = self.stages[number].step(problem, inner)
        ended = self.stages[number].ended(after, epochs + 1)
        return after | _make_memory(state[f"{_PREFIX}seed"], number, epochs + 1, ended=ended)

    def outputs(self, problem: DenseProblem, state: State) -> Tensor:
        """Those of the present stage's optimizer."""
        number, _, inner = self._read_memory(state)
        return self.stages[number].optimizer.outputs(problem, inner)

    def done(self, state: State) -> Tensor | None:
        """Whether the last stage has ended."""
        number, _, _ = self._read_memory(state)
        ended = state[f"{_PREFIX}ended"]
        return ended & (self._find_stage(number + 1) == len(self.stages))

    def stage(self, state: State) -> Tensor | None:
        """The stage that made this state, from 1."""
        return state[f"{_PREFIX}stage"] + 1

    def parts(self) -> list[Optimizer]:
        """The optimizers of the stages."""
        return [stage.optimizer for stage in self.stages]

    def remarks(self) -> list[str]:
        """Those of all stages' optimizers, once each."""
        return list(dict.fromkeys(one for part in self.parts() for one in part.remarks()))

    def notes(self, state: State) -> list[str]:
        """Those of the present stage's optimizer. Earlier stages leave no memory."""
        number, _, inner = self._read_memory(state)
        return self.stages[number].optimizer.notes(inner)

    def check(self, depth: int) -> None:
        """Each stage's own check; errors name the stage."""
        if self._find_stage(0) == len(self.stages):
            raise ValueError("stages: at least one must have epochs (all have epochs: 0)")
        for i, stage in enumerate(self.stages):
            try:
                stage.check(depth)
            except ValueError as error:
                raise ValueError(f"stages.{i}: {error}") from error

    def _find_stage(self, number: int) -> int:
        """The first stage from `number` on that has epochs; K if there is none."""
        left = (i for i in range(number, len(self.stages)) if self.stages[i].epochs != 0)
        return next(left, len(self.stages))

    def _read_memory(self, state: State) -> tuple[int, int, State]:
        """The stage, from 0, its epochs so far, and its own state."""
        number, epochs = (int(state[_PREFIX + key][0]) for key in ("stage", "epochs"))
        inner = {key: t for key, t in state.items() if not key.startswith(_PREFIX)}
        return number, epochs, inner


def _make_memory(seed: Tensor, number: int, epochs: int, *, ended: bool) -> State:
    """The sequence's own memory, beside the stage's."""
    memory = {"stage": seed * 0 + number, "epochs": seed * 0 + epochs, "ended": seed * 0 == -1}
    if ended:
        memory["ended"] = ~memory["ended"]
    return {_PREFIX + key: t for key, t in (memory | {"seed": seed}).items()}


def _make_draw(state: State, number: int) -> Draw:
    """The draw of a later stage, from another seed, so that no noise is used twice."""
    seeds = tuple(fresh_seed(int(s), number) for s in state[f"{_PREFIX}seed"])
    like = state["W1"]
    return Draw(seeds, like.device, like.dtype)
