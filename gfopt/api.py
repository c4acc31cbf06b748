"""gfopt from Python: `gfopt.run("cat_poswise", seeds=range(1, 7))`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gfopt.config.experiment import Experiment, load
from gfopt.config.finding import DEFAULT, load_config
from gfopt.race import Result, Setting, Silence, race


def run(
    config: str | Path | dict[str, Any] = DEFAULT,
    *,
    seeds: Iterable[int] | None = None,
    settings: Iterable[str] = (),
    **where: Any,
) -> Result:
    """Run what is missing of an experiment; the records and the table of all of it.

    Args:
        config: a path, the name of a packaged config, or the values of one as a dict.
        seeds: in place of the config's.
        settings: changes such as "optimizers.0.lr=1e-4", as the command line's --set.
        where: out, data (paths), device, threads, offline, force, fail_fast as on the command line.

    Raises:
        GfoptError: what is wrong with the config, the options or the data.
    """
    changes = [*settings, *([f"seeds={list(seeds)}"] if seeds is not None else [])]
    paths = {key: Path(where[key]) for key in ("out", "data") if key in where}
    return race(_experiment(config, changes), Setting(**(where | paths)), Silence())


def _experiment(config: str | Path | dict[str, Any], changes: list[str]) -> Experiment:
    if isinstance(config, dict):  # JSON is YAML
        return load(json.dumps(config), "experiment", Path.cwd(), changes)
    return load_config(str(config), changes)
