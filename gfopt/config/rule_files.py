"""Rules from the user's files: a class with init and step, or make_model and train_step."""

from __future__ import annotations

import ast
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
    _open_folder(path)
    sys.modules[module.__name__] = module  # where pydantic looks up a class's annotations
    try:
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
        exec(code, vars(module))  # noqa: S102
    except (Exception, SystemExit) as error:
        lines = [
            f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)
        ]
        place = f"{path}:{lines[-1]}" if lines else str(path)
        raise UsageError(
            f"{place}: {type(error).__name__}: {str(error).partition(chr(10))[0]}"
        ) from error
    return module


def _open_folder(path: Path) -> None:
    """Let the rule import what lies beside it, as it is now."""
    folder = str(path.parent.resolve())
    if folder not in sys.path:
        sys.path.append(folder)
    beside = {str(file.resolve()) for file in with_imports(path)}
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) in beside and name != "__main__":
            del sys.modules[name]


def with_imports(path: Path) -> list[Path]:
    """A user's file, and those beside it that it imports, or that they import."""
    found = [path]
    for file in found:  # grows on the way
        found += [other for other in _imported(file, path.parent) if other not in found]
    return found


def _imported(file: Path, folder: Path) -> list[Path]:
    """The files of a folder that a file imports."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return []
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    places = [folder.joinpath(*name.split(".")) for name in names]
    files = [f for place in places for f in (place.with_suffix(".py"), place / "__init__.py")]
    return [f for f in dict.fromkeys(files) if f.is_file()]


def _is_rule(found: Any, module: ModuleType) -> bool:
    """A rule class that the file itself defines."""
    return (
        inspect.isclass(found)
        and issubclass(found, Optimizer)
        and found.__module__ == module.__name__
    )
