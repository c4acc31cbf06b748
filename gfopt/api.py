"""gfopt from Python: `gfopt.run("cat_poswise", seeds=range(1, 7))`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gfopt.config.experiment import Experiment
from gfopt.config.loading import load
from gfopt.config.packaged_configs import DEFAULT_CONFIG, load_config
from gfopt.model.dense import MEMORY
from gfopt.records.record import Record
from gfopt.report.formats import formats
from gfopt.report.publish import publish
from gfopt.report.table import Table
from gfopt.runner.execute import Failure
from gfopt.runner.listener import RunListener, Silent
from gfopt.runner.race import Race
from gfopt.runner.settings import RunSettings, Timing, find_data_folder, parse_backend, parse_memory


@dataclass(frozen=True)
class Result:
    """The result of an experiment. A notebook shows it as its table."""

    experiment: Experiment
    records: list[Record]  # without repeats
    failures: list[Failure]
    table: Table
    folder: Path

    def _repr_markdown_(self) -> str:
        return formats["md"](self.table)

    def __str__(self) -> str:
        return formats["md"](self.table)


def run(
    config: str | Path | dict[str, Any] = DEFAULT_CONFIG,
    *,
    seeds: str | int | Iterable[int] | None = None,
    settings: Iterable[str] = (),
    out: str | Path = "results",
    data: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    memory: int | str = MEMORY,
    offline: bool = False,
    force: bool = False,
    fail_fast: bool = False,
    backend: str = "auto",
    timing: Timing = "auto",
    path: str | None = None,
) -> Result:
    """Run an experiment, skipping finished runs.

    Args:
        config: A path, the name of a packaged config, or the values of one as a dict.
        seeds: Numbers, or text as in a config ("1-100"). Default: the config's seeds.
        settings: Changes such as "optimizers.0.lr=1e-4", as with --set.
        out: The folder of results.
        data: The data folder. Default: GFOPT_DATA, then the user cache.
        device: auto, cpu, cuda or cuda:N.
        threads: Default: torch's own.
        memory: Bytes, or text as "512MiB", that the activations of a population may take.
        offline: Never download.
        force: Repeat finished runs.
        fail_fast: Stop at the first run that fails.
        backend: auto, or a backend's name: plain, numba (an error if an optimizer has no compiled
            loops), cuda_graph.
        timing: on: seed by seed, with seconds; off: vectorized seeds; auto: on up to 5 seeds.
        path: The old name of `backend`, for one release.

    Returns:
        The records and the table of the whole experiment.

    Raises:
        GfoptError: The config, an option or the data is wrong. A run that fails raises nothing;
            the result lists it in `failures`.
    """
    changes = [*settings]
    if seeds is not None:
        given = seeds if isinstance(seeds, str | int) else [int(seed) for seed in seeds]
        changes.append(f"seeds={given}")
    run_settings = RunSettings(
        out=Path(out),
        data=find_data_folder(Path(data) if data else None),
        device=device,
        threads=threads,
        memory=parse_memory(memory),
        offline=offline,
        force=force,
        fail_fast=fail_fast,
        backend=parse_backend(path or backend),
        timing=timing,
    )
    return run_experiment(_load(config, changes), run_settings, Silent())


def run_experiment(experiment: Experiment, settings: RunSettings, listener: RunListener) -> Result:
    """Run an experiment, skipping finished runs, and publish its table and picture.

    An interruption publishes the finished runs first.
    """
    race = Race(experiment, settings)
    try:
        race.run(listener)
    finally:
        records = race.records
        failed = [failure.run.entry.label for failure in race.failures]
        table = publish(race.folder, records, failed)
    first_runs = [record for record in records if record.repeat == 1]
    return Result(experiment, first_runs, race.failures, table, race.folder)


def _load(config: str | Path | dict[str, Any], changes: list[str]) -> Experiment:
    if isinstance(config, dict):  # JSON is YAML
        return load(json.dumps(config), "experiment", Path.cwd(), changes)
    return load_config(str(config), changes)
