"""From a run's outcome to its record: the training side of records.py."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gfopt.environment import describe
from gfopt.identity import digest
from gfopt.records import Record

if TYPE_CHECKING:
    from pathlib import Path

    from gfopt.clock import Clock
    from gfopt.config.experiment import Experiment
    from gfopt.outcomes import Outcome
    from gfopt.plans import Run
    from gfopt.task import Task


def record_of(
    experiment: Experiment,
    task: Task,
    run: Run,
    outcome: Outcome,
    clock: Clock,
    notes: list[str],
    *,
    replicas: int = 1,
) -> Record:
    """All that is known of one run; `replicas` shared its batch, and the clock."""
    last, target = outcome.history[-1], experiment.target
    metric = target.metric if target else "train_loss"
    return Record(
        optimizer=run.entry.name,
        label=run.entry.label,
        seed=run.seed,
        status=outcome.status,
        epochs=last.epoch,
        seconds=last.seconds,
        loss=last.loss,
        id=run.id,
        experiment=experiment.name,
        dataset=experiment.dataset_name,
        target=str(target) if target else None,
        target_metric=metric,
        target_value=target.value if target else None,
        reading=experiment.reading,
        path=run.path,
        replicas=replicas,
        updates=last.updates,
        cpu_seconds=last.cpu_seconds,
        forward_passes=last.forward_passes,
        backward_passes=last.backward_passes,
        train_accuracy=outcome.train_accuracy,
        valid_loss=outcome.valid_loss,
        valid_accuracy=outcome.valid_accuracy,
        chance=_level(task.chance, metric),
        class_prior=_level(task.class_prior, metric),
        levels=_levels(task),
        phases={str(phase): seconds for phase, seconds in clock.seconds.items()},
        cpu_phases={str(phase): seconds for phase, seconds in clock.cpu_seconds.items()},
        config=_config(experiment, run),
        identity=run.identity,
        hashes=_hashes(experiment, task, run),
        environment=describe(task.train.inputs.device, task.train.memory),
        notes=notes,
    )


def save_weights(folder: Path, outcome: Outcome) -> None:
    """weights.safetensors: the parameters at the stop."""
    from safetensors.torch import save_file

    weights = {key: tensor.contiguous().cpu() for key, tensor in outcome.weights.items()}
    save_file(weights, folder / "weights.safetensors")


def _level(levels: Any, metric: str) -> float | None:
    """The loss or accuracy that stands beside a metric such as valid_loss."""
    part, _, kind = metric.partition("_")
    return getattr(levels[part], kind) if part in levels else None


def _levels(task: Task) -> dict[str, Any]:
    return {
        name: {part: asdict(level) for part, level in levels.items()}
        for name, levels in (("chance", task.chance), ("class_prior", task.class_prior))
    }


def _config(experiment: Experiment, run: Run) -> dict[str, Any]:
    """The resolved config of this one run: as a file, it would run this and nothing else."""
    entry = {"file": run.entry.file.name} if run.entry.file else {"name": run.entry.name}
    head = {"label": run.entry.label} | run.entry.settings()
    own = entry | head | head.pop("options")
    return {
        "name": experiment.name,
        "optimizers": [own],
        "seeds": [run.seed],
    } | experiment.conditions()


def _hashes(experiment: Experiment, task: Task, run: Run) -> dict[str, str]:
    return {
        "config": digest(_config(experiment, run)),
        "data": experiment.dataset.fingerprint(),
        "source": run.identity["source"],
        "start": _start_digest(task, run.seed),
    }


@lru_cache(maxsize=1)  # rules take turns on a seed; another task may go
def _start_digest(task: Task, seed: int) -> str:
    """SHA-256 of the first parameters' bytes: two rows with the same one began alike."""
    found = hashlib.sha256()
    for key, tensor in sorted(task.start([seed]).items()):
        found.update(key.encode("utf-8") + tensor.cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
