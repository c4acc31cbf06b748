"""The config with the settings found: complete by itself, for `gfopt run`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfopt.datasets.user_file import UserFile

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment


def format_config(
    experiment: Experiment, entries: Sequence[Entry], folder: Path, command: str
) -> str:
    """The YAML of the experiment with these entries, to be written into the folder.

    Every option and every control is written out: the file means the same after a default has
    changed. Its budget and its targets are the experiment's own, not those of the trials.
    """
    shared = experiment.conditions()
    shared["dataset"] = _describe_dataset(experiment, folder)
    lines = [
        f"# Made by `{command}`: each optimizer with its best trial's settings, and their cost.",
        f"name: {experiment.name}_tuned",
        *(f"{key}: {_format_flow(value)}" for key, value in shared.items()),
        f"seeds: {json.dumps(experiment.seeds)}",
        "optimizers:",
        *(f"  - {_format_flow(_describe_entry(entry, folder))}" for entry in entries),
    ]
    return "\n".join(lines) + "\n"


def _describe_dataset(experiment: Experiment, folder: Path) -> dict[str, Any]:
    """The data set as a config names it."""
    options = experiment.dataset.model_dump(mode="json", exclude_none=True)
    if isinstance(experiment.dataset, UserFile):
        return options | {"file": _find_relative(Path(experiment.dataset.file), folder)}
    return {"name": experiment.dataset_name} | options


def _describe_entry(entry: Entry, folder: Path) -> dict[str, Any]:
    """An entry with all its options, as plain values."""
    named = {"file": _find_relative(entry.file, folder)} if entry.file else {"name": entry.name}
    training = entry.training_options()
    options = {k: v for k, v in training.pop("options").items() if v is not None}
    more = {k: v for k, v in training.items() if v}
    controls = {"control_of": list(entry.control_of)} if entry.control_of else {}
    cost = {"tuned": entry.tuned.model_dump(mode="json")} if entry.tuned else {}
    return named | {"label": entry.label} | options | more | controls | cost


def _find_relative(file: Path, folder: Path) -> str:
    return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()


def _format_flow(value: Any) -> str:
    """YAML in one line: JSON without quotes around keys."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_format_flow(v)}" for key, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_format_flow, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
