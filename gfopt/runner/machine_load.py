"""The machine during a run: work of other processes, and peak memory."""

from __future__ import annotations

import ctypes
import re
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import torch

_SELF = Path("/proc/self")
_UNCERTAIN = 0.02 * (psutil.cpu_count() or 1)  # seconds: the system counts in hundredths


class Surroundings:
    """Observes the machine from its creation on. Only Linux can reset a process's peak memory."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._reset_peak()
        self._begin = time.perf_counter(), _measure_busy_time(), time.process_time()

    def measure_other_work(self) -> float:
        """CPUs that other processes, or other guests of the host, kept busy on average."""
        wall, busy, own = self._begin
        others = (_measure_busy_time() - busy) - (time.process_time() - own) - _UNCERTAIN
        return max(others, 0.0) / max(time.perf_counter() - wall, 1e-9)

    def measure_peak_memory(self) -> int | None:
        """Peak bytes: of the process, on a GPU of its tensors; None if unavailable."""
        if self._device.type == "cuda":
            import torch

            return int(torch.cuda.max_memory_allocated(self._device))
        with suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+) kB", (_SELF / "status").read_text("utf-8"))
            return int(found[1]) * 1024 if found else None
        return None

    def _reset_peak(self) -> None:
        if self._device.type == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats(self._device)
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)  # memory that glibc kept from earlier runs
        with suppress(OSError):
            (_SELF / "clear_refs").write_text("5", "utf-8")  # proc(5): resets VmHWM


def _measure_busy_time() -> float:
    """CPU seconds that the machine has worked so far, without waiting for disks."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    counted_twice = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return float(sum(times) - idle - counted_twice)
