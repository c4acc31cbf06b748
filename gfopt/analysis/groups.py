"""The rows of a table as groups of runs: their names, what they share and where they differ."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from gfopt.records.record import Record

Groups = list[list[Record]]  # the runs of each row


def is_accuracy(run: Record) -> bool:
    """Whether the target's metric is an accuracy: more is better."""
    return run.target_metric.endswith("accuracy")


def is_easy(run: Record) -> bool:
    """Whether a constant predictor reaches the target."""
    if run.target is None or run.target_value is None or run.class_prior is None:
        return False
    gap = run.target_value - run.class_prior
    return gap <= 0 if is_accuracy(run) else gap >= 0


def list_seeds(seeds: Iterable[int]) -> str:
    """Seeds in words: "seeds 1, 3"."""
    ordered = sorted(seeds)
    return f"seed{'s' if len(ordered) > 1 else ''} {', '.join(map(str, ordered))}"


def format_level(run: Record, value: float) -> str:
    """A value of the target's metric in words."""
    return f"{100 * value:.1f} %" if is_accuracy(run) else f"{value:.6g}"


def pick_firsts(groups: Groups) -> list[Record]:
    """The first run of each row: it stands for what all runs of a row share."""
    return [runs[0] for runs in groups]


def name_rows(groups: Groups) -> list[str]:
    """The name of each row: its label, after the experiment's name if there are several."""
    runs = pick_firsts(groups)
    several = len({run.experiment for run in runs}) > 1
    return [f"{run.experiment}/{run.label}" if several else run.label for run in runs]


def find_differences(each: list[dict[str, Any]], but: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Dotted key -> its distinct values as text, for every key whose values differ."""
    flat = [_flatten(values) for values in each]
    keys = dict.fromkeys(key for values in flat for key in values if key not in but)
    found = {key: list(dict.fromkeys(values.get(key, "none") for values in flat)) for key in keys}
    return {key: values for key, values in found.items() if len(values) > 1}


def _flatten(values: dict[str, Any], at: str = "") -> dict[str, str]:
    """Nested values under dotted keys, each as text."""
    found: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found |= _flatten(value, f"{at}{key}.")
        else:
            found[f"{at}{key}"] = value if isinstance(value, str) else json.dumps(value)
    return found
