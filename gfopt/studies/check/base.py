"""What a check is: the name of a promise, and a function that finds out how it is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gfopt.studies.check.optimizer_under_test import OptimizerUnderTest

FindFault = Callable[[OptimizerUnderTest], str | None]


@dataclass(frozen=True)
class Check:
    """One promise of the optimizer contract."""

    name: str
    find_fault: FindFault  # the fault in a sentence, or None; may raise the optimizer's CallError
    requires: tuple[str, ...]  # names of checks that must pass first
    for_modules: bool  # whether make_model and train_step can be checked too
    applies: Callable[[OptimizerUnderTest], bool]  # whether the optimizer makes this promise
    undetected: str  # what breaks the promise without being noticed


@dataclass(frozen=True)
class CheckResult:
    """The result of a check: passed, failed (with a sentence), or None: skipped."""

    check: str
    passed: bool | None
    sentence: str = ""
    trace: str = ""  # the traceback of the optimizer's error


CHECKS: list[Check] = []  # in the order in which they run


def check(
    name: str,
    *,
    requires: tuple[str, ...] = (),
    for_modules: bool = False,
    applies: Callable[[OptimizerUnderTest], bool] = lambda subject: True,
    undetected: str = "",
) -> Callable[[FindFault], FindFault]:
    """Register a function as the check of this name."""

    def register(find_fault: FindFault) -> FindFault:
        CHECKS.append(Check(name, find_fault, requires, for_modules, applies, undetected))
        return find_fault

    return register
