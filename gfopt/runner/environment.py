"""The environment of a run: device, threads, versions, git revision. No part of its id."""

from __future__ import annotations

import ctypes
import platform
import re
import subprocess
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfopt.errors import UsageError

if TYPE_CHECKING:
    import torch

PACKAGES = ("gfopt", "torch", "numpy", "scikit-learn", "h5py", "torchvision", "numba")


def find_device_kind(device: str) -> str:
    """The kind, cpu or cuda, of auto, cpu, cuda or cuda:N, by the driver and not by torch.

    Raises UsageError for other texts and for a GPU that isn't there.
    """
    kind = device.split(":")[0]
    if not re.fullmatch(r"auto|cpu|cuda(:[0-9]{1,3})?", device):
        raise UsageError(f"--device {device}: must be auto, cpu, cuda or cuda:N")
    if kind == "auto":
        return "cuda" if _count_gpus() and _has_cuda_build() else "cpu"
    if kind == "cuda" and not (_count_gpus() and _has_cuda_build()):
        raise UsageError(f"--device {device}: {_explain_missing_cuda()}; use --device cpu")
    return kind


def find_device(device: str) -> torch.device:
    """The device itself. Raises UsageError if there is none."""
    import torch

    chosen = torch.device(find_device_kind(device) if device == "auto" else device)
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"--device {device}: there are {torch.cuda.device_count()} GPUs, numbered from 0"
        )
    return chosen


def keep_memory() -> None:
    """Let glibc keep the memory of large temporary tensors, instead of faulting it in each time.

    Both thresholds (mallopt's M_TRIM_THRESHOLD and M_MMAP_THRESHOLD) become 1 GiB. Without glibc
    nothing happens.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-1, 2**30)
        libc.mallopt(-3, 2**30)


def describe_environment(device: torch.device, memory: int) -> dict[str, Any]:
    """The machine and the software, for a record."""
    import torch

    return {
        "versions": {"python": platform.python_version()} | _find_versions(),
        "cpu": _find_processor(),
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "device": str(device),
        "threads": torch.get_num_threads(),
        "memory": memory,
        "platform": platform.platform(),
        "git": _find_git_revision(),
    }


@cache
def _find_versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _find_processor() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        return next(
            line.partition(":")[2].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


@cache
def _find_git_revision() -> str | None:
    """The git revision of gfopt's checkout, with "+" if it has changes; None without git.

    Found once a process: its code was loaded once, too.
    """
    folder = Path(__file__).parent
    try:
        ask = ["git", "describe", "--always", "--dirty=+", "--abbrev=12"]
        found = subprocess.run(ask, cwd=folder, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


def _count_gpus() -> int:
    """The number of GPUs of the NVIDIA driver; 0 without a driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return 0
    return count.value


def _has_cuda_build() -> bool:
    return not version("torch").endswith("+cpu")


def _explain_missing_cuda() -> str:
    if not _has_cuda_build():
        return f"this torch ({version('torch')}) is built for the CPU only"
    return "the NVIDIA driver shows no GPU on this machine"
