"""Claims as data: what a source says, where it says it, and which runs are to show it. No torch.

A claims file is YAML: a list under `claims`, each with a `check` that says how it is judged (the
classes of gfopt.reproduction.checks) and one or more measures: a quantity of a rule in a config,
one value a seed. `gfopt reproduce --claims FILE` takes a reader's own.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gfopt.config.schema import Seed, parse_seeds
from gfopt.config.source import Path_
from gfopt.errors import UsageError, unknown
from gfopt.options import Options
from gfopt.registry import Registry
from gfopt.reproduction.values import VALUES

if TYPE_CHECKING:
    from gfopt.reproduction.verdicts import Evidence, Verdict

O = TypeVar("O", bound=Options)

checks: Registry[type[Claim]] = Registry("check", "gfopt.reproduction.checks")


def _known_value(name: str) -> str:
    if name not in VALUES:
        raise ValueError(unknown("value", name, VALUES))
    return name


def _known_figure(name: str) -> str:
    from gfopt.reproduction.gallery import kinds

    if name not in kinds:
        raise ValueError(unknown("figure", name, kinds))
    return name


def _different(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) < len(seeds):
        raise ValueError("seeds must differ")
    return seeds


Seeds = Annotated[
    tuple[Seed, ...],
    BeforeValidator(parse_seeds),
    Field(min_length=1),
    AfterValidator(_different),
]


class Measure(Options):
    """A quantity of one rule in one config, one value a seed."""

    config: Annotated[str, Field(description="name of a packaged config, or a YAML file")]
    label: Annotated[str, Field(description="of the rule's row in the config's table")]
    value: Annotated[str, AfterValidator(_known_value), Field(description="see `VALUES`")]
    seeds: Seeds = (1,)
    settings: Annotated[
        tuple[str, ...], Field(description="changes of the config, as --set takes them")
    ] = ()

    @model_validator(mode="after")
    def _times_one_seed(self) -> Measure:
        if self.timed and len(self.seeds) > 1:
            raise ValueError("seeds: a time is measured in repeats of one seed")
        return self

    @property
    def timed(self) -> bool:
        """Whether it is a time: measured in interleaved repeats, not read off the runs."""
        return VALUES[self.value].timed

    @property
    def runs(self) -> tuple[str, tuple[str, ...]]:
        """The config and its changes: measures that share them share runs."""
        return self.config, self.settings

    @property
    def place(self) -> str:
        """The config and its changes, for readers."""
        changes = f" with {', '.join(self.settings)}" if self.settings else ""
        return f"{Path(self.config).stem}{changes}"


class Claim(Options):
    """What every claim has, whatever its check."""

    id: Annotated[str, Field(pattern=r"^[\w-]+$", description="a short name, for --only")]
    system: Annotated[str, Field(description="whose claim it is: a heading of the report")]
    says: Annotated[str, Field(description="the claim in a sentence")]
    source: Annotated[str, Field(description="where it stands")]
    unit: str = ""
    of: Annotated[Measure, Field(description="what is claimed about")]
    long: Annotated[bool, Field(description="left out by --quick")] = False

    exact: ClassVar[bool] = False  # True: failing it ends the command with exit code 4

    @abstractmethod
    def judge(self, evidence: Evidence) -> Verdict:
        """The verdict that the evidence forces; raises Missing where there is none."""

    @abstractmethod
    def said(self) -> str:
        """What was published, in short."""


def measures_in(options: Options) -> list[Measure]:
    """The measures among some options, at any depth."""
    return [measure for _, measure in placed(options)]


def placed(value: Any, at: Path_ = ()) -> Iterator[tuple[Path_, Measure]]:
    """The measures in a value, each with its place."""
    if isinstance(value, Measure):
        yield at, value
    elif isinstance(value, tuple):
        for i, one in enumerate(value):
            yield from placed(one, (*at, i))
    elif isinstance(value, Options):
        for name in type(value).model_fields:
            yield from placed(getattr(value, name), (*at, name))


class Shown(Options):
    """A figure as a claims file asks for it."""

    kind: Annotated[
        str,
        AfterValidator(_known_figure),
        Field(description="of picture: see gfopt.reproduction.gallery"),
    ]
    file: Annotated[str, Field(pattern=r"^[\w-]+\.png$")]
    caption: str
    of: Annotated[tuple[Measure, ...], Field(min_length=1)]
    published: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _names_each_once(self) -> Shown:
        if len({measure.label for measure in self.of}) < len(self.of):
            raise ValueError("of: two have the same label, by which the figure names them")
        return self


@dataclass(frozen=True)
class Claims:
    """A claims file: its claims and the figures that go with them."""

    claims: list[Claim]
    figures: list[Shown]


def with_seeds(options: O, count: int, *, most: bool = False) -> O:
    """A claim or figure over so many seeds, where it is over several; `most`: at most so many."""

    def changed(measure: Measure) -> Measure:
        many = len(measure.seeds)
        if many == 1:
            return measure
        more = range(max(measure.seeds) + 1, max(measure.seeds) + 1 + count)
        seeds = (*measure.seeds, *more)[: min(count, many) if most else count]
        return measure.model_copy(update={"seeds": seeds})

    return mapped(options, changed)


def mapped(options: O, change: Callable[[Measure], Measure]) -> O:
    """The options with every measure in them changed, at any depth."""

    def walk(value: Any) -> Any:
        if isinstance(value, Measure):
            return change(value)
        if isinstance(value, tuple):
            return tuple(map(walk, value))
        return mapped(value, change) if isinstance(value, Options) else value

    fields = type(options).model_fields
    return options.model_copy(update={name: walk(getattr(options, name)) for name in fields})


def chosen(claims: list[Claim], only: list[str]) -> list[Claim]:
    """The claims whose id or system is named, or begins so; all where none is named."""
    for name in only:
        known = [known for c in claims for known in (c.id, c.system)]
        if not any(k.startswith(name) for k in known):
            raise UsageError(f"--only {name}: {unknown('claim or system', name, set(known))}")
    names = tuple(only) or ("",)
    return [c for c in claims if c.id.startswith(names) or c.system.startswith(names)]
