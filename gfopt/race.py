"""A race: run what is missing of an experiment, then write its table and its picture."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import ByteSize, TypeAdapter, ValidationError

from gfopt.environment import device_kind
from gfopt.errors import UsageError
from gfopt.formats import formats
from gfopt.paths import Asked, Timing
from gfopt.plans import Run, ordered, plan
from gfopt.problem import MEMORY
from gfopt.records import Record, read_history, write_whole
from gfopt.runs import Failure, Machine, execute
from gfopt.tables import Table, summarise

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.outcomes import Row


@dataclass(frozen=True)
class Setting:
    """Where and how to run: of all this only device and path can change a number."""

    out: Path = Path("results")
    data: Path = field(default_factory=lambda: data_folder(None))
    device: str = "auto"
    threads: int | None = None
    memory: int = MEMORY
    offline: bool = False
    force: bool = False
    fail_fast: bool = False
    path: Asked = "auto"
    timing: Timing = "auto"


@dataclass(frozen=True)
class Result:
    """What an experiment came to. In a notebook it shows itself as its table."""

    experiment: Experiment
    records: list[Record]
    failures: list[Failure]
    table: Table
    folder: Path

    def _repr_markdown_(self) -> str:
        return formats["md"](self.table)

    def __str__(self) -> str:
        return formats["md"](self.table)


class Listener(Protocol):
    """Who is told how a race goes."""

    def begin(self, experiment: Experiment, due: list[Run], done: int) -> None: ...

    def reading(self, run: Run, row: Row) -> None: ...

    def end(self, ended: Record | Failure) -> None: ...


class Silence:
    """A listener that says nothing."""

    def begin(self, experiment: Experiment, due: list[Run], done: int) -> None:
        """Nothing."""

    def reading(self, run: Run, row: Row) -> None:
        """Nothing."""

    def end(self, ended: Record | Failure) -> None:
        """Nothing."""


def race(
    experiment: Experiment, setting: Setting, listener: Listener, *, write: bool = True
) -> Result:
    """Run what is missing, in order; write its tables and its picture.

    Without `write` the runs are made and kept, none twice, and the experiment's own table stays as
    it is.
    On an interruption the table of what is finished is written before KeyboardInterrupt goes on.
    """
    folder = setting.out / experiment.name
    _open(folder)
    kind = device_kind(setting.device)
    runs = plan(experiment, setting.out, kind, setting.path, setting.timing, again=write)
    due = [run for run in runs if setting.force or not run.record]
    records = {_key(run): run.record for run in runs if run.record}
    failures: list[Failure] = []
    listener.begin(experiment, due, len(runs) - len(due))
    try:
        for ended in _made(experiment, due, setting, listener):
            listener.end(ended)
            if isinstance(ended, Record):
                records[ended.label, ended.seed, ended.repeat] = ended
            else:
                failures.append(ended)
                records.pop(_key(ended.run), None)
            if failures and setting.fail_fast:
                break
    finally:
        found = ordered(experiment, records.values())
        failed = [failure.run.entry.label for failure in failures]
        table = _write(folder, found, failed) if write else summarise(found, failed)
    return Result(experiment, _once(found), failures, table, folder)


def _key(run: Run) -> tuple[str, int, int]:
    return run.entry.label, run.seed, run.repeat


def _once(records: list[Record]) -> list[Record]:
    """Without the repeats."""
    return [record for record in records if record.repeat == 1]


def data_folder(given: Path | None) -> Path:
    """--data, else GFOPT_DATA, else the user's cache folder."""
    if given or os.environ.get("GFOPT_DATA"):
        return given or Path(os.environ["GFOPT_DATA"])
    from platformdirs import user_cache_path

    return user_cache_path("gfopt")


def parse_memory(given: int | str) -> int:
    """Bytes from a number or a text such as "1GiB"; UsageError where it is neither."""
    try:
        size = int(TypeAdapter(ByteSize).validate_python(given))
    except ValidationError:
        size = 0
    if size < 1:
        raise UsageError(f"--memory: must be a size such as 512MiB or 1GiB (got {given!r})")
    return size


def machine_of(setting: Setting) -> Machine:
    """The machine that the setting describes, its threads and its allocator set."""
    import torch

    from gfopt.environment import keep_memory, torch_device

    keep_memory()
    if setting.threads:
        torch.set_num_threads(setting.threads)
    return Machine(torch_device(setting.device), setting.data, setting.offline, setting.memory)


def _made(
    experiment: Experiment, due: list[Run], setting: Setting, listener: Listener
) -> Iterator[Record | Failure]:
    """The runs that are due, each as it ends; where none is, no torch is loaded."""
    if due:
        yield from execute(experiment, due, machine_of(setting), listener.reading)


def _open(folder: Path) -> None:
    """Make the folder now, so that a run of an hour doesn't end at a closed door."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / ".writable", "")
        (folder / ".writable").unlink()
    except OSError as error:
        raise UsageError(f"--out: can't write to {folder}: {error.strerror}") from error


def _write(folder: Path, records: list[Record], failed: list[str]) -> Table:
    """table.csv, table.md and curves.png of these records; only what has changed."""
    table = summarise(records, failed)
    if not records:
        return table
    changed = _update(folder / "table.csv", formats["csv"](table))
    for name, other in table.more.items():
        _update(folder / f"{name}.csv", formats["csv"](other))
    _update(folder / "table.md", formats["md"](table))
    if changed or not (folder / "curves.png").is_file():
        _draw(folder, _once(records))
    return table


def _update(path: Path, text: str) -> bool:
    """Write the text unless it is there already; whether it was written."""
    if path.is_file() and path.read_text("utf-8") == text:
        return False
    write_whole(path, text)
    return True


def _draw(folder: Path, records: list[Record]) -> None:
    from gfopt.plots import draw

    histories = [read_history(folder / "runs" / record.id) for record in records]
    draw(records, histories, folder / "curves.png", "png")
