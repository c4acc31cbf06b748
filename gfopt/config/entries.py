"""The entries of `optimizers:`: a registered optimizer, or a user's file; and their labels."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Container, Iterator
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field

from gfopt.config.optimizer_files import load_optimizer
from gfopt.config.validation import validate
from gfopt.config.yaml_file import Complaint, KeyPath
from gfopt.errors import UsageError, describe_unknown
from gfopt.optimizers.base import Optimizer, optimizers
from gfopt.optimizers.schedule import Schedule
from gfopt.options import Count, Options

if TYPE_CHECKING:
    from gfopt.engine.terms import Terms


@dataclass(frozen=True)
class Entry:
    """One entry of `optimizers:`: an optimizer with its options and training options."""

    name: str  # in the registry, or the stem of the user's file
    label: str
    options: dict[str, Any]  # as the run id sees them: with defaults if gfopt knows them
    batch_size: int | None = None
    schedule: Schedule | None = None
    file: Path | None = None  # the user's optimizer; imported only when a run is due
    optimizer: Optimizer | None = None  # None: from a user's file
    frozen_hidden: bool = False  # hidden layers keep their initial weights
    control_of: tuple[str, ...] = ()  # labels of the optimizers that it is a control of
    tuned: Tuned | None = None
    tuned_label: str = ""  # instead of a label that names options being tuned

    def training_options(self) -> dict[str, Any]:
        """The optimizer's options, batch size, schedule and freezing, as plain values."""
        return {
            "options": self.options,
            "batch_size": self.batch_size,
            "schedule": self.schedule and self.schedule.model_dump(mode="json"),
            "frozen_hidden": self.frozen_hidden,
        }

    def make_optimizer(self, depth: int) -> Optimizer:
        """The optimizer, checked against a network of this depth; may import torch.

        Raises UsageError if the user's file or an option is wrong.
        """
        from gfopt.optimizers.module_optimizer import ModuleOptimizer

        optimizer = self.optimizer
        if not optimizer:
            assert self.file
            optimizer, wrong = validate(
                load_optimizer(self.file), self.options, also=_TRAINING_KEYS
            )
            if not optimizer:
                lines = (f"{self.file}: {'.'.join(map(str, c.at))}: {c.message}" for c in wrong)
                raise UsageError("\n".join(lines))
        for message in self._find_refusals(optimizer, depth, with_torch=True):
            raise UsageError(f"{self.label}: {message}")
        if self.frozen_hidden and isinstance(optimizer, ModuleOptimizer):
            raise UsageError(
                f"{self.label}: frozen_hidden: torch modules define their own layers; remove it"
            )
        return optimizer

    def find_conflicts(self, terms: Terms, depth: int) -> Iterator[str]:
        """What the optimizer can't do in an experiment, as far as is known without torch."""
        if terms.every_updates and not self.batch_size:
            yield (
                "evaluate_every in updates needs mini-batches: set batch_size, or set "
                "evaluate_every: 1 epoch"
            )
        if terms.reading == "as_published" and self.batch_size:
            yield (
                "reading: as_published evaluates full-data passes: remove batch_size, or set "
                "reading: end_of_epoch"
            )
        if self.optimizer:
            if terms.reading == "as_published" and not self.optimizer.wants_pass:
                yield (
                    "reading: as_published needs an optimizer that uses full-data passes, and "
                    f"{self.name} doesn't: set reading: end_of_epoch"
                )
            yield from self._find_refusals(self.optimizer, depth)

    def _find_refusals(
        self, optimizer: Optimizer, depth: int, *, with_torch: bool = False
    ) -> Iterator[str]:
        """What the optimizer or its schedule refuses; `with_torch`: also what only torch knows."""
        if self.frozen_hidden and (depth == 1 or optimizer.trains != "all"):
            yield f"frozen_hidden: {self.name} moves no hidden layers here: remove it"
        if self.batch_size and optimizer.takes == "full":
            yield f"batch_size: {self.name} takes the full data only: remove batch_size"
        checks: list[Callable[[], None]] = []
        if with_torch or not optimizer.deferred:
            checks.append(lambda: optimizer.check(1 if self.frozen_hidden else depth))
        if schedule := self.schedule:
            checks += [lambda: schedule.fit(optimizer, self.batch_size)]
            checks += [schedule.check] if with_torch else []
        for check in checks:
            try:
                check()
            except ValueError as error:
                yield str(error)


class Tuned(Options):
    """What the search for an entry's options cost: written by `gfopt tune`."""

    trials: Count
    epochs: float
    passes: float | None  # forward + backward passes over the data; None: not counted
    seconds: float


class _Head(Options):
    """The keys of an entry that aren't the optimizer's own options."""

    model_config = ConfigDict(extra="allow")

    name: str | None = None
    file: str | None = None
    label: str | None = Field(default=None, min_length=1)
    batch_size: Count | None = None
    schedule: Schedule | None = None
    frozen_hidden: bool = False
    control_of: tuple[str, ...] = ()
    tuned: Tuned | None = None


# keys of an entry beside its optimizer's own
_TRAINING_KEYS = ("label", "batch_size", "schedule", "frozen_hidden", "control_of", "tuned")


