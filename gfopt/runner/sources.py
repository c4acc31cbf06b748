"""The digest of the sources that compute a run, found by following their imports.

Only numerical packages count: what else a file imports (options, errors, records) can't change a
result. Comments, docstrings, layout and search spaces don't count. Between gfopt's own files import
statements don't count either, so that moving a file changes no digest; in a user's file they do.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import gfopt

_PACKAGE = Path(gfopt.__file__).resolve().parent
NUMERICAL = ("numerics", "model", "optimizers", "datasets", "engine", "backends")


def digest_sources(roots: Iterable[Path]) -> str:
    """SHA-256 of the parsed source of these files and of the numerical files that they import."""
    digests = sorted(
        _digest_source(path.read_bytes(), ours=path.is_relative_to(_PACKAGE))
        for path in find_sources(roots)
    )
    return hashlib.sha256(json.dumps(digests).encode("utf-8")).hexdigest()


def find_sources(roots: Iterable[Path]) -> list[Path]:
    """The roots, and the numerical files that they import, directly or by way of others."""
    found = list(dict.fromkeys(path.resolve() for path in roots))
    known = set(found)
    for path in found:  # the list grows
        new = [other for other in _find_imports(path.read_bytes()) if other not in known]
        found += new
        known.update(new)
    return found


def find_public_sources() -> list[Path]:
    """The numerical files of gfopt's public names, which a user's optimizer may call."""
    modules = dict.fromkeys(gfopt.PUBLIC.values())
    return [path for module in modules for path in _list_numerical_files(module)]


@cache
def _find_imports(source: bytes) -> tuple[Path, ...]:
    """The numerical files that a source imports at run time, anywhere in the file."""
    names: list[str] = []
    for node in _walk_run_time(_parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    files = (path for name in names for path in _list_numerical_files(name))
    return tuple(dict.fromkeys(files))


def _list_numerical_files(name: str) -> Iterator[Path]:
    """The numerical files that `import gfopt.a.b.name` runs; a name in a module is none."""
    parts = name.split(".")
    if parts[0] != "gfopt" or len(parts) == 1 or parts[1] not in NUMERICAL:
        return
    for n in range(1, len(parts)):
        place = _PACKAGE.joinpath(*parts[1 : n + 1])
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                yield path


def _parse(source: bytes) -> ast.Module:
    """The syntax tree; empty if it isn't Python: the import reports that."""
    with suppress(SyntaxError, ValueError):
        return ast.parse(source)
    return ast.Module([], [])


def _walk_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under `if TYPE_CHECKING:`."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not _is_type_checking(child):
            yield from _walk_run_time(child)


@cache
def _digest_source(source: bytes, *, ours: bool) -> str:
    """The digest of what a file computes; of its bytes if it isn't Python. `ours`: gfopt's file."""
    with suppress(SyntaxError, ValueError):
        source = repr(_simplify(ast.parse(source), ours=ours)).encode("utf-8")
    return hashlib.sha256(source).hexdigest()


def _simplify(node: Any, *, ours: bool) -> Any:
    """A node as nested tuples, without positions, empty fields and what can't change a result.

    The tuples are the same in every version of Python.
    """
    if isinstance(node, list):
        return tuple(_simplify(child, ours=ours) for child in node)
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(n, _select_computing(node, v, ours=ours)) for n, v in ast.iter_fields(node)]
    kept = tuple(
        (n, _simplify(v, ours=ours))
        for n, v in fields
        if n not in ("kind", "type_comment") and v not in (None, [])
    )
    return type(node).__name__, kept


def _select_computing(node: ast.AST, value: Any, *, ours: bool) -> Any:
    """A field of a node; of statements, those that can change a result."""
    if not isinstance(value, list):
        return value
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    if isinstance(node, owners) and value and value[0] in node.body[:1]:
        value = value[1:] if ast.get_docstring(node, clean=False) is not None else value
    drops = [_is_search_space, _is_type_checking, *([_is_own_import] if ours else [])]
    return [v for v in value if not any(drop(v) for drop in drops)]


def _is_search_space(node: Any) -> bool:
    """Whether a statement is `space: ClassVar[Space] = ...` or the like."""
    if not isinstance(node, ast.AnnAssign):
        return False
    return any(isinstance(n, ast.Name) and n.id == "Space" for n in ast.walk(node.annotation))


def _is_own_import(node: Any) -> bool:
    if isinstance(node, ast.Import):
        return all(alias.name.split(".")[0] == "gfopt" for alias in node.names)
    return isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gfopt"


def _is_type_checking(node: Any) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
