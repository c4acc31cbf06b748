"""Claims as data: what a publication says, where, and which runs can show it. No torch.

A claims file is YAML: a list under `claims`, each with a `check` that says how to judge it (a file
of gfopt.studies.reproduce.checks) and one or more measures; and a list under `figures`, each with a
`kind` (a file of gfopt.studies.reproduce.figures). `gfopt reproduce --claims FILE` reads it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field, model_validator

from gfopt.errors import UsageError, describe_unknown
from gfopt.options import Options
from gfopt.registry import Registry
from gfopt.studies.reproduce.evidence import Evidence
from gfopt.studies.reproduce.measures import Measure
from gfopt.studies.reproduce.verdicts import ClaimVerdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    DrawFigure = Callable[["FigureRequest", Evidence], Figure]

checks: Registry[type[Claim]] = Registry("check", "gfopt.studies.reproduce.checks")
figure_kinds: Registry[DrawFigure] = Registry("figure", "gfopt.studies.reproduce.figures")


class Claim(Options):
    """What every claim has, whatever its check."""

    id: Annotated[str, Field(pattern=r"^[\w-]+$", description="a short name, for --only")]
    system: Annotated[str, Field(description="whose claim it is: a heading of the report")]
    says: Annotated[str, Field(description="the claim in a sentence")]
    source: Annotated[str, Field(description="publication and place in it")]
    unit: str = ""
    of: Annotated[Measure, Field(description="what the claim is about")]
    long: Annotated[bool, Field(description="skipped by --quick")] = False

    exact: ClassVar[bool] = False  # True: if it fails, the command ends with exit code 4

    @abstractmethod
    def judge(self, evidence: Evidence) -> ClaimVerdict:
        """The verdict. Raises MissingEvidence if there is nothing to judge by."""

    @abstractmethod
    def describe_published(self) -> str:
        """What the publication says, in short: a number, a ratio, an order."""


def _check_figure_kind(name: str) -> str:
    if name not in figure_kinds:
        raise ValueError(describe_unknown("figure", name, figure_kinds))
    return name


class FigureRequest(Options):
    """A figure as a claims file asks for it."""

    kind: Annotated[
        str,
        AfterValidator(_check_figure_kind),
        Field(description="a file of gfopt.studies.reproduce.figures"),
    ]
    file: Annotated[str, Field(pattern=r"^[\w-]+\.png$")]
    caption: str
    of: Annotated[tuple[Measure, ...], Field(min_length=1)]
    published: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _check_labels(self) -> FigureRequest:
        if len({measure.label for measure in self.of}) < len(self.of):
            raise ValueError("of: two measures have the same label; a figure needs different ones")
        return self


@dataclass(frozen=True)
class Claims:
    """A claims file: its claims and the figures that go with them."""

    claims: list[Claim]
    figures: list[FigureRequest]


def select_claims(claims: list[Claim], only: list[str]) -> list[Claim]:
    """The claims whose id or system starts with one of these names; all claims without names.

    Raises UsageError if no claim and no system starts with a name.
    """
    for name in only:
        known = [known for claim in claims for known in (claim.id, claim.system)]
        if not any(k.startswith(name) for k in known):
            raise UsageError(
                f"--only {name}: {describe_unknown('claim or system', name, set(known))}"
            )
    names = tuple(only) or ("",)
    return [c for c in claims if c.id.startswith(names) or c.system.startswith(names)]
