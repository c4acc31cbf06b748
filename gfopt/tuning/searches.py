"""The entries of a tuning: one for each search, under labels that hold at any setting found."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from gfopt.config.entries import free
from gfopt.identity import digest
from gfopt.tuning.spaces import spaces

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment
    from gfopt.space import Space


def searches(experiment: Experiment) -> tuple[Entry, ...]:
    """The experiment's entries; of those that differ in what is tuned alone, the first.

    A label that gfopt made of such a value ("rate x 2.5", "lr=0.1") isn't true of what is found:
    the entry has its `tuned_label` there.
    """
    chosen = spaces(experiment)
    alike: dict[str, list[Entry]] = {}
    for entry in experiment.entries:
        alike.setdefault(_search(entry, chosen[entry.label]), []).append(entry)
    labels = _labels(alike.values(), chosen)
    return tuple(_one(entries, labels) for entries in alike.values())


def _search(entry: Entry, space: Space) -> str:
    """A digest of the entry but for what is tuned."""
    settings = entry.settings()
    fixed = {name: value for name, value in settings["options"].items() if name not in space}
    return digest([entry.name, str(entry.file), settings | {"options": fixed}])


def _labels(alike: Collection[list[Entry]], chosen: dict[str, Space]) -> dict[str, str]:
    """The label in the tuning for each of the config's."""
    firsts = [entries[0] for entries in alike]
    renamed = {e.label: e.tuned_label for e in firsts if e.tuned_label and chosen[e.label]}
    taken = {entry.label for entry in firsts} - renamed.keys()
    labels: dict[str, str] = {}
    for first, *others in alike:
        label = free(renamed[first.label], taken) if first.label in renamed else first.label
        taken.add(label)
        labels |= {entry.label: label for entry in (first, *others)}
    return labels


def _one(entries: list[Entry], labels: dict[str, str]) -> Entry:
    """The first of entries with one search, a control of all that they are controls of."""
    label = labels[entries[0].label]
    of = dict.fromkeys(labels.get(rule, rule) for entry in entries for rule in entry.control_of)
    return replace(entries[0], label=label, control_of=tuple(rule for rule in of if rule != label))
