"""Search spaces of `gfopt tune`: each optimizer declares one as its `space`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both included."""

    low: float
    high: float
    log: bool = True  # uniform in the logarithm
    whole: bool = False
    mirror: str | None = None  # an option that gets the same number with the opposite sign

    def ends(self) -> tuple[Any, ...]:
        """The lowest and the highest value."""
        return self.low, self.high


@dataclass(frozen=True)
class Choice:
    """One of these values."""

    values: tuple[Any, ...]

    def ends(self) -> tuple[Any, ...]:
        """All values: there is nothing between them."""
        return self.values


Space = Mapping[str, Range | Choice]  # keyed by option
