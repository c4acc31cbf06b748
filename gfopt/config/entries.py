"""The entries of `optimizers:` — a registered rule, or a file of the user's — with their labels."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Container, Iterator
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field

from gfopt.config.rule_files import load_rule
from gfopt.config.source import Complaint, Path_
from gfopt.config.validation import validate
from gfopt.errors import UsageError, unknown
from gfopt.optimizers.base import Optimizer, optimizers
from gfopt.optimizers.schedule import Schedule
from gfopt.options import Count, Options

if TYPE_CHECKING:
    from gfopt.target import Terms


@dataclass(frozen=True)
class Entry:
    """One line of the race: a rule with its options."""

    name: str  # in the registry, or the stem of the user's file
    label: str
    options: dict[str, Any]  # as the run id sees them: with defaults where gfopt knows them
    batch_size: int | None = None
    schedule: Schedule | None = None
    file: Path | None = None  # the user's rule; imported only when a run is due
    made: Optimizer | None = None
    frozen_hidden: bool = False  # hidden layers keep their start (gfopt.frozen)
    control_of: tuple[str, ...] = ()  # labels of the rules that it is a control of
    tuned: Tuned | None = None
    tuned_label: str = ""  # in place of a label that tells what a tuning searches for

    def settings(self) -> dict[str, Any]:
        """What the rule is given, as plain values."""
        return {
            "options": self.options,
            "batch_size": self.batch_size,
            "schedule": self.schedule and self.schedule.model_dump(mode="json"),
            "frozen_hidden": self.frozen_hidden,
        }

    def rule(self, depth: int) -> Optimizer:
        """The optimizer itself, checked against a network of this depth; may import torch."""
        from gfopt.optimizers.module_rule import ModuleRule

        rule = self.made or self._from_its_file()
        for message in self._unfit(rule, depth, judged=True):
            raise UsageError(f"{self.label}: {message}")
        if self.frozen_hidden and isinstance(rule, ModuleRule):
            raise UsageError(f"{self.label}: frozen_hidden: torch modules have layers of their own")
        return rule

    def _from_its_file(self) -> Optimizer:
        """The user's rule with its options; UsageError tells all that is wrong with them."""
        assert self.file
        rule, complaints = validate(load_rule(self.file), self.options, also=_ALSO)
        if rule is None:
            wrong = (f"{self.file}: {'.'.join(map(str, c.at))}: {c.message}" for c in complaints)
            raise UsageError("\n".join(wrong))
        return rule

    def conflicts(self, terms: Terms, depth: int) -> Iterator[str]:
        """What the rule can't do in an experiment, as far as is known without torch."""
        if terms.every_updates and not self.batch_size:
            yield "evaluate_every in updates needs mini-batches: set batch_size, or read each epoch"
        if terms.reading == "as_published" and self.batch_size:
            yield (
                "reading as_published is of full-data passes: drop batch_size, or read end_of_epoch"
            )
        if self.made:
            if terms.reading == "as_published" and not self.made.wants_pass:
                yield (
                    "reading as_published needs a rule that works from full-data passes; "
                    f"{self.name} doesn't"
                )
            yield from self._unfit(self.made, depth)

    def _unfit(self, rule: Optimizer, depth: int, *, judged: bool = False) -> Iterator[str]:
        """What the rule refuses; `judged`: by torch too."""
        if self.frozen_hidden and (depth == 1 or rule.trains != "all"):
            yield f"frozen_hidden: {self.name} moves no hidden layers here"
        if self.batch_size and rule.takes == "full":
            yield f"batch_size: {self.name} takes the full data only: drop batch_size"
        checks: list[Callable[[], None]] = []
        if judged or not rule.deferred:
            checks.append(lambda: rule.check(1 if self.frozen_hidden else depth))
        if schedule := self.schedule:
            checks += [lambda: schedule.fit(rule, self.batch_size)]
            checks += [schedule.check] if judged else []
        for check in checks:
            try:
                check()
            except ValueError as error:
                yield str(error)


class Tuned(Options):
    """What the search for an entry's options cost: written by `gfopt tune`."""

    trials: Count
    epochs: float
    passes: float | None  # forward and backward ones over the data; None: not counted
    seconds: float


class _Head(Options):
    """The keys of an entry that aren't the rule's own options."""

    model_config = ConfigDict(extra="allow")

    name: str | None = None
    file: str | None = None
    label: str | None = Field(default=None, min_length=1)
    batch_size: Count | None = None
    schedule: Schedule | None = None
    frozen_hidden: bool = False
    control_of: tuple[str, ...] = ()
    tuned: Tuned | None = None


_ALSO = (
    "label",
    "batch_size",
    "schedule",
    "frozen_hidden",
    "control_of",
    "tuned",
)  # keys of an entry beside its rule's own


