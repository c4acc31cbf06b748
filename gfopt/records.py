"""A record: what one run of one optimizer and seed came to, and all that it takes to believe it.

The meeting point of training and reading: written by runs, read by tables and plots. No torch here.
A run's folder is runs/<run id>/ with record.json, history.csv and weights.safetensors; it appears
whole or not at all.
"""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

FILES = ("record.json", "history.csv", "weights.safetensors")  # of a run's folder
SCHEMA = 2  # raised when the meaning of a field changes: old runs are then run again


OTHER_WORK = 0.1  # processors' worth of others' work from which on seconds are not a time


class Status(StrEnum):
    """How a run ended. All but `failed` are results."""

    REACHED = "reached"
    BUDGET = "budget"
    DIVERGED = "diverged"
    FINISHED = "finished"
    CONSTANT = "constant"
    FAILED = "failed"


class Hit(BaseModel):
    """What one target of several came to: a record's fields of the same names, at its reading."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    target: str
    target_metric: str
    target_value: float
    status: Status
    epochs: float
    updates: int
    seconds: float
    cpu_seconds: float
    forward_passes: float | None
    backward_passes: float | None
    loss: float
    train_accuracy: float | None
    valid_loss: float | None
    valid_accuracy: float | None
    test_loss: float | None  # None where the run went on to other targets
    test_accuracy: float | None
    chance: float | None
    class_prior: float | None


class Tuning(BaseModel):
    """What the search for a run's options cost."""

    trials: int
    epochs: float
    passes: float | None
    seconds: float


class Record(BaseModel):
    """One run. Seconds are training time; sample-passes None where the rule makes its own.

    Of several targets the fields of the same names tell the last; `views` has each.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings", protected_namespaces=())

    optimizer: str
    label: str
    place: int = 0  # of the rule in its config
    seed: int
    status: Status
    epochs: float  # at the stop: to the target if reached
    seconds: float
    loss: float
    record_schema: int = SCHEMA
    id: str
    experiment: str
    dataset: str
    control_of: list[str] = []  # labels of the rules that this one is a control of
    tuned: Tuning | None = None
    target: str | None  # as the table shows it
    target_metric: str
    target_value: float | None
    reading: str
    path: str = "plain"
    replicas: int = 1  # run in one batch with this one: above 1 the seconds are the batch's
    repeat: int = 1  # 2: the same run once more, for how far seconds of equal runs lie apart
    other_work: float | None = None  # of the machine's processors while this ran, in processors
    peak_memory: int | None = None  # bytes, of the process while this ran
    products: tuple[int, int] | None = None  # multiply-adds of a sample-pass, forward and backward
    updates: int
    cpu_seconds: float
    forward_passes: float | None
    backward_passes: float | None
    train_accuracy: float | None
    valid_loss: float | None
    valid_accuracy: float | None
    test_loss: float | None = None
    test_accuracy: float | None = None
    hits: list[Hit] = []  # a target each, where there are several
    chance: float | None  # of the target's metric, or of the train loss
    class_prior: float | None
    levels: dict[str, Any]
    phases: dict[str, float]
    cpu_phases: dict[str, float]
    config: dict[str, Any]
    identity: dict[str, Any]  # what the id is the hash of
    hashes: dict[str, str]
    environment: dict[str, Any]
    notes: list[str] = []

    @property
    def accuracy(self) -> float | None:
        """On the held-out samples where there are some, else on the training samples."""
        return self.train_accuracy if self.valid_accuracy is None else self.valid_accuracy

    @property
    def reached(self) -> bool:
        """Whether the target was reached."""
        return self.status is Status.REACHED

    @property
    def passes(self) -> float | None:
        """Sample-passes, forward and backward."""
        return passes_of(self)

    @property
    def flops(self) -> float | None:
        """Floating-point operations of the passes' matrix products, a multiply-add being two."""
        if self.forward_passes is None or self.backward_passes is None or not self.products:
            return None
        forward, backward = self.products
        return 2 * (self.forward_passes * forward + self.backward_passes * backward)

    @property
    def timed(self) -> bool:
        """Whether the seconds are those of this run alone."""
        return self.replicas == 1

    @property
    def disturbed(self) -> bool:
        """Whether the machine did other work beside, so that the seconds are not a time."""
        return (self.other_work or 0.0) > OTHER_WORK

    def views(self) -> list[Record]:
        """A record for each target, as if it had been the only one."""
        return [self.model_copy(update=dict(hit)) for hit in self.hits] or [self]


class HistoryRow(BaseModel):
    """A line of history.csv: one reading."""

    epoch: float
    updates: int
    loss: float
    train_accuracy: float | None
    valid_loss: float | None
    valid_accuracy: float | None
    seconds: float
    cpu_seconds: float
    forward_passes: float | None
    backward_passes: float | None
    stage: int | None = None

    def value(self, metric: str) -> float | None:
        """A metric of this reading; None where it wasn't read."""
        value: float | None = self.loss if metric == "train_loss" else getattr(self, metric)
        return value


class Counted(Protocol):
    """A run or a reading: sample-passes up to there, None where they aren't counted."""

    @property
    def forward_passes(self) -> float | None: ...

    @property
    def backward_passes(self) -> float | None: ...


def passes_of(counted: Counted) -> float | None:
    """Sample-passes, forward and backward."""
    forward, backward = counted.forward_passes, counted.backward_passes
    return None if forward is None or backward is None else forward + backward


def read_record(folder: Path) -> Record | None:
    """The record in a run's folder; None where there is none that is sound and of this schema."""
    try:
        record = Record.model_validate_json((folder / "record.json").read_bytes())
    except (OSError, ValueError):
        return None
    return record if record.record_schema == SCHEMA else None


def read_finished(folder: Path) -> Record | None:
    """The record of a run whose folder is whole; None where the run must be made again."""
    whole = all((folder / name).is_file() for name in FILES)
    return read_record(folder) if whole else None


def find_folders(path: Path) -> list[Path]:
    """The run folders at or below a path, by name; not those still in the making."""
    folders = sorted(file.parent for file in path.rglob("record.json"))
    return [folder for folder in folders if not folder.name.startswith(".")]


def read_history(folder: Path) -> list[HistoryRow]:
    """The readings of a run."""
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return [HistoryRow.model_validate({k: v or None for k, v in row.items()}) for row in rows]


def write_history(folder: Path, rows: Iterable[tuple[Any, ...]]) -> None:
    """history.csv, a line a reading, at full precision."""
    with (folder / "history.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HistoryRow.model_fields)
        writer.writerows(rows)


def write_record(folder: Path, record: Record) -> None:
    """record.json."""
    text = record.model_dump_json(indent=1)
    (folder / "record.json").write_text(text + "\n", encoding="utf-8")


@contextmanager
def whole_folder(final: Path) -> Iterator[Path]:
    """A folder to fill that appears under its final name when complete, replacing an older one."""
    final.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=final.parent))
    try:
        yield making
        if final.exists():
            old = Path(tempfile.mkdtemp(prefix=".old-", dir=final.parent))
            final.replace(old / "run")
            making.replace(final)
            shutil.rmtree(old)
        else:
            making.replace(final)
        final.chmod(0o755)  # mkdtemp makes private folders
    finally:
        shutil.rmtree(making, ignore_errors=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
