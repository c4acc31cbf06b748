"""From a run's outcome to its record: the training side of records.py."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gfopt.environment import describe
from gfopt.identity import digest
from gfopt.records import Hit, Record, Status
from gfopt.tally import backward_products, forward_products

if TYPE_CHECKING:
    from pathlib import Path

    from gfopt.clock import Clock
    from gfopt.config.experiment import Experiment
    from gfopt.outcomes import Levels, Outcome, Row
    from gfopt.plans import Run
    from gfopt.surroundings import Surroundings
    from gfopt.target import Target
    from gfopt.task import Task


def record_of(
    experiment: Experiment,
    task: Task,
    run: Run,
    outcome: Outcome,
    clock: Clock,
    around: Surroundings,
    notes: list[str],
    *,
    replicas: int = 1,
) -> Record:
    """All that is known of one run; `replicas` shared its batch, the clock and what was around."""
    targets, seen = experiment.targets, run.names()
    metric = targets[-1].metric if targets else "train_loss"
    return Record(
        **seen,
        **_stop(outcome.history[-1], outcome.levels),
        seed=run.seed,
        status=outcome.status,
        id=run.id,
        dataset=experiment.dataset_name,
        target="; ".join(map(str, targets)) or None,
        target_metric=metric,
        target_value=targets[-1].value if targets else None,
        hits=_hits(outcome, targets, task) if len(targets) > 1 else [],
        reading=experiment.reading,
        path=run.path,
        replicas=replicas,
        repeat=run.repeat,
        other_work=around.other_work(),
        peak_memory=around.peak_memory(),
        products=(forward_products(task.widths, 1), backward_products(task.widths, 1)),
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


def _stop(row: Row, levels: Levels) -> dict[str, Any]:
    """What a run came to with one reading: fields of a record and of a hit."""
    return {
        "epochs": row.epoch,
        "updates": row.updates,
        "seconds": row.seconds,
        "cpu_seconds": row.cpu_seconds,
        "forward_passes": row.forward_passes,
        "backward_passes": row.backward_passes,
        "loss": row.loss,
        "train_accuracy": levels.train_accuracy,
        "valid_loss": levels.valid_loss,
        "valid_accuracy": levels.valid_accuracy,
        "test_loss": levels.test_loss,
        "test_accuracy": levels.test_accuracy,
    }


def _hits(outcome: Outcome, targets: tuple[Target, ...], task: Task) -> list[Hit]:
    """Each target: at the reading that reached it, or at the stop."""
    found = []
    for target, hit in zip(targets, outcome.hits, strict=True):
        row, levels = hit or (outcome.history[-1], outcome.levels)
        found.append(
            Hit(
                target=str(target),
                target_metric=target.metric,
                target_value=target.value,
                status=Status.REACHED if hit else outcome.status,
                chance=_level(task.chance, target.metric),
                class_prior=_level(task.class_prior, target.metric),
                **_stop(row, levels),
            )
        )
    return found


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
