"""Run ids: SHA-256 of all that can change a run's results or seconds, and of nothing else.

In: the record schema, the optimizer with its options, the sources that compute the run, data
fingerprint, model, loss, seed, precision, device kind, backend, timed or vectorized, repeat,
targets, budget, reading.
Out: labels, paths, threads, software versions, the other optimizers of the file and their order.
Records have them. Ids need neither torch nor the data's arrays.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfopt.backends import backends
from gfopt.config.optimizer_files import find_imports
from gfopt.optimizers import module_optimizer
from gfopt.records.record import SCHEMA
from gfopt.runner import train
from gfopt.runner.sources import digest_sources, find_public_sources

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment


def identify(
    experiment: Experiment,
    entry: Entry,
    seed: int,
    device_kind: str,
    backend: str,
    *,
    timed: bool = True,
    repeat: int = 1,
) -> dict[str, Any]:
    """All that the run's id depends on, as plain values.

    `timed`: alone, not vectorized with other seeds, so that its seconds count. `repeat`: 1, or 2
    for the same run once more.
    """
    conditions = experiment.conditions()
    dataset = {k: v for k, v in conditions.pop("dataset").items() if k not in ("name", "file")}
    return {
        "record_schema": SCHEMA,
        "optimizer": entry.training_options() | ({} if entry.file else {"name": entry.name}),
        "source": digest_sources(find_roots(experiment, entry, backend)),
        "data": {"fingerprint": experiment.dataset.fingerprint(), "options": dataset},
        "seed": seed,
        "device": device_kind,
        "backend": backend,
        "replicas": 1 if timed else "batch",
        "repeat": repeat,
        **conditions,
    }


def find_roots(experiment: Experiment, entry: Entry, backend: str) -> list[Path]:
    """The files that a run begins with; the numerical files that they import compute it too."""
    parts: list[object] = [
        experiment.dataset,
        experiment.model,
        experiment.loss,
        experiment.initializer,
        experiment.terms(),
        *(entry.optimizer.family() if entry.optimizer else []),
    ]
    roots = [Path(str(train.__file__)), *(Path(inspect.getfile(type(part))) for part in parts)]
    roots += backends[backend]().list_sources(entry.optimizer)
    if entry.file:
        roots += [*find_imports(entry.file), Path(str(module_optimizer.__file__))]
        roots += find_public_sources()
    return roots


def digest(values: Any) -> str:
    """SHA-256 of the values' canonical JSON: sorted keys, no spaces, shortest numbers."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
