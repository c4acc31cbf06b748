"""The rows of a table as runs: what to call them, what they share, in what they differ."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from gfopt.records import Record

Groups = list[list[Record]]  # the runs of each row


def is_accuracy(run: Record) -> bool:
    """Whether the target's metric is one of which more is better."""
    return run.target_metric.endswith("accuracy")


def is_easy(run: Record) -> bool:
    """Whether the target is no harder than what the best constant output reaches."""
    if run.target is None or run.target_value is None or run.class_prior is None:
        return False
    gap = run.target_value - run.class_prior
    return gap <= 0 if is_accuracy(run) else gap >= 0


def seeds(found: Iterable[int]) -> str:
    """Seeds in words."""
    ordered = sorted(found)
    return f"seed{'s' if len(ordered) > 1 else ''} {', '.join(map(str, ordered))}"


def level(run: Record, value: float) -> str:
    """A value of the target's metric in words."""
    return f"{100 * value:.1f} %" if is_accuracy(run) else f"{value:.6g}"


def firsts(groups: Groups) -> list[Record]:
    """A run of each row: for what all of the row share."""
    return [runs[0] for runs in groups]


def names(groups: Groups) -> list[str]:
    """What to call each row: its label, with the experiment where there are several."""
    runs = firsts(groups)
    several = len({run.experiment for run in runs}) > 1
    return [f"{run.experiment}/{run.label}" if several else run.label for run in runs]


def differing(each: list[dict[str, Any]], but: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Dotted key -> its distinct values in words, for every key whose values differ."""
    flat = [_flat(values) for values in each]
    keys = dict.fromkeys(key for values in flat for key in values if key not in but)
    found = {key: list(dict.fromkeys(values.get(key, "none") for values in flat)) for key in keys}
    return {key: values for key, values in found.items() if len(values) > 1}


def _flat(values: dict[str, Any], at: str = "") -> dict[str, str]:
    """Nested values under dotted keys, each as text."""
    found: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{at}{key}.")
        else:
            found[f"{at}{key}"] = value if isinstance(value, str) else json.dumps(value)
    return found
