"""Rules from the user's files: a class with init and step, or make_model and train_step."""

from __future__ import annotations

import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from gfopt.errors import UsageError
from gfopt.optimizers.base import Optimizer
from gfopt.optimizers.module_rule import module_rule


def load_rule(path: Path) -> type[Optimizer]:
    """The rule that a user's file holds; UsageError where it holds none that is whole."""
    module = _module(path)
    found = [c for c in vars(module).values() if _is_rule(c, module)]
    if len(found) > 1:
        names = ", ".join(c.__name__ for c in found)
        raise UsageError(f"{path}: holds {len(found)} rules ({names}); keep one in a file")
    if not found and not {"make_model", "train_step"} <= vars(module).keys():
        raise UsageError(
            f"{path}: holds no rule. Write a class (gfopt.Optimizer) with init and step, "
            "or make_model() and train_step(model, batch, state)"
        )
    kind = found[0] if found else module_rule(module)
    if inspect.isabstract(kind):
        missing = " and ".join(sorted(kind.__abstractmethods__))
        raise UsageError(f"{path}: {kind.__name__} has no {missing}")
    return kind


def _module(path: Path) -> ModuleType:
    """Import a file as it is now, under a name of its own; cached bytecode could be stale."""
    module = ModuleType(f"gfopt_user_{path.stem}_{abs(hash(path.resolve()))}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where pydantic looks up a class's annotations
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), vars(module))  # noqa: S102
    except (Exception, SystemExit) as error:
        lines = [
            f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)
        ]
        place = f"{path}:{lines[-1]}" if lines else str(path)
        raise UsageError(
            f"{place}: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
        ) from error
    return module


def _is_rule(found: Any, module: ModuleType) -> bool:
    """A rule class that the file itself defines."""
    return (
        inspect.isclass(found)
        and issubclass(found, Optimizer)
        and found.__module__ == module.__name__
    )
