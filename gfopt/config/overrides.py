"""--set key.path=value: changes to the values of a file before they are validated."""

from __future__ import annotations

import copy
from typing import Any

from gfopt.config.source import Path_, Source, parse
from gfopt.errors import UsageError


def override(source: Source, settings: list[str]) -> Source:
    """The source with each "optimizers.0.lr=1e-4" applied; messages then name the option."""
    values, places = copy.deepcopy(source.values), dict(source.places)
    for setting in settings:
        key, equals, text = setting.partition("=")
        parts = key.strip().split(".")
        if not equals or not all(parts):
            raise UsageError(f"--set {setting}: write KEY=VALUE, for example optimizers.0.lr=1e-4")
        path: Path_ = tuple(int(part) if part.isdecimal() else part for part in parts)
        _put(values, path, _value(text, setting), setting)
        places = {at: place for at, place in places.items() if at[: len(path)] != path}
        for n in range(1, len(path) + 1):  # a section that the option makes is its own too
            places.setdefault(path[:n], f"--set {setting}")
    return Source(source.name, values, places)


def _value(text: str, setting: str) -> Any:
    """The value as YAML reads it; nothing at all is null."""
    if not text.strip():
        return None
    source, complaints = parse(text, setting)
    if complaints and text.strip() not in ("null", "~"):
        raise UsageError("\n".join(f"--set {setting}: {c.message}" for c in complaints))
    return source.values


def _put(values: Any, path: Path_, value: Any, setting: str) -> None:
    """Set the value at the path, making mappings on the way; lists must have the place."""
    at = values
    for i, part in enumerate(path):
        if isinstance(at, list) and not (isinstance(part, int) and part < len(at)):
            raise UsageError(
                f"--set {setting}: {'.'.join(map(str, path[:i]))} is a list of {len(at)}, "
                f"numbered from 0 (got {part!r})"
            )
        if not isinstance(at, dict | list):
            raise UsageError(
                f"--set {setting}: there is nothing below {'.'.join(map(str, path[:i]))}"
            )
        if i == len(path) - 1:
            at[part] = value  # type: ignore[index]
        elif isinstance(at, dict):
            at = at.setdefault(part, {})
        else:
            at = at[part]  # type: ignore[index]
