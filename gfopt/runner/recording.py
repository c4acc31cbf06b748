"""Outcome -> record: all that is known of a run."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gfopt.engine.tally import count_backward_products, count_forward_products
from gfopt.records.record import Record, Status, TargetResult
from gfopt.runner.environment import describe_environment
from gfopt.runner.identity import digest

if TYPE_CHECKING:
    from pathlib import Path

    from gfopt.config.experiment import Experiment
    from gfopt.engine.clock import Clock
    from gfopt.engine.outcome import Metrics, Outcome
    from gfopt.engine.target import Target
    from gfopt.engine.task import Level, Task
    from gfopt.records.evaluation import Evaluation
    from gfopt.runner.machine_load import Surroundings
    from gfopt.runner.plan import Run


def make_record(
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
    """The record of one run; `replicas` vectorized seeds shared the clock and the surroundings."""
    targets = experiment.targets
    metric = targets[-1].metric if targets else "train_loss"
    config = resolve_config(experiment, run)
    levels = {"chance": task.chance, "class_prior": task.class_prior}
    return Record(
        **run.list_names(),
        **_flatten(outcome.history[-1], outcome.metrics),
        seed=run.seed,
        status=outcome.status,
        limit=outcome.limit,
        id=run.id,
        dataset=experiment.dataset_name,
        target="; ".join(map(str, targets)) or None,
        target_metric=metric,
        target_value=targets[-1].value if targets else None,
        hits=_make_results(outcome, targets, task) if len(targets) > 1 else [],
        reading=experiment.reading,
        backend=run.backend,
        replicas=replicas,
        repeat=run.repeat,
        other_work=around.measure_other_work(),
        peak_memory=around.measure_peak_memory(),
        products=(count_forward_products(task.widths, 1), count_backward_products(task.widths, 1)),
        chance=_find_level(task.chance, metric),
        class_prior=_find_level(task.class_prior, metric),
        levels={
            name: {part: asdict(level) for part, level in parts.items()}
            for name, parts in levels.items()
        },
        phases={str(phase): seconds for phase, seconds in clock.seconds.items()},
        cpu_phases={str(phase): seconds for phase, seconds in clock.cpu_seconds.items()},
        config=config,
        identity=run.identity,
        hashes={
            "config": digest(config),
            "data": experiment.dataset.fingerprint(),
            "source": run.identity["source"],
            "start": _digest_initial_weights(task, run.seed),
        },
        environment=describe_environment(task.train.inputs.device, task.train.memory),
        notes=notes,
    )


def save_weights(folder: Path, outcome: Outcome) -> None:
    """Write weights.safetensors, the parameters at the end of the run."""
    from safetensors.torch import save_file

    weights = {key: tensor.contiguous().cpu() for key, tensor in outcome.weights.items()}
    save_file(weights, folder / "weights.safetensors")


def resolve_config(experiment: Experiment, run: Run) -> dict[str, Any]:
    """The config of this one run, with all defaults: as a file, it runs this and nothing else."""
    name = {"file": run.entry.file.name} if run.entry.file else {"name": run.entry.name}
    given = run.entry.training_options()
    options = given.pop("options")
    return {
        "name": experiment.name,
        "optimizers": [name | {"label": run.entry.label} | given | options],
        "seeds": [run.seed],
    } | experiment.conditions()


def _flatten(evaluation: Evaluation, metrics: Metrics) -> dict[str, Any]:
    """An evaluation and all metrics there, as fields of a record."""
    values = evaluation._asdict()
    del values["stage"]
    return {"epochs": values.pop("epoch")} | values | metrics._asdict()


def _make_results(outcome: Outcome, targets: tuple[Target, ...], task: Task) -> list[TargetResult]:
    """The result of each target: at the evaluation that reached it, or at the end."""
    results = []
    for target, hit in zip(targets, outcome.hits, strict=True):
        evaluation, metrics = hit or (outcome.history[-1], outcome.metrics)
        results.append(
            TargetResult(
                target=str(target),
                target_metric=target.metric,
                target_value=target.value,
                status=Status.REACHED if hit else outcome.status,
                limit=None if hit else outcome.limit,
                chance=_find_level(task.chance, target.metric),
                class_prior=_find_level(task.class_prior, target.metric),
                **_flatten(evaluation, metrics),
            )
        )
    return results


def _find_level(levels: dict[str, Level], metric: str) -> float | None:
    """The level of a metric such as valid_loss; None without such samples."""
    part, _, kind = metric.partition("_")
    value: float | None = getattr(levels[part], kind) if part in levels else None
    return value


@lru_cache(maxsize=1)  # optimizers take turns on a seed
def _digest_initial_weights(task: Task, seed: int) -> str:
    """SHA-256 of the initial weights' bytes: runs with the same digest begin alike."""
    found = hashlib.sha256()
    for key, tensor in sorted(task.initial_weights([seed]).items()):
        found.update(key.encode("utf-8") + tensor.cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