def read_entries(
    given: Any, folder: Path, tune: Collection[str] = ()
) -> tuple[list[Entry], list[Complaint]]:
    """The entries of the list, with distinct labels, and every complaint about them.

    `tune` are options that a tuning searches for beside those that rules declare.
    """
    entries, complaints = [], []
    taken: dict[str, int] = {}
    for i, values in enumerate(given if isinstance(given, list) else []):
        at: Path_ = ("optimizers", i)
        entry, found = _entry({"name": values} if isinstance(values, str) else values, folder, at)
        complaints += found
        if entry:
            entries.append(entry)
            if entry.label and taken.setdefault(entry.label, i) != i:
                said = f"optimizers.{taken[entry.label]} has the label {entry.label!r} already"
                complaints.append(Complaint((*at, "label"), said))
    return _labelled(entries, tune), complaints


def _entry(values: Any, folder: Path, at: Path_) -> tuple[Entry | None, list[Complaint]]:
    head, complaints = validate(_Head, values, at)
    if not head:
        return None, complaints
    options = dict(head.model_extra or {})
    if head.frozen_hidden and "frozen_hidden" in _own_options(head.name):
        head, options = (
            head.model_copy(update={"frozen_hidden": False}),
            options | {"frozen_hidden": True},
        )
    if (head.name is None) == (head.file is None):
        return None, [Complaint(at, "give either `name:` of a rule or `file:` of your own")]
    if head.file is not None:
        return _from_file(head, options, folder / head.file, at)
    assert head.name
    if head.name not in optimizers:
        return None, [Complaint((*at, "name"), unknown("optimizer", head.name, optimizers))]
    made, complaints = validate(optimizers[head.name], options, at, also=_ALSO)
    if not made:
        return None, complaints
    return _of(head, head.name, made.model_dump(mode="json"), made=made), []


def _of(head: _Head, name: str, options: dict[str, Any], **more: Any) -> Entry:
    """An entry with what its head says of every rule."""
    return Entry(
        name,
        head.label or "",
        options,
        head.batch_size,
        head.schedule,
        frozen_hidden=head.frozen_hidden,
        control_of=head.control_of,
        tuned=head.tuned,
        **more,
    )


def _own_options(name: str | None) -> dict[str, Any]:
    """The options that a registered rule has by itself."""
    return dict(optimizers[name].model_fields) if name and name in optimizers else {}


def _from_file(
    head: _Head, options: dict[str, Any], path: Path, at: Path_
) -> tuple[Entry | None, list[Complaint]]:
    """An entry whose file is there and is Python; what is in it is seen when a run is due."""
    if path.suffix != ".py":
        return None, [
            Complaint((*at, "file"), f"must be a Python file, ending in .py (got {head.file!r})")
        ]
    try:
        ast.parse(path.read_bytes(), str(path))
    except OSError as error:
        return None, [Complaint((*at, "file"), f"can't read {path}: {error.strerror}")]
    except (SyntaxError, ValueError) as error:
        line, said = getattr(error, "lineno", None) or 1, getattr(error, "msg", str(error))
        return None, [Complaint((*at, "file"), f"{path}:{line}: not Python: {said}")]
    return _of(head, path.stem, options, file=path), []


def free(label: str, taken: Container[str]) -> str:
    """The label, a number behind it where another entry has it: runs are kept by label."""
    numbered = (f"{label} #{n}" for n in count(2))
    return next(one for one in chain([label], numbered) if one not in taken)


def _labelled(entries: list[Entry], tune: Collection[str]) -> list[Entry]:
    """Give each entry without a label its name; of one name, what tells them apart too."""
    labelled: list[Entry] = []
    for entry in entries:
        others = {e.label for e in entries if e.label and e is not entry}
        twins = [e for e in entries if e.name == entry.name and not e.label]
        label = free(entry.label or _distinct(entry, twins), others | {e.label for e in labelled})
        searched = {*tune, *(entry.made.space if entry.made else ())}
        tuned_label = "" if entry.label else _distinct(entry, twins, unsaid=searched)
        labelled.append(replace(entry, label=label, tuned_label=tuned_label))
    return labelled


def _distinct(entry: Entry, twins: list[Entry], unsaid: Container[str] = ()) -> str:
    """The name and the options in which it differs from the others of that name."""

    def described(e: Entry) -> dict[str, Any]:
        schedule = e.schedule and e.schedule.name
        frozen = e.frozen_hidden or None
        return e.options | {
            "batch_size": e.batch_size,
            "schedule": schedule,
            "frozen_hidden": frozen,
        }

    keys = sorted({key for twin in twins for key in described(twin)})
    differing = [k for k in keys if len({repr(described(t).get(k)) for t in twins}) > 1]
    own = [
        f"{k}={_brief(described(entry)[k])}"
        for k in differing
        if k not in unsaid and described(entry).get(k) is not None
    ]
    return " ".join([entry.name, *own])


def _brief(value: Any) -> str:
    if isinstance(value, list):
        return "(" + ",".join(_brief(v) for v in value) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)
