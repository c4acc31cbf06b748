"""YAML text -> plain values, the place of every value, and what is wrong with the text itself."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

KeyPath = tuple[str | int, ...]  # the keys and indices that lead to a value


@dataclass(frozen=True)
class Complaint:
    """One thing that is wrong: where in the values, and a sentence."""

    at: KeyPath
    message: str


@dataclass(frozen=True)
class YamlFile:
    """A parsed file: values, and line:column (from 1) of every key path."""

    name: str  # as messages call the file
    values: Any
    places: dict[KeyPath, str] = field(default_factory=dict)

    def is_overridden(self, path: KeyPath) -> bool:
        """Whether a value comes from an option instead of the file."""
        return self.places.get(path, "--").startswith("--")

    def locate(self, complaint: Complaint) -> str:
        """The complaint as `file:line:column: key: what is wrong`."""
        place = next(
            (
                self.places[complaint.at[:n]]
                for n in range(len(complaint.at), -1, -1)
                if complaint.at[:n] in self.places
            ),
            "1:1",
        )
        key = ".".join(map(str, complaint.at))
        where = place if place.startswith("--") else f"{self.name}:{place}"
        return f"{where}: {key}: {complaint.message}" if key else f"{where}: {complaint.message}"


_FLOAT, _INT = "tag:yaml.org,2002:float", "tag:yaml.org,2002:int"
_KEPT = {f"tag:yaml.org,2002:{kind}" for kind in ("bool", "null", "merge")}


class _Loader(yaml.SafeLoader):
    """The safe loader with YAML 1.2's numbers: 1e-3 is one, 1:30 and 2024-01-01 are text."""


_Loader.yaml_implicit_resolvers = {
    key: [(tag, pattern) for tag, pattern in found if tag in _KEPT]
    for key, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern in (
    (_INT, r"[-+]?(0|[1-9]\d*)"),
    (_FLOAT, r"[-+]?((\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|\.(inf|Inf|INF))|\.(nan|NaN|NAN)"),
):
    _Loader.add_implicit_resolver(_tag, re.compile(f"^({_pattern})$"), list("-+.0123456789"))


def parse(text: str, name: str) -> tuple[YamlFile, list[Complaint]]:
    """The values of a YAML text and what is wrong with it: syntax, duplicates, NaN, infinity."""
    try:
        values = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
        node = yaml.compose(text, _Loader)
        nodes = list(_walk(node, ())) if node else []
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        file = YamlFile(name, None, {(): place})
        return file, [Complaint((), f"not YAML: {_explain(error)}")]
    except (yaml.YAMLError, ValueError) as error:  # a forbidden character, !!int x: no mark
        said = " ".join(str(error).split())
        return YamlFile(name, None), [Complaint((), f"not YAML: {said}")]
    if values is None:
        said = "the file is empty: `gfopt new NAME` writes an example"
        return YamlFile(name, None), [Complaint((), said)]
    places: dict[KeyPath, str] = {}
    complaints = []
    for path, at, message in nodes:
        places.setdefault(path, f"{at.start_mark.line + 1}:{at.start_mark.column + 1}")
        if message:
            complaints.append(Complaint(path, message))
    return YamlFile(name, values, places), complaints


def _explain(error: yaml.MarkedYAMLError) -> str:
    """The parser's words, with a way out of frequent slips."""
    problem = error.problem or ""
    if "'\\t'" in problem:
        return "a tab can't indent: use spaces"
    if problem.startswith("mapping values are not allowed"):
        return f"{problem}: put a text with `: ` in quotes, or begin a new line"
    hint = ": close every bracket" if "flow" in (error.context or "") else ""
    return " ".join(filter(None, (error.context, problem))) + hint


def _walk(
    node: yaml.Node, path: KeyPath, above: tuple[yaml.Node, ...] = ()
) -> Iterator[tuple[KeyPath, yaml.Node, str | None]]:
    """Every value's path and node, depth first, with what is wrong with it."""
    if node in above:
        said = "an alias refers to an anchor that contains it"
        raise yaml.MarkedYAMLError(problem=said, problem_mark=node.start_mark)
    yield path, node, _check_finite(node)
    if isinstance(node, yaml.SequenceNode):
        for i, child in enumerate(node.value):
            yield from _walk(child, (*path, i), (*above, node))
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, child in node.value:
            inner = (*path, str(key.value))
            if key.value in seen:
                yield inner, key, f"duplicate key, again in line {key.start_mark.line + 1}"
            seen.add(key.value)
            yield from _walk(child, inner, (*above, node))


def _check_finite(node: yaml.Node) -> str | None:
    """What is wrong with a number that is NaN or infinite."""
    if node.tag != _FLOAT:
        return None
    finite = node.value.strip("+-.").lower() not in ("inf", "nan") and math.isfinite(
        float(node.value)
    )
    return None if finite else f"must be a finite number (got {node.value})"
