"""What this machine can do: large products, a large read, and how long commands take to start."""

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


def peaks(repeats: int) -> dict[str, float]:
    """GFLOP/s of a float32 and a float64 product, GB/s of a read: medians, torch's threads."""
    return {
        "float32 GFLOP/s": 2 * SIDE**3 / _product(torch.float32, repeats) / 1e9,
        "float64 GFLOP/s": 2 * SIDE**3 / _product(torch.float64, repeats) / 1e9,
        "read GB/s": 4 * READ / _timed(torch.ones(READ).sum, repeats) / 1e9,
    }


def command_seconds(words: list[str], repeats: int) -> float:
    """Wall seconds of a gfopt command in a process of its own, the median.

    Raises subprocess.CalledProcessError where it fails.
    """
    line = [sys.executable, "-m", "gfopt", *words]
    return _timed(lambda: subprocess.run(line, check=True, capture_output=True), repeats, warm=0)


def _product(dtype: torch.dtype, repeats: int) -> float:
    a = torch.ones(SIDE, SIDE, dtype=dtype)
    return _timed(lambda: a @ a, repeats)


def _timed(work: Callable[[], object], repeats: int, warm: int = 1) -> float:
    for _ in range(warm):
        work()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return median(times)
