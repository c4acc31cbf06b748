"""Optimizers one after the other on the same parameters, such as a search and then descent.

    stage k = 1..K:  w <- rule_k(w)  until rule_k has had its epochs, or ends by its own rule

Each stage starts from the parameters that the one before it left, and from nothing else: its memory
is its own, its noise goes on with numbers not yet used. A stage of 0 epochs is left out. The run
has one history; each reading tells the stage that made it. Cost per epoch: that of the stage's
rule, counted alike in all stages.

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

from gfopt.errors import unknown
from gfopt.optimizers.base import Optimizer, optimizers
from gfopt.optimizers.schedule import Schedule
from gfopt.options import NestedError, Options
from gfopt.problem import parameters
from gfopt.rng import Draw, fresh_seed

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.problem import DenseProblem, Pass, State

_PREFIX = "sequence."


class Stage(Options):
    """A rule by name, with its options, and how long it has."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[str, Field(description="of a rule, as `gfopt list optimizers` has it")]
    epochs: Annotated[
        int | None, Field(ge=0, description="most epochs; default: until the rule itself ends")
    ] = None
    schedule: Annotated[Schedule | None, Field(description="of the rule's lr")] = None

    _rule: Optimizer = PrivateAttr()

    @property
    def rule(self) -> Optimizer:
        """The rule with its options."""
        return self._rule

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in optimizers:
            raise ValueError(unknown("optimizer", name, optimizers))
        if name == "sequence":
            raise ValueError("a sequence is no stage of another: give its stages here")
        return name

    @model_validator(mode="after")
    def _make_rule(self) -> Stage:
        rule, given = optimizers[self.name], json.dumps(self.model_extra)
        try:
            self._rule = rule.model_validate_json(given, strict=True)
        except ValidationError as error:
            raise NestedError(rule, error, tuple(Stage.model_fields)) from error
        return self

    @model_serializer(mode="wrap")
    def _with_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The rule's defaults too: an option that nobody wrote down is one all the same."""
        return dict(handler(self)) | self._rule.model_dump(mode="json")

    def check(self, depth: int) -> None:
        """The rule's check, and its schedule's."""
        self.rule.check(depth)
        if self.schedule:
            self.schedule.fit(self.rule, None)
            self.schedule.check()

    def begin(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The rule's first state."""
        state = self.rule.init(problem, params, draw)
        return self.schedule.begin(state) if self.schedule else state

    def step(self, problem: DenseProblem, state: State) -> State:
        """An epoch of the rule; its forward pass is made here, where it wants one."""
        at = problem.forward(state) if self.rule.wants_pass else None
        after = self.rule.step(problem, state, at)
        if not self.schedule:
            return after
        reads = at is not None and self.schedule.reads_loss
        losses = problem.losses(at) if at and reads else None
        return self.schedule.next(self.schedule.kept(state, after), losses)

    def ended(self, state: State, epochs: int) -> bool:
        """Whether the rule has had its epochs, or has ended by itself."""
        done = self.rule.done(state)
        return epochs == self.epochs or self.rule.once or (done is not None and bool(done[0]))


@optimizers.register("sequence")
class Sequence(Optimizer):
    """Options of a sequence."""

    stages: Annotated[
        tuple[Stage, ...],
        Field(description="rules in order: {name: …, epochs: …, options}"),
    ] = (Stage(name="position_wise", epochs=3), Stage(name="gradient_descent"))

    takes: ClassVar[Literal["full", "batch"]] = "full"
    wants_pass: ClassVar[bool] = False  # the stages make theirs
    gradient_free: ClassVar[bool] = True  # every stage's passes are counted, so 0 means 0
    batches_seeds: ClassVar[bool] = False  # a rule's own stop comes seed by seed
    deferred: ClassVar[bool] = True

    @field_validator("stages")
    @classmethod
    def _at_least_one(cls, stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
        if not stages:  # not a min_length: pydantic counts sound stages, and says it of wrong ones
            raise ValueError("give at least one stage")
        return stages

    def init(self, problem: DenseProblem, params: State, draw: Draw) -> State:
        """The first stage's first state."""
        state = self.stages[self._from(0)].begin(problem, params, draw)
        return state | _place(draw.seed(), self._from(0), 0, ended=False)

    def step(self, problem: DenseProblem, state: State, at: Pass | None) -> State:
        """An epoch of the stage that is on; of the next one where the last has ended."""
        number, epochs, inner = self._where(state)
        if bool(state[f"{_PREFIX}ended"][0]):
            number, epochs = self._from(number + 1), 0
            inner = self.stages[number].begin(problem, parameters(inner), _draw(state, number))
        after = self.stages[number].step(problem, inner)
        ended = self.stages[number].ended(after, epochs + 1)
        return after | _place(state[f"{_PREFIX}seed"], number, epochs + 1, ended=ended)

    def outputs(self, problem: DenseProblem, state: State) -> Tensor:
        """Those of the rule that is on."""
        number, _, inner = self._where(state)
        return self.stages[number].rule.outputs(problem, inner)

    def done(self, state: State) -> Tensor | None:
        """When no stage is left."""
        number, _, _ = self._where(state)
        ended = state[f"{_PREFIX}ended"]
        return ended & (self._from(number + 1) == len(self.stages))

    def stage(self, state: State) -> Tensor | None:
        """The stage that made this state, from 1."""
        return state[f"{_PREFIX}stage"] + 1

    def parts(self) -> list[Optimizer]:
        """The rules of the stages."""
        return [stage.rule for stage in self.stages]

    def remarks(self) -> list[str]:
        """Those of all stages' rules, once each."""
        return list(dict.fromkeys(said for rule in self.parts() for said in rule.remarks()))

    def notes(self, state: State) -> list[str]:
        """Those of the rule that is on: what the stages before it did is gone with their memory."""
        number, _, inner = self._where(state)
        return self.stages[number].rule.notes(inner)

    def check(self, depth: int) -> None:
        """Each stage's own check, its place named."""
        if self._from(0) == len(self.stages):
            raise ValueError("stages: all have 0 epochs")
        for i, stage in enumerate(self.stages):
            try:
                stage.check(depth)
            except ValueError as error:
                raise ValueError(f"stages.{i}: {error}") from error

    def _from(self, number: int) -> int:
        """The first stage from here on that has epochs; K if there is none."""
        left = (i for i in range(number, len(self.stages)) if self.stages[i].epochs != 0)
        return next(left, len(self.stages))

    def _where(self, state: State) -> tuple[int, int, State]:
        """The stage, from 0, its epochs so far, and its own state."""
        number, epochs = (int(state[_PREFIX + key][0]) for key in ("stage", "epochs"))
        inner = {key: t for key, t in state.items() if not key.startswith(_PREFIX)}
        return number, epochs, inner


def _place(seed: Tensor, number: int, epochs: int, *, ended: bool) -> State:
    """What the sequence remembers, beside what the stage does."""
    place = {"stage": seed * 0 + number, "epochs": seed * 0 + epochs, "ended": seed * 0 == -1}
    if ended:
        place["ended"] = ~place["ended"]
    return {_PREFIX + key: t for key, t in (place | {"seed": seed}).items()}


def _draw(state: State, number: int) -> Draw:
    """The numbers of a later stage: a seed of its own, so that no noise comes twice."""
    seeds = tuple(fresh_seed(int(s), number) for s in state[f"{_PREFIX}seed"])
    like = state["W1"]
    return Draw(seeds, like.device, like.dtype)
