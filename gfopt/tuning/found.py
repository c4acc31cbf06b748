"""The config of the settings found: a file that `gfopt run` takes, and that needs no other."""

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


def config_text(
    experiment: Experiment, entries: Sequence[Entry], folder: Path, command: str
) -> str:
    """The YAML of the experiment with these entries, to lie in a folder.

    Every option is written out, and so is every control: the file means the same when a default has
    changed. Its terms are the experiment's own, not those of the trials.
    """
    shared = experiment.conditions()
    shared["dataset"] = _dataset(experiment, folder)
    head = [f"# Made by `{command}`: each rule at the best of its trials, with what they cost."]
    head += [f"name: {experiment.name}_tuned"]
    head += [f"{key}: {_flow(value)}" for key, value in shared.items()]
    head += [f"seeds: {json.dumps(experiment.seeds)}", "optimizers:"]
    return "\n".join([*head, *(f"  - {_flow(_entry(entry, folder))}" for entry in entries)]) + "\n"


def _dataset(experiment: Experiment, folder: Path) -> dict[str, Any]:
    """The data set as a config names it."""
    options = experiment.dataset.model_dump(mode="json", exclude_none=True)
    if isinstance(experiment.dataset, UserFile):
        return options | {"file": _relative(Path(experiment.dataset.file), folder)}
    return {"name": experiment.dataset_name} | options


def _entry(entry: Entry, folder: Path) -> dict[str, Any]:
    """An entry with all its options."""
    named = {"file": _relative(entry.file, folder)} if entry.file else {"name": entry.name}
    settings = entry.settings()
    options = {k: v for k, v in settings.pop("options").items() if v is not None}
    more = {k: v for k, v in settings.items() if v}
    controls = {"control_of": list(entry.control_of)} if entry.control_of else {}
    cost = {"tuned": entry.tuned.model_dump(mode="json")} if entry.tuned else {}
    return named | {"label": entry.label} | options | more | controls | cost


def _relative(file: Path, folder: Path) -> str:
    return Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()


def _flow(value: Any) -> str:
    """YAML in one line: JSON, but for the quotes of keys."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(v)}" for key, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
