"""What changed from BASE to HEAD: options, source, and the software and machine of the runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gfopt.identity import differences

if TYPE_CHECKING:
    from gfopt.comparing.rows import Row
    from gfopt.records import Record

_SHOWN = 12  # of a hash, as much as git shows
_UNTOLD = ("memory",)  # of the environment: no number hangs on it


AROUND = "software and machine"


def changes(rows: dict[str, Row]) -> dict[str, list[str]]:
    """What changed in each titled row's config and code; what did around them under `AROUND`."""
    pairs = {title: row.pairs[0] for title, row in rows.items() if row.pairs}
    told = {title: list(_rule(*pair)) for title, pair in pairs.items()}
    around = [said for row in rows.values() for pair in row.pairs for said in _environment(*pair)]
    told[AROUND] = list(dict.fromkeys(around))
    return {title: said for title, said in told.items() if said}


def _rule(base: Record, head: Record) -> Iterator[str]:
    """The rule's options and its source."""
    for key in differences(base.identity, head.identity):
        part, _, option = key.partition(".")
        if part == "optimizer":
            yield f"{option.removeprefix('options.')} {_change(base.identity, head.identity, key)}"
        elif part == "path":
            yield f"code path {_change(base.identity, head.identity, key)}"
        elif part == "source":
            digests = (base.identity.get(key), head.identity.get(key))
            old, new = (str(digest)[:_SHOWN] for digest in digests)
            yield f"source of the rule, or of what it runs on ({old} → {new})"


def _environment(base: Record, head: Record) -> Iterator[str]:
    for key in differences(base.environment, head.environment):
        if key not in _UNTOLD:
            name = "git revision of gfopt" if key == "git" else key.removeprefix("versions.")
            yield f"{name} {_change(base.environment, head.environment, key)}"


def _change(old: dict[str, Any], new: dict[str, Any], key: str) -> str:
    return f"{_worded(_at(old, key))} → {_worded(_at(new, key))}"


def _at(values: Any, key: str) -> Any:
    """The value under a dotted key; None where there is none."""
    for part in key.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values


def _worded(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
