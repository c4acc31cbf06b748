"""What a check is: a promise by name, and a function that says in a sentence how it is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gfopt.checking.subject import Subject

Look = Callable[["Subject"], str | None]


@dataclass(frozen=True)
class Check:
    """One promise."""

    name: str
    look: Look  # what is wrong, in a sentence; None: nothing. It may raise the rule's own Mishap
    needs: tuple[str, ...]  # names of checks without which this one says nothing
    modules: bool  # whether it can be tried on make_model and train_step
    asked: Callable[[Subject], bool]  # whether the rule makes this promise
    unseen: str  # what breaks the promise and isn't noticed


@dataclass(frozen=True)
class Verdict:
    """What came of a check: holds, doesn't (with a sentence), or None: it wasn't made."""

    check: str
    holds: bool | None
    sentence: str = ""
    trace: str = ""  # of what the rule raised


CHECKS: list[Check] = []  # in the order they are made in


def check(
    name: str,
    *,
    needs: tuple[str, ...] = (),
    modules: bool = False,
    asked: Callable[[Subject], bool] = lambda subject: True,
    unseen: str = "",
) -> Callable[[Look], Look]:
    """A decorator that puts a function among the checks, under the promise's name."""

    def put(look: Look) -> Look:
        CHECKS.append(Check(name, look, needs, modules, asked, unseen))
        return look

    return put
