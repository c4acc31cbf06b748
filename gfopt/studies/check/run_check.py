"""gfopt check: load an optimizer by name or file and run every check of what it promises."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from gfopt.config.optimizer_files import load_optimizer
from gfopt.config.overrides import override
from gfopt.config.validation import validate
from gfopt.config.yaml_file import YamlFile
from gfopt.errors import UsageError
from gfopt.optimizers.base import optimizers
from gfopt.studies.check import checks, declared, side_effects
from gfopt.studies.check.base import CHECKS, Check, CheckResult
from gfopt.studies.check.calls import CallError
from gfopt.studies.check.optimizer_under_test import OptimizerUnderTest

CHECK_FILES = (checks, side_effects, declared)  # importing them fills CHECKS
STATE_CHECKS = "checks of the state"  # what can't be checked on make_model and train_step


def load_optimizer_under_test(given: str, settings: list[str]) -> OptimizerUnderTest:
    """Load the optimizer of a file, or the registered one of this name, with its hyperparameters.

    `settings` are texts KEY=VALUE. Raises UsageError if there is no such optimizer, or with every
    invalid hyperparameter.
    """
    path = Path(given)
    if path.suffix != ".py":
        kind = optimizers[given]
        path = Path(str(sys.modules[kind.__module__].__file__))
    elif path.is_file():
        kind = load_optimizer(path)
    else:
        raise UsageError(f"{given}: no such file")
    optimizer, complaints = validate(kind, override(YamlFile(given, {}), settings).values)
    if optimizer is None:
        wrong = [f"{given}: {'.'.join(map(str, c.at))}: {c.message}" for c in complaints]
        raise UsageError("\n".join(wrong) + "\nset hyperparameters with --set KEY=VALUE")
    return OptimizerUnderTest(optimizer, path)


def run_checks(subject: OptimizerUnderTest) -> Iterator[CheckResult]:
    """Run each check that applies to the optimizer and yield its result, then what was skipped."""
    results: dict[str, bool | None] = {}
    for check in CHECKS:
        if (check.for_modules or not subject.is_module) and check.applies(subject):
            result = _run_check(check, subject, results)
            results[check.name] = result.passed
            yield result
    if subject.is_module:
        reason = (
            "make_model and train_step keep their memory in Python objects, and their passes "
            "are not counted"
        )
        yield CheckResult(STATE_CHECKS, None, f"skipped ({reason})")
    elif results.get(checks.VALID_HYPERPARAMETERS):
        for problem, error in subject.refused.items():
            yield CheckResult(problem, None, f"skipped ({error})")


def _run_check(
    check: Check, subject: OptimizerUnderTest, results: dict[str, bool | None]
) -> CheckResult:
    """Run a check, or skip it if one that it requires has not passed."""
    if missing := [name for name in check.requires if not results.get(name)]:
        return CheckResult(check.name, None, f"skipped (requires: {missing[0]})")
    try:
        fault = check.find_fault(subject)
    except CallError as error:
        return CheckResult(check.name, False, str(error), error.trace)
    if fault:
        return CheckResult(check.name, False, fault)
    sentence = f"not detected: {check.undetected}" if check.undetected else ""
    return CheckResult(check.name, True, sentence)
