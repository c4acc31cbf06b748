"""Every error that a user can cause is a GfoptError with an exit code.

A message says what is wrong, where, and what to write instead. Only the command line prints it.
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
    CONDITION_UNMET = 4  # a condition requested by an option wasn't met
    DATA_MISSING = 5  # missing, damaged or foreign data files
    INCONCLUSIVE = 6  # too little data for a verdict
    INTERRUPTED = 130


class GfoptError(Exception):
    """An error with a message for the user."""

    exit_code = ExitCode.UNEXPECTED


class UsageError(GfoptError):
    """A wrong command line, config or option."""

    exit_code = ExitCode.USAGE


class RunFailedError(GfoptError):
    """A training run that raised."""

    exit_code = ExitCode.RUN_FAILED


class DataError(GfoptError):
    """A data file that is missing, damaged or of another content than expected."""

    exit_code = ExitCode.DATA_MISSING


class UnknownNameError(UsageError, KeyError):
    """A name that isn't in a registry, section or list."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(describe_unknown(kind, name, known))

    def __str__(self) -> str:  # KeyError would print the message's repr
        return str(self.args[0])


def describe_unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The message for an unknown name: the nearest known one, then all of them."""
    known = sorted(known)
    near = get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"unknown {kind} {name!r}.{hint} Known: {', '.join(known)}."
