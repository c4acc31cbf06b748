"""What `gfopt tune` may choose for a rule's options: each rule declares it as its `space`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gfopt.errors import unknown

if TYPE_CHECKING:
    from gfopt.optimizers.base import Optimizer


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both included."""

    low: float
    high: float
    log: bool = True  # as many between 0.01 and 0.1 as between 0.1 and 1
    whole: bool = False
    mirror: str | None = None  # an option that takes the same number with the other sign

    def ends(self) -> tuple[Any, ...]:
        """The values between which all others lie."""
        return self.low, self.high


@dataclass(frozen=True)
class Choice:
    """One of these values."""

    values: tuple[Any, ...]

    def ends(self) -> tuple[Any, ...]:
        """All of them."""
        return self.values


Space = Mapping[str, Range | Choice]  # by option


def searchable(rule: Optimizer) -> set[str]:
    """The options of a rule that a config's `tune:` may give a range."""
    return {*type(rule).model_fields, *(rule.model_extra or {}), *type(rule).space}


def strays(names: Iterable[str], rules: Iterable[Optimizer]) -> Iterator[tuple[str, str]]:
    """Each name that none of the rules has as an option, with the sentence on it."""
    known = {option for rule in rules for option in searchable(rule)}
    return ((name, unknown("option", name, known)) for name in names if name not in known)
