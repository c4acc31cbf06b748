"""What can go wrong, in one tree: every error a user can cause is a GfoptError with an exit code.

A message says what is wrong, where, and what would be right. Only the command line prints it.
"""

from __future__ import annotations

from difflib import get_close_matches
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    """The exit codes of every gfopt command."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2  # a wrong command line or config
    RUN_FAILED = 3
    CONDITION_UNMET = 4  # something asked for with a flag did not hold
    DATA_MISSING = 5  # missing, damaged or foreign data files
    INCONCLUSIVE = 6  # not enough to judge by
    INTERRUPTED = 130


class GfoptError(Exception):
    """A mistake or mishap that has a sentence for the user."""

    exit_code = ExitCode.UNEXPECTED


class UsageError(GfoptError):
    """A command line, config or option that can't be right."""

    exit_code = ExitCode.USAGE


class RunFailedError(GfoptError):
    """A training run that raised."""

    exit_code = ExitCode.RUN_FAILED


class DataError(GfoptError):
    """Data files that are missing, damaged or not what they are said to be."""

    exit_code = ExitCode.DATA_MISSING


class UnknownNameError(UsageError, KeyError):
    """A name that no registry, section or list knows."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(unknown(kind, name, known))

    def __str__(self) -> str:  # KeyError would print the message's repr
        return str(self.args[0])


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The sentence for an unknown name: the nearest valid one, then all of them."""
    known = sorted(known)
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"unknown {kind} {name!r}.{hint} Known: {', '.join(known)}."
