"""--set key.path=value: change the values of a file before they are validated."""

from __future__ import annotations

import copy
from typing import Any

from gfopt.config.yaml_file import KeyPath, YamlFile, parse
from gfopt.errors import UsageError


def override(file: YamlFile, changes: list[str]) -> YamlFile:
    """The file with each "optimizers.0.lr=1e-4" applied; messages then name the option.

    Raises UsageError if a change isn't KEY=VALUE, or there is no such place.
    """
    values, places = copy.deepcopy(file.values), dict(file.places)
    for change in changes:
        key, equals, text = change.partition("=")
        parts = key.strip().split(".")
        if not equals or not all(parts):
            raise UsageError(f"--set {change}: write KEY=VALUE, for example optimizers.0.lr=1e-4")
        path: KeyPath = tuple(int(part) if part.isdecimal() else part for part in parts)
        _set(values, path, _parse_value(text, change), change)
        places = {at: place for at, place in places.items() if at[: len(path)] != path}
        for n in range(1, len(path) + 1):  # a section that the option adds is its own too
            places.setdefault(path[:n], f"--set {change}")
    return YamlFile(file.name, values, places)


def _parse_value(text: str, change: str) -> Any:
    """The value as YAML reads it; an empty text is null."""
    if not text.strip():
        return None
    file, complaints = parse(text, change)
    if complaints and text.strip() not in ("null", "~"):
        raise UsageError("\n".join(f"--set {change}: {c.message}" for c in complaints))
    return file.values


def _set(values: Any, path: KeyPath, value: Any, change: str) -> None:
    """Set the value at the path, adding mappings on the way; a list must have the place."""
    at = values
    for i, part in enumerate(path):
        where = ".".join(map(str, path[:i]))
        if isinstance(at, list) and not (isinstance(part, int) and part < len(at)):
            places = f"{where}.0" if len(at) == 1 else f"{where}.0 to {where}.{len(at) - 1}"
            written = f"write {places}" if at else "set the whole list"
            raise UsageError(
                f"--set {change}: {where} is a list of {len(at)}: {written} (got {part!r})"
            )
        if not isinstance(at, dict | list):
            raise UsageError(f"--set {change}: {where} is a value and has no keys")
        if i == len(path) - 1:
            at[part] = value  # type: ignore[index]
        elif isinstance(at, dict):
            at = at.setdefault(part, {})
        else:
            at = at[part]  # type: ignore[index]
