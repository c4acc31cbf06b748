"""Where and how to run. Only device and backend can change a result."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import ByteSize, TypeAdapter, ValidationError

from gfopt.errors import UnknownNameError, UsageError
from gfopt.model.dense import MEMORY
from gfopt.records.record import OLD_BACKENDS
from gfopt.runner.environment import find_device, find_device_kind, keep_memory

if TYPE_CHECKING:
    import torch

Timing = Literal["auto", "on", "off"]


def find_data_folder(given: Path | None = None) -> Path:
    """The data folder: the one given, then GFOPT_DATA, then the user cache."""
    if given or os.environ.get("GFOPT_DATA"):
        return given or Path(os.environ["GFOPT_DATA"])
    from platformdirs import user_cache_path

    return user_cache_path("gfopt")


def parse_memory(given: int | str) -> int:
    """Bytes, from a number or a text such as "1GiB". Raises UsageError for anything else."""
    try:
        size = int(TypeAdapter(ByteSize).validate_python(given))
    except ValidationError:
        size = 0
    if size < 1:
        raise UsageError(f"--memory: must be a size such as 512MiB or 1GiB (got {given!r})")
    return size


def parse_backend(given: str) -> str:
    """A backend's name, or "auto". Raises UnknownNameError if there is none of that name."""
    from gfopt.backends import backends

    name = OLD_BACKENDS.get(given, given)
    if name != "auto" and name not in backends:
        raise UnknownNameError("backend", given, ["auto", *backends])
    return name


@dataclass(frozen=True)
class RunSettings:
    """Where and how to run, as the command line and `gfopt.run` give it."""

    out: Path = Path("results")
    data: Path = field(default_factory=find_data_folder)
    device: str = "auto"  # auto, cpu, cuda or cuda:N
    threads: int | None = None  # None: torch's default
    memory: int = MEMORY  # bytes for a population's activations or for vectorized seeds
    offline: bool = False
    force: bool = False  # repeat finished runs
    fail_fast: bool = False
    backend: str = "auto"  # auto, or a name in the registry
    timing: Timing = "auto"

    @property
    def device_kind(self) -> str:
        """The kind of device, cpu or cuda. Raises UsageError if there is no such device."""
        return find_device_kind(self.device)

    def torch_device(self) -> torch.device:
        """The device itself. Raises UsageError if there is no such device."""
        return find_device(self.device)

    def set_up_process(self) -> None:
        """Set torch's threads and the allocator as these settings ask for."""
        import torch

        keep_memory()
        if self.threads:
            torch.set_num_threads(self.threads)
