"""From a rule's name or file to the verdicts of all checks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gfopt.checking import checks, claims  # noqa: F401 - claims puts its checks beside them
from gfopt.checking.base import CHECKS, Check, Verdict
from gfopt.checking.subject import Mishap, Subject
from gfopt.config.overrides import override
from gfopt.config.rule_files import load_rule
from gfopt.config.source import Source
from gfopt.config.validation import validate
from gfopt.errors import UsageError
from gfopt.optimizers.base import Optimizer, optimizers

OF_MODULES = "what only a state of tensors shows"


def subject_of(given: str, settings: list[str]) -> Subject:
    """The rule of a file, or of that name in the registry, with its options.

    Raises UsageError where there is none, or where the options aren't the rule's.
    """
    kind, path = _kind(given)
    values = override(Source(given, {}), settings).values
    rule, complaints = validate(kind, values)
    if rule is None:
        wrong = [f"{given}: {'.'.join(map(str, c.at))}: {c.message}" for c in complaints]
        raise UsageError("\n".join(wrong) + "\ngive options by --set KEY=VALUE")
    return Subject(rule, given, path)


def _kind(given: str) -> tuple[type[Optimizer], Path]:
    """The class, and the file that it stands in."""
    path = Path(given)
    if path.suffix != ".py":
        kind = optimizers[given]
        return kind, Path(str(_home(kind)))
    if not path.is_file():
        raise UsageError(f"{given}: no such file")
    return load_rule(path), path


def _home(kind: type[Optimizer]) -> Any:
    import sys

    return sys.modules[kind.__module__].__file__


def verdicts(subject: Subject) -> Iterator[Verdict]:
    """Each check of what the rule promises, as it is made."""
    held: dict[str, bool | None] = {}
    for one in CHECKS:
        if (one.modules or not subject.module) and one.asked(subject):
            verdict = _made(one, subject, held)
            held[one.name] = verdict.holds
            yield verdict
    yield from _not_made(subject, held)


def _made(one: Check, subject: Subject, held: dict[str, bool | None]) -> Verdict:
    """A check's verdict; where it needs another that doesn't hold, none."""
    if missing := [name for name in one.needs if not held.get(name)]:
        return Verdict(one.name, None, f"not made, it needs: {missing[0]}")
    try:
        wrong = one.look(subject)
    except Mishap as mishap:
        return Verdict(one.name, False, str(mishap), mishap.trace)
    if wrong:
        return Verdict(one.name, False, wrong)
    return Verdict(one.name, True, f"not seen: {one.unseen}" if one.unseen else "")


def _not_made(subject: Subject, held: dict[str, bool | None]) -> Iterator[Verdict]:
    """What couldn't be tried on this rule, and why."""
    if subject.module:
        yield Verdict(
            OF_MODULES,
            None,
            "not made: the memory of make_model and train_step is Python objects, their passes "
            "aren't counted",
        )
    elif held.get(checks.OPTIONS):
        for name, why in subject.refused.items():
            yield Verdict(name, None, f"not tried: {why}")
