"""The changes from BASE to HEAD: options, source, and the software and machine of the runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gfopt.analysis.groups import find_differences

if TYPE_CHECKING:
    from gfopt.records.record import Record
    from gfopt.studies.compare.matching import MatchedRow

SURROUNDINGS = "software and machine"
_DIGITS = 12  # of a hash, as many as git shows
_IGNORED = ("memory",)  # of the environment: no result depends on it


def find_changes(rows: dict[str, MatchedRow]) -> dict[str, list[str]]:
    """The changes of each titled row's optimizer; those around all rows under `SURROUNDINGS`."""
    pairs = {title: row.pairs[0] for title, row in rows.items() if row.pairs}
    changes = {title: list(_compare_optimizers(*pair)) for title, pair in pairs.items()}
    around = [
        change for row in rows.values() for pair in row.pairs for change in _compare_places(*pair)
    ]
    changes[SURROUNDINGS] = list(dict.fromkeys(around))
    return {title: found for title, found in changes.items() if found}


def _compare_optimizers(base: Record, head: Record) -> Iterator[str]:
    """The optimizer's options, its source, and the backend."""
    for key in find_differences([base.identity, head.identity]):
        part, _, option = key.partition(".")
        if part == "optimizer":
            name = option.removeprefix("options.")
            yield f"{name} {_format_change(base.identity, head.identity, key)}"
        elif part == "source":
            digests = (base.identity.get(key), head.identity.get(key))
            old, new = (str(digest)[:_DIGITS] for digest in digests)
            yield f"source of the optimizer or of gfopt ({old} → {new})"
    if base.backend != head.backend:
        yield f"backend {base.backend} → {head.backend}"


def _compare_places(base: Record, head: Record) -> Iterator[str]:
    """The software and the machine."""
    for key in find_differences([base.environment, head.environment]):
        if key not in _IGNORED:
            name = "git revision of gfopt" if key == "git" else key.removeprefix("versions.")
            yield f"{name} {_format_change(base.environment, head.environment, key)}"


def _format_change(old: dict[str, Any], new: dict[str, Any], key: str) -> str:
    return f"{_format_value(old, key)} → {_format_value(new, key)}"


def _format_value(values: Any, key: str) -> str:
    """The value under a dotted key; "none" if there is none."""
    for part in key.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    if values is None:
        return "none"
    return f"{values:g}" if isinstance(values, float) else str(values)
