"""Compile the kernels that tests use and keep them in gfopt's cache: `make kernels`.

Test workers that start without would each compile all of them.
"""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from itertools import product, repeat
from multiprocessing import get_context
from pathlib import Path

from gfopt.config.loading import load
from gfopt.runner.listener import Silent
from gfopt.runner.race import Race
from gfopt.runner.settings import RunSettings

# Each group is compiled by a process of its own. Groups share one small function: two processes
# that save the same function for different dtypes at the same moment could mix them up.
GROUPS = [("gradient_descent",), ("parameter_search", "synaprune")]
DTYPES = {"quick": ("float64",), "all": ("float64", "float32")}  # quick tests use float64 only
EXPERIMENT = """\
dataset: {{name: quadratic, count: 32}}
model: {{hidden: [3, 2], activation: sigmoid}}
loss: mse
optimizers: [{optimizers}]
budget: {{epochs: 1}}
precision: {dtype}
"""
VARIANTS = {"synaprune": "synaprune, {name: synaprune, output_error: largest, label: largest}"}


def compile_group(names: tuple[str, ...], dtypes: tuple[str, ...]) -> None:
    """Run each optimizer for an epoch in each dtype. Raises RuntimeError if a run fails."""
    for name, dtype in product(names, dtypes):
        text = EXPERIMENT.format(optimizers=VARIANTS.get(name, name), dtype=dtype)
        with tempfile.TemporaryDirectory() as folder:
            settings = RunSettings(out=Path(folder), backend="numba", offline=True)
            race = Race(load(text, f"{name}.yaml", Path()), settings)
            race.run(Silent())
        if race.failures:
            raise RuntimeError(race.failures[0].trace)


def main(extent: str) -> None:
    """Compile all groups at the same time; extent: quick or all."""
    with ProcessPoolExecutor(len(GROUPS), get_context("spawn")) as pool:
        list(pool.map(compile_group, GROUPS, repeat(DTYPES[extent])))


if __name__ == "__main__":
    main(*sys.argv[1:])
