"""What the machine did while a run was made: others' work beside it, and the memory it took."""

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
    """Watches from its making on. Linux alone tells a process's peak anew for each run."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._forget_peak()
        self._from = time.perf_counter(), _busy(), time.process_time()

    def other_work(self) -> float:
        """Processors that other processes, or other guests of the host, kept busy on average."""
        wall, busy, own = self._from
        others = (_busy() - busy) - (time.process_time() - own) - _UNCERTAIN
        return max(others, 0.0) / max(time.perf_counter() - wall, 1e-9)

    def peak_memory(self) -> int | None:
        """Bytes at the most: of the process, on a GPU of its tensors; None where nobody tells."""
        if self._device.type == "cuda":
            import torch

            return int(torch.cuda.max_memory_allocated(self._device))
        with suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+) kB", (_SELF / "status").read_text("utf-8"))
            return int(found[1]) * 1024 if found else None
        return None

    def _forget_peak(self) -> None:
        if self._device.type == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats(self._device)
        with suppress(OSError, AttributeError):
            ctypes.CDLL("libc.so.6").malloc_trim(0)  # glibc kept what earlier runs left
        with suppress(OSError):
            (_SELF / "clear_refs").write_text("5", "utf-8")  # proc(5): VmHWM begins anew


def _busy() -> float:
    """Processor seconds that the machine has worked, waiting for disks left out."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    counted_twice = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return float(sum(times) - idle - counted_twice)
