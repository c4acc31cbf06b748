"""The sections of an experiment's YAML, as frozen models. No torch here."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from gfopt.options import Count, Options, Positive
from gfopt.target import Budget, Reading, Target

Precision = Literal["float32", "float64"]


class Network(Options):
    """The dense network: hidden widths, activations (one, or one per hidden layer), start."""

    hidden: tuple[Count, ...] = ()
    activation: Annotated[
        tuple[str, ...],
        BeforeValidator(lambda given: tuple(given) if isinstance(given, list) else (given,)),
    ] = ("relu",)
    init: Annotated[Any, Field(description="a scheme's name, or {scheme: …, options}")] = "torch"
    output_bias: bool = True

    def activations(self) -> tuple[str, ...]:
        """One name per hidden layer."""
        return self.activation * len(self.hidden) if len(self.activation) == 1 else self.activation

    @field_validator("activation")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        from gfopt.activations import activations
        from gfopt.errors import unknown

        for name in names:
            if name not in activations:
                raise ValueError(unknown("activation", name, activations))
        return names

    @model_validator(mode="after")
    def _fits(self) -> Network:
        if len(self.activation) not in (1, len(self.hidden)):
            raise ValueError(
                f"activation: give one, or one for each of the {len(self.hidden)} hidden layers "
                f"(got {len(self.activation)})"
            )
        return self


def parse_seeds(given: Any) -> Any:
    """1, "1-100", "1,2,5-9" or a list of such -> a tuple of seeds; anything else as it came."""
    if isinstance(given, str):
        return tuple(seed for part in given.split(",") for seed in _seed_range(part.strip()))
    if isinstance(given, list):
        parts = [parse_seeds(part) if isinstance(part, str) else (part,) for part in given]
        return tuple(seed for part in parts for seed in part)
    if type(given) is not int:
        raise ValueError(f"seeds look like 1, 1-100 or 1,2,5-9 (got {given!r})")
    return (given,)


MOST_SEEDS = 100_000  # of one range: more is a slip of the pen


def _seed_range(part: str) -> range:
    found = re.fullmatch(r"([0-9]+)(?:\s*-\s*([0-9]+))?", part)
    if not found:
        raise ValueError(f"seeds look like 1, 1-100 or 1,2,5-9 (got {part!r})")
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise ValueError(f"a range of seeds goes up (got {part!r})")
    if last - first >= MOST_SEEDS:
        raise ValueError(f"a range holds at most {MOST_SEEDS} seeds (got {part!r})")
    return range(first, last + 1)


def _unique(seeds: tuple[int, ...]) -> tuple[int, ...]:
    twice = sorted(seed for seed, count in Counter(seeds).items() if count > 1)
    if twice:
        raise ValueError(f"seeds must differ (twice: {', '.join(map(str, twice))})")
    return seeds


Seed = Annotated[int, Field(ge=0, lt=2**32)]


def _listed(given: Any) -> Any:
    """One target as a tuple of one, none as an empty one."""
    return () if given is None else tuple(given) if isinstance(given, list) else (given,)


def _rising(given: tuple[float, float]) -> tuple[float, float]:
    if given[0] >= given[1]:
        raise ValueError(f"a range is [low, high], low < high (got {list(given)})")
    return given


Range = Annotated[tuple[Positive, Positive], AfterValidator(_rising)]
Targets = Annotated[tuple[Target, ...], BeforeValidator(_listed)]


class Settings(Options):
    """The top level of the file; its named parts (dataset, loss, …) are looked up elsewhere."""

    name: str
    dataset: Any = None
    model: Network = Network()
    loss: Any = None
    optimizers: Annotated[tuple[Any, ...], Field(min_length=1)]
    target: Targets = ()
    reading: Reading = "end_of_epoch"
    budget: Budget = Budget()
    seeds: Annotated[tuple[Seed, ...], BeforeValidator(parse_seeds), Field(min_length=1)] = (1,)
    precision: Precision = "float32"
    evaluate_every: str = "1 epoch"
    controls: Literal["standard"] | None = None
    tune: Annotated[
        dict[str, Range],
        Field(
            default_factory=dict,
            description="ranges of options for `gfopt tune`, in place of the rules' own",
        ),
    ]

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise ValueError(f"names a folder: letters, digits, _ . and - only (got {name!r})")
        return name

    @field_validator("evaluate_every", mode="before")
    @classmethod
    def _epoch_or_updates(cls, given: Any) -> Any:
        if not re.fullmatch(r"1 epoch|[1-9]\d* updates?", str(given)):
            raise ValueError(f"must be `1 epoch` or `N updates` (got {given!r})")
        return given

    @field_validator("seeds")
    @classmethod
    def _different(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        return _unique(seeds)
