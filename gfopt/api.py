"""gfopt from Python: `gfopt.run("cat_poswise", seeds=range(1, 7))`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gfopt.config.experiment import Experiment, load
from gfopt.config.finding import DEFAULT, load_config
from gfopt.paths import Asked, Timing
from gfopt.problem import MEMORY
from gfopt.race import Result, Setting, Silence, data_folder, parse_memory, race


def run(
    config: str | Path | dict[str, Any] = DEFAULT,
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
    path: Asked = "auto",
    timing: Timing = "auto",
) -> Result:
    """Run what is missing of an experiment; the records and the table of all of it.

    Args:
        config: a path, the name of a packaged config, or the values of one as a dict.
        seeds: in place of the config's: numbers, or text as in a config ("1-100").
        settings: changes such as "optimizers.0.lr=1e-4", as the command line's --set.
        out: the folder of results.
        data: the folder of data sets; default GFOPT_DATA, else the cache folder.
        device: auto, cpu, cuda or cuda:N.
        threads: default torch's own.
        memory: bytes, or text as "512MiB", that the activations of a population may take.
        offline: never download.
        force: run all again, finished or not.
        fail_fast: stop at the first run that fails.
        path: auto, plain, or compiled (an error where a rule has no compiled loops).
        timing: on: seed by seed, for seconds; off: seeds in a batch; auto: on up to 5 seeds.

    Raises:
        GfoptError: what is wrong with the config, the options or the data. A run that fails doesn't
            raise: it is among the result's failures.
    """
    changes = [*settings, *_seed_changes(seeds)]
    folder = data_folder(Path(data) if data else None)
    setting = Setting(
        Path(out),
        folder,
        device,
        threads,
        memory=parse_memory(memory),
        offline=offline,
        force=force,
        fail_fast=fail_fast,
        path=path,
        timing=timing,
    )
    return race(_experiment(config, changes), setting, Silence())


def _seed_changes(seeds: str | int | Iterable[int] | None) -> list[str]:
    if seeds is None:
        return []
    given = seeds if isinstance(seeds, str | int) else [int(seed) for seed in seeds]
    return [f"seeds={given}"]


def _experiment(config: str | Path | dict[str, Any], changes: list[str]) -> Experiment:
    if isinstance(config, dict):  # JSON is YAML
        return load(json.dumps(config), "experiment", Path.cwd(), changes)
    return load_config(str(config), changes)
