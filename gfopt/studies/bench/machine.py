"""What this machine can do: large products, a large read, and how long commands take."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE = 2048  # of the square matrices multiplied
READ = 2**26  # numbers of the tensor read


def measure_peaks(repeats: int) -> dict[str, float]:
    """GFLOP/s of a float32 and a float64 product, GB/s of a read: medians, with torch's threads."""

    def measure_product(dtype: torch.dtype) -> float:
        a = torch.ones(SIDE, SIDE, dtype=dtype)
        return 2 * SIDE**3 / measure_seconds(lambda: a @ a, repeats) / 1e9

    return {
        "float32 GFLOP/s": measure_product(torch.float32),
        "float64 GFLOP/s": measure_product(torch.float64),
        "read GB/s": 4 * READ / measure_seconds(torch.ones(READ).sum, repeats) / 1e9,
    }


def measure_command(words: list[str], repeats: int) -> float:
    """Median wall seconds of a gfopt command in a new process.

    Raises subprocess.CalledProcessError if the command fails.
    """
    line = [sys.executable, "-m", "gfopt", *words]
    run = lambda: subprocess.run(line, check=True, capture_output=True)  # noqa: E731
    return measure_seconds(run, repeats, warm_ups=0)


def measure_seconds(work: Callable[[], object], repeats: int, warm_ups: int = 1) -> float:
    """Median wall seconds of some work."""
    for _ in range(warm_ups):
        work()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return median(times)
