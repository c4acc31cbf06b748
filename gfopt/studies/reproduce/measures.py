"""A measure: a quantity of one optimizer in one config, one value per seed. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gfopt.config.schema import Seed, parse_seeds
from gfopt.config.yaml_file import KeyPath
from gfopt.errors import describe_unknown
from gfopt.options import Options
from gfopt.studies.reproduce.quantities import QUANTITIES, Quantity

O = TypeVar("O", bound=Options)
RunsKey = tuple[str, tuple[str, ...]]  # a config and its changes


def _check_quantity(name: str) -> str:
    if name not in QUANTITIES:
        raise ValueError(describe_unknown("value", name, QUANTITIES))
    return name


def _check_unique(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) < len(seeds):
        raise ValueError("seeds must differ")
    return seeds


Seeds = Annotated[
    tuple[Seed, ...],
    BeforeValidator(parse_seeds),
    Field(min_length=1),
    AfterValidator(_check_unique),
]


class Measure(Options):
    """A quantity of one optimizer in one config, one value per seed."""

    config: Annotated[str, Field(description="name of a packaged config, or a YAML file")]
    label: Annotated[str, Field(description="the optimizer's label in the config")]
    value: Annotated[
        str, AfterValidator(_check_quantity), Field(description="the name of a quantity")
    ]
    seeds: Seeds = (1,)
    settings: Annotated[
        tuple[str, ...], Field(description="changes of the config, as --set takes them")
    ] = ()

    @model_validator(mode="after")
    def _check_timed_seeds(self) -> Measure:
        if self.timed and len(self.seeds) > 1:
            raise ValueError("seeds: times are repeats of one seed; give one seed")
        return self

    @property
    def quantity(self) -> Quantity:
        """The quantity that `value` names."""
        return QUANTITIES[self.value]

    @property
    def timed(self) -> bool:
        """Whether it is a time, which interleaved repeats measure."""
        return self.quantity.timed

    @property
    def runs(self) -> RunsKey:
        """The config and its changes: measures that share them share runs."""
        return self.config, self.settings

    @property
    def place(self) -> str:
        """The config and its changes in words."""
        changes = f" with {', '.join(self.settings)}" if self.settings else ""
        return f"{Path(self.config).stem}{changes}"


def find_measures(options: Options) -> list[Measure]:
    """The measures in some options, at any depth."""
    return [measure for _, measure in locate_measures(options)]


def locate_measures(value: Any, at: KeyPath = ()) -> Iterator[tuple[KeyPath, Measure]]:
    """The measures in a value at any depth, each with its place."""
    if isinstance(value, Measure):
        yield at, value
    elif isinstance(value, tuple):
        for i, one in enumerate(value):
            yield from locate_measures(one, (*at, i))
    elif isinstance(value, Options):
        for name in type(value).model_fields:
            yield from locate_measures(getattr(value, name), (*at, name))


def change_measures(options: O, change: Callable[[Measure], Measure]) -> O:
    """The options with every measure in them changed, at any depth."""

    def walk(value: Any) -> Any:
        if isinstance(value, Measure):
            return change(value)
        if isinstance(value, tuple):
            return tuple(map(walk, value))
        return change_measures(value, change) if isinstance(value, Options) else value

    fields = type(options).model_fields
    return options.model_copy(update={name: walk(getattr(options, name)) for name in fields})


def set_seeds(options: O, count: int, *, at_most: bool = False) -> O:
    """The options with `count` seeds wherever they have several; `at_most` adds none.

    Additional seeds follow the largest one. Measures of one seed stay as they are.
    """

    def change(measure: Measure) -> Measure:
        number = len(measure.seeds)
        if number == 1:
            return measure
        more = range(max(measure.seeds) + 1, max(measure.seeds) + 1 + count)
        seeds = (*measure.seeds, *more)[: min(count, number) if at_most else count]
        return measure.model_copy(update={"seeds": seeds})

    return change_measures(options, change)
