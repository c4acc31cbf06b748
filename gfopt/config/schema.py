"""The sections of an experiment's YAML, as frozen models. No torch here."""

from __future__ import annotations

import re
from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from gfopt.engine.budget import Budget
from gfopt.engine.target import Target
from gfopt.engine.terms import Reading
from gfopt.model.dense import DenseNetwork
from gfopt.options import Options, Positive

Precision = Literal["float32", "float64"]
MAX_SEEDS_IN_RANGE = 100_000  # a longer range is a slip of the pen


def parse_seeds(given: Any) -> Any:
    """1, "1-100", "1,2,5-9" or a list of these -> a tuple of seeds.

    Raises ValueError for any other text or value. Items of a list stay as they are.
    """
    if isinstance(given, str):
        return tuple(seed for part in given.split(",") for seed in _parse_range(part.strip()))
    if isinstance(given, list):
        parts = [parse_seeds(part) if isinstance(part, str) else (part,) for part in given]
        return tuple(seed for part in parts for seed in part)
    if type(given) is not int:
        got = "nothing" if given is None else repr(given)
        raise ValueError(f"write seeds as 1, 1-100 or 1,2,5-9 (got {got})")
    return (given,)


def _parse_range(part: str) -> range:
    found = re.fullmatch(r"([0-9]+)(?:\s*-\s*([0-9]+))?", part)
    if not found:
        raise ValueError(f"write seeds as 1, 1-100 or 1,2,5-9 (got {part!r})")
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise ValueError(f"a range goes up: write {last}-{first} (got {part!r})")
    if last - first >= MAX_SEEDS_IN_RANGE:
        raise ValueError(f"a range has at most {MAX_SEEDS_IN_RANGE} seeds (got {part!r})")
    return range(first, last + 1)


Seed = Annotated[int, Field(ge=0, lt=2**32)]


def _list_targets(given: Any) -> Any:
    """One target as a tuple of one, none as an empty one."""
    return () if given is None else tuple(given) if isinstance(given, list) else (given,)


def _check_range(given: tuple[float, float]) -> tuple[float, float]:
    low, high = given
    if low >= high:
        shown = f"got [{low:g}, {high:g}]"
        raise ValueError(f"a range is [low, high] with low < high ({shown})")
    return given


Range = Annotated[tuple[Positive, Positive], AfterValidator(_check_range)]
Targets = Annotated[tuple[Target, ...], BeforeValidator(_list_targets)]


class ExperimentSchema(Options):
    """The top level of the file; its named parts (dataset, loss, …) are looked up elsewhere."""

    name: str
    dataset: Any = None
    model: DenseNetwork = DenseNetwork()
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
            description="search ranges for `gfopt tune`; they replace the optimizers' own",
        ),
    ]

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise ValueError(
                f"is the name of a folder: use only letters, digits, _ . and - (got {name!r})"
            )
        return name

    @field_validator("evaluate_every", mode="before")
    @classmethod
    def _check_interval(cls, given: Any) -> Any:
        if not re.fullmatch(r"1 epoch|[1-9]\d* updates?", str(given)):
            raise ValueError(f"must be `1 epoch` or `N updates` (got {given!r})")
        return given

    @field_validator("seeds")
    @classmethod
    def _check_duplicates(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        twice = sorted(seed for seed, count in Counter(seeds).items() if count > 1)
        if twice:
            raise ValueError(f"seeds must differ (duplicate: {', '.join(map(str, twice))})")
        return seeds
