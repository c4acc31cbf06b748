"""Where a run ran: device, threads, versions, processor, git revision. No part of its id."""

from __future__ import annotations

import ctypes
import platform
import re
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfopt.errors import UsageError

if TYPE_CHECKING:
    import torch

PACKAGES = ("gfopt", "torch", "numpy", "scikit-learn", "h5py", "torchvision", "numba")


def device_kind(device: str) -> str:
    """The kind, cpu or cuda, of auto, cpu, cuda or cuda:N; asks the driver, not torch."""
    kind = device.split(":")[0]
    if not re.fullmatch(r"auto|cpu|cuda(:[0-9]{1,3})?", device):
        raise UsageError(f"--device {device}: must be auto, cpu, cuda or cuda:N")
    if kind == "auto":
        return "cuda" if _gpus() and _torch_has_cuda() else "cpu"
    if kind == "cuda" and not (_gpus() and _torch_has_cuda()):
        raise UsageError(f"--device {device}: {_no_cuda()}; use --device cpu")
    return kind


def torch_device(device: str) -> torch.device:
    """The device itself; UsageError where there is none."""
    import torch

    chosen = torch.device(device_kind(device) if device == "auto" else device)
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"--device {device}: there are {torch.cuda.device_count()} GPUs, numbered from 0"
        )
    return chosen


def keep_memory() -> None:
    """Let glibc keep what large temporary tensors leave, instead of faulting it in again each time.

    Both thresholds (mallopt's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD) go to 1 GiB; elsewhere nothing
    happens.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-1, 2**30)
        libc.mallopt(-3, 2**30)


def describe(device: torch.device, memory: int) -> dict[str, Any]:
    """What a record says of the machine and the software."""
    import torch

    return {
        "versions": {"python": platform.python_version()} | _versions(),
        "cpu": _processor(),
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "device": str(device),
        "threads": torch.get_num_threads(),
        "memory": memory,
        "platform": platform.platform(),
        "git": _git_revision(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        return next(
            line.partition(":")[2].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _git_revision() -> str | None:
    """The revision of the checkout that gfopt runs from, "+" for changes; None outside of one."""
    where = Path(__file__).parent
    try:
        ask = ["git", "describe", "--always", "--dirty=+", "--abbrev=12"]
        found = subprocess.run(ask, cwd=where, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


def _gpus() -> int:
    """How many GPUs the NVIDIA driver has; 0 without a driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return 0
    return count.value


def _torch_has_cuda() -> bool:
    return not version("torch").endswith("+cpu")


def _no_cuda() -> str:
    if not _torch_has_cuda():
        return f"this torch ({version('torch')}) is built for the CPU only"
    return "this machine has no NVIDIA GPU that its driver shows"
