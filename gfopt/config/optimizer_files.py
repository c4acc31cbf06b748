"""Optimizers from the user's files: a class with init and step, or make_model and train_step."""

from __future__ import annotations

import ast
import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType

from gfopt.errors import UsageError
from gfopt.optimizers.base import Optimizer
from gfopt.optimizers.module_optimizer import make_module_optimizer


def load_optimizer(path: Path) -> type[Optimizer]:
    """The optimizer that a user's file defines.

    Raises UsageError if the file can't be imported, or doesn't define exactly one whole optimizer.
    """
    module = _import_file(path)
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Optimizer)
        and value.__module__ == module.__name__
    ]
    if len(classes) > 1:
        names = ", ".join(kind.__name__ for kind in classes)
        raise UsageError(f"{path}: defines {len(classes)} optimizers ({names}): keep one per file")
    if not classes and not {"make_model", "train_step"} <= vars(module).keys():
        raise UsageError(
            f"{path}: defines no optimizer: write a class (gfopt.Optimizer) with init and step, "
            "or make_model() and train_step(model, batch, state)"
        )
    kind = classes[0] if classes else make_module_optimizer(module)
    if inspect.isabstract(kind):
        missing = " and ".join(sorted(kind.__abstractmethods__))
        raise UsageError(f"{path}: {kind.__name__} has no {missing}: define it")
    return kind


def _import_file(path: Path) -> ModuleType:
    """Import a file as it is now, under a name of its own; cached bytecode could be stale."""
    module = ModuleType(f"gfopt_user_{path.stem}_{abs(hash(path.resolve()))}")
    module.__file__ = str(path)
    _allow_imports_beside(path)
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


def _allow_imports_beside(path: Path) -> None:
    """Let a file import the files beside it, as they are now."""
    folder = str(path.parent.resolve())
    if folder not in sys.path:
        sys.path.append(folder)
    beside = {str(file.resolve()) for file in find_imports(path)}
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) in beside and name != "__main__":
            del sys.modules[name]


def find_imports(path: Path) -> list[Path]:
    """A user's file, and the files beside it that it imports, directly or not."""
    found = [path]
    for file in found:  # grows on the way
        found += [other for other in _list_imports(file, path.parent) if other not in found]
    return found


def _list_imports(file: Path, folder: Path) -> list[Path]:
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
