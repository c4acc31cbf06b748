"""Run ids: SHA-256 of all that can change a run's numbers or seconds, and of nothing else.

In: the record schema, the optimizer with its options, the source that computes them, data
fingerprint, model, loss, seed, precision, device kind, code path, batch, repeat, targets, budget,
reading.
Out: labels, paths, threads, software versions, the other optimizers of the file and their order
(recorded instead). Ids need neither torch nor the data's arrays.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfopt import activations, clock, cosine, initializers, losses, problem, rng, tally, target
from gfopt.compiled import compiled
from gfopt.config.rule_files import with_imports
from gfopt.datasets import prepare
from gfopt.optimizers import base
from gfopt.paths import COMPILED, GRAPH, PLAIN
from gfopt.records import SCHEMA

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment

_PACKAGE = Path(__file__).parent
# what computes a run's numbers and seconds, whatever the rule and the data set
_NUMERICAL = [
    *(
        Path(str(m.__file__))
        for m in (activations, base, clock, cosine, initializers, losses, problem, rng)
    ),
    *(Path(str(m.__file__)) for m in (tally, target)),
    Path(inspect.getfile(prepare)),
    *(
        _PACKAGE / name
        for name in (
            "batches.py",
            "device_noise.py",
            "engine.py",
            "progress.py",
            "readings.py",
            "task.py",
            "optimizers/module_rule.py",
            "optimizers/schedule.py",
        )
    ),
]


def identity(
    experiment: Experiment,
    entry: Entry,
    seed: int,
    device_kind: str,
    path: str = PLAIN,
    *,
    alone: bool = True,
    repeat: int = 1,
) -> dict[str, Any]:
    """Everything that the run's id stands for, as plain values.

    `alone`: not in one batch with other seeds, so that its seconds count. `repeat`: which of
    several equal runs.
    """
    conditions = experiment.conditions()
    dataset = {k: v for k, v in conditions.pop("dataset").items() if k not in ("name", "file")}
    return {
        "record_schema": SCHEMA,
        "optimizer": entry.settings() | ({} if entry.file else {"name": entry.name}),
        "source": source_digest(
            *_rule_files(entry, path), Path(inspect.getfile(type(experiment.dataset)))
        ),
        "data": {"fingerprint": experiment.dataset.fingerprint(), "options": dataset},
        "seed": seed,
        "device": device_kind,
        "path": path,
        "replicas": 1 if alone else "batch",
        "repeat": repeat,
        **conditions,
    }


def digest(values: Any) -> str:
    """SHA-256 of the values' canonical JSON: sorted keys, no spaces, shortest numbers."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def source_digest(*files: Path) -> str:
    """SHA-256 of the parsed source of these files and of gfopt's numerical modules."""
    return digest([_parsed(path.read_bytes()) for path in (*_NUMERICAL, *files)])


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The dotted keys in which two identities differ."""
    flat, against = dict(_flat(one)), dict(_flat(other))
    return sorted(k for k in flat.keys() | against.keys() if flat.get(k) != against.get(k))


def _rule_files(entry: Entry, path: str) -> list[Path]:
    """The rule's file and its kernels'; a user's with what it imports from beside itself."""
    frozen = [_PACKAGE / "frozen.py"] if entry.frozen_hidden else []
    if entry.file:
        return [*with_imports(entry.file), *frozen]
    assert entry.made
    files = {Path(inspect.getfile(type(rule))): None for rule in entry.made.family()}
    names = [file.name for file in files]
    files |= dict.fromkeys(frozen)
    if path == GRAPH:
        files[_PACKAGE / "graphs.py"] = None
    if path == COMPILED:
        loops = compiled[entry.name]
        files[Path(inspect.getfile(loops))] = None
        names += [f"{kernel}.py" for kernel in loops.kernels]
    kernels = [_PACKAGE / "kernels" / name for name in dict.fromkeys(names)]
    return [*files, *(kernel for kernel in kernels if kernel.is_file())]


@cache
def _parsed(source: bytes) -> str:
    """The digest of a file's syntax tree: comments, docstrings and layout don't count."""
    with suppress(SyntaxError, ValueError):  # told when the file is imported
        source = repr(_shape(ast.parse(source))).encode("utf-8")
    return hashlib.sha256(source).hexdigest()


def _shape(node: Any) -> Any:
    """A node as nested tuples, without places, empty fields, docstrings; alike in every Python."""
    if isinstance(node, list):
        return tuple(_shape(child) for child in node)
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, _that_computes(node, value)) for name, value in ast.iter_fields(node)]
    kept = tuple(
        (n, _shape(v))
        for n, v in fields
        if n not in ("kind", "type_comment") and v not in (None, [])
    )
    return type(node).__name__, kept


def _that_computes(node: ast.AST, value: Any) -> Any:
    """Of a node's statements those that can change a number: no docstring, no space of a tuning."""
    value = _without_docstring(node, value)
    return [v for v in value if not _of_a_space(v)] if isinstance(value, list) else value


def _of_a_space(node: Any) -> bool:
    """Whether a statement is `space: ClassVar[Space] = ...`, or the import for it."""
    if isinstance(node, ast.AnnAssign):
        return any(isinstance(n, ast.Name) and n.id == "Space" for n in ast.walk(node.annotation))
    return isinstance(node, ast.ImportFrom) and node.module == "gfopt.space"


def _without_docstring(node: ast.AST, value: Any) -> Any:
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    if isinstance(node, owners) and isinstance(value, list) and value and value[0] in node.body[:1]:
        return value[1:] if ast.get_docstring(node, clean=False) is not None else value
    return value


def _flat(values: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(values, dict):
        yield at, values
        return
    for key, value in values.items():
        yield from _flat(value, f"{at}.{key}" if at else str(key))
