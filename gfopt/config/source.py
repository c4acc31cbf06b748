"""YAML text -> plain values, with the place of every value, and complaints about the text itself."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

Path_ = tuple[str | int, ...]  # the keys and indices that lead to a value


@dataclass(frozen=True)
class Complaint:
    """One thing that is wrong: where in the values, and a sentence."""

    at: Path_
    message: str


@dataclass(frozen=True)
class Source:
    """A parsed file: values, and line:column (from 1) of every key path."""

    name: str  # how messages call the file
    values: Any
    places: dict[Path_, str] = field(default_factory=dict)

    def sentence(self, complaint: Complaint) -> str:
        """file:line:column: key: what is wrong."""
        place = next(
            (self.places[complaint.at[:n]] for n in range(len(complaint.at), -1, -1)
             if complaint.at[:n] in self.places),
            "1:1",
        )
        key = ".".join(map(str, complaint.at))
        where = place if place.startswith("--") else f"{self.name}:{place}"
        return f"{where}: {key}: {complaint.message}" if key else f"{where}: {complaint.message}"


class _Loader(yaml.SafeLoader):
    """The safe loader with YAML 1.2's floats: 1e-3 is a number."""


_Loader.yaml_implicit_resolvers = {
    key: list(found) for key, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?$"),
    list("-+.0123456789"),
)


def parse(text: str, name: str) -> tuple[Source, list[Complaint]]:
    """The values of a YAML text and what is wrong with the text: syntax, duplicates, NaN, infinity."""
    try:
        node = yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        return _broken(name, error)
    except yaml.YAMLError as error:  # a character that YAML doesn't allow: no mark
        return Source(name, None), [Complaint((), f"not YAML: {' '.join(str(error).split())}")]
    if node is None:
        return Source(name, None), [Complaint((), "the file is empty: `gfopt new NAME` writes an example")]
    places, complaints = {}, []
    for path, found, message in _walk(node, ()):
        places.setdefault(path, f"{found.start_mark.line + 1}:{found.start_mark.column + 1}")
        if message:
            complaints.append(Complaint(path, message))
    return Source(name, yaml.load(text, _Loader), places), complaints  # noqa: S506 - a SafeLoader


def parse_value(text: str) -> Any:
    """A single value as YAML reads it: what --set key=VALUE means."""
    return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader


def _broken(name: str, error: yaml.MarkedYAMLError) -> tuple[Source, list[Complaint]]:
    mark = error.problem_mark or error.context_mark
    place = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
    said = " ".join(filter(None, (error.context, error.problem)))
    return Source(name, None, {(): place}), [Complaint((), f"not YAML: {said}")]


def _walk(node: yaml.Node, path: Path_) -> Iterator[tuple[Path_, yaml.Node, str | None]]:
    """Every value's path and node, depth first, with what is wrong with it."""
    yield path, node, _number_trouble(node)
    if isinstance(node, yaml.SequenceNode):
        for i, child in enumerate(node.value):
            yield from _walk(child, (*path, i))
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, child in node.value:
            inner = (*path, str(key.value))
            if key.value in seen:
                yield inner, key, f"the key stands twice, again in line {key.start_mark.line + 1}"
            seen.add(key.value)
            yield from _walk(child, inner)


def _number_trouble(node: yaml.Node) -> str | None:
    if node.tag != "tag:yaml.org,2002:float":
        return None
    value = float(parse_value(node.value))
    return None if math.isfinite(value) else f"must be a finite number (got {node.value})"
