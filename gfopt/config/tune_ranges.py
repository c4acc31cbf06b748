"""The config's `tune:` ranges: which options of its optimizers they may name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gfopt.errors import describe_unknown

if TYPE_CHECKING:
    from gfopt.optimizers.base import Optimizer


def list_tunable_options(optimizer: Optimizer) -> set[str]:
    """The options of an optimizer that a config's `tune:` may give a range."""
    kind = type(optimizer)
    return {*kind.model_fields, *(optimizer.model_extra or {}), *kind.space}


def find_unknown_ranges(
    names: Iterable[str], optimizers: Iterable[Optimizer]
) -> Iterator[tuple[str, str]]:
    """Each name that is an option of none of these optimizers, with an error message."""
    known = {option for optimizer in optimizers for option in list_tunable_options(optimizer)}
    return ((name, describe_unknown("option", name, known)) for name in names if name not in known)