def read_entries(
    given: Any, folder: Path, tune: Collection[str] = ()
) -> tuple[list[Entry], list[Complaint]]:
    """The entries of the list, with distinct labels, and every complaint about them.

    Args:
        given: The value of `optimizers:`.
        folder: What file names are relative to.
        tune: Options that are tuned, beside those that optimizers declare.
    """
    entries, complaints = [], []
    taken: dict[str, int] = {}
    for i, values in enumerate(given if isinstance(given, list) else []):
        at: KeyPath = ("optimizers", i)
        values = {"name": values} if isinstance(values, str) else values
        entry, found = _read_entry(values, folder, at)
        complaints += found
        if entry:
            entries.append(entry)
            if entry.label and taken.setdefault(entry.label, i) != i:
                said = (
                    f"duplicate label {entry.label!r}, also of optimizers.{taken[entry.label]}: "
                    "choose another"
                )
                complaints.append(Complaint((*at, "label"), said))
    return _add_labels(entries, tune), complaints


def _read_entry(values: Any, folder: Path, at: KeyPath) -> tuple[Entry | None, list[Complaint]]:
    head, complaints = validate(_Head, values, at)
    if not head:
        return None, complaints
    options = dict(head.model_extra or {})
    kind = optimizers.get(head.name) if head.name else None
    if head.frozen_hidden and kind and "frozen_hidden" in kind.model_fields:
        head = head.model_copy(update={"frozen_hidden": False})
        options["frozen_hidden"] = True  # the optimizer has an option of that name
    if (head.name is None) == (head.file is None):
        said = (
            "give either the name of an optimizer, `{name: adam}`, or your file, `{file: mine.py}`"
        )
        return None, [Complaint(at, said)]
    if head.file is not None:
        path = folder / head.file
        said = _check_python(path, head.file)
        if said:
            return None, [Complaint((*at, "file"), said)]
        return _make_entry(head, path.stem, options, file=path), []
    assert head.name
    if not kind:
        said = describe_unknown("optimizer", head.name, optimizers)
        return None, [Complaint((*at, "name"), said)]
    optimizer, complaints = validate(kind, options, at, also=_TRAINING_KEYS)
    if not optimizer:
        return None, complaints
    resolved = optimizer.model_dump(mode="json")
    return _make_entry(head, head.name, resolved, optimizer=optimizer), []


def _make_entry(
    head: _Head,
    name: str,
    options: dict[str, Any],
    *,
    optimizer: Optimizer | None = None,
    file: Path | None = None,
) -> Entry:
    return Entry(
        name,
        head.label or "",
        options,
        head.batch_size,
        head.schedule,
        file=file,
        optimizer=optimizer,
        frozen_hidden=head.frozen_hidden,
        control_of=head.control_of,
        tuned=head.tuned,
    )


def _check_python(path: Path, given: str) -> str:
    """What is wrong with a user's file before it is imported; empty: nothing."""
    if path.suffix != ".py":
        return f"must be a Python file, ending in .py (got {given!r})"
    try:
        ast.parse(path.read_bytes(), str(path))
    except OSError as error:
        return f"can't read {path}: {error.strerror}"
    except (SyntaxError, ValueError) as error:
        line, said = getattr(error, "lineno", None) or 1, getattr(error, "msg", str(error))
        return f"{path}:{line}: not Python: {said}"
    return ""


def pick_free_label(label: str, taken: Container[str]) -> str:
    """The label, with a number behind it if another entry has it: runs are kept by label."""
    numbered = (f"{label} #{n}" for n in count(2))
    return next(one for one in chain([label], numbered) if one not in taken)


def _add_labels(entries: list[Entry], tune: Collection[str]) -> list[Entry]:
    """Label each entry that has no label: by its name and, among several, by what differs."""
    labelled: list[Entry] = []
    for entry in entries:
        others = {e.label for e in entries if e.label and e is not entry}
        twins = [e for e in entries if e.name == entry.name and not e.label]
        taken = others | {e.label for e in labelled}
        label = pick_free_label(entry.label or _describe(entry, twins), taken)
        tuned = {*tune, *(entry.optimizer.space if entry.optimizer else ())}
        tuned_label = "" if entry.label else _describe(entry, twins, unsaid=tuned)
        labelled.append(replace(entry, label=label, tuned_label=tuned_label))
    return labelled


def _describe(entry: Entry, twins: list[Entry], unsaid: Container[str] = ()) -> str:
    """The name, and the options in which the entry differs from others of that name."""

    def options_of(e: Entry) -> dict[str, Any]:
        training = {
            "batch_size": e.batch_size,
            "schedule": e.schedule and e.schedule.name,
            "frozen_hidden": e.frozen_hidden or None,
        }
        return e.options | training

    keys = sorted({key for twin in twins for key in options_of(twin)})
    differing = [k for k in keys if len({repr(options_of(t).get(k)) for t in twins}) > 1]
    own = [
        f"{k}={_format(options_of(entry)[k])}"
        for k in differing
        if k not in unsaid and options_of(entry).get(k) is not None
    ]
    return " ".join([entry.name, *own])


def _format(value: Any) -> str:
    if isinstance(value, list):
        return "(" + ",".join(_format(v) for v in value) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)
