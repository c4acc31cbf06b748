"""The entries of a tuning: one for each search, under labels that hold for any settings found."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from gfopt.config.entries import pick_free_label
from gfopt.runner.identity import digest
from gfopt.studies.tune.spaces import find_spaces

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment
    from gfopt.search_space import Space


def merge_searches(experiment: Experiment) -> tuple[Entry, ...]:
    """The experiment's entries; only the first of those that differ in tuned options alone.

    A label that gfopt made from such an option ("rate x 2.5", "lr=0.1") is not true of the settings
    found: the entry has its `tuned_label` instead.
    """
    spaces = find_spaces(experiment)
    alike: dict[str, list[Entry]] = {}
    for entry in experiment.entries:
        alike.setdefault(_digest_search(entry, spaces[entry.label]), []).append(entry)
    labels = _choose_labels(alike.values(), spaces)
    return tuple(_merge(entries, labels) for entries in alike.values())


def _digest_search(entry: Entry, space: Space) -> str:
    """A digest of the entry without its tuned options."""
    training = entry.training_options()
    fixed = {name: value for name, value in training["options"].items() if name not in space}
    return digest([entry.name, str(entry.file), training | {"options": fixed}])


def _choose_labels(alike: Collection[list[Entry]], spaces: dict[str, Space]) -> dict[str, str]:
    """The config's label -> the tuning's label."""
    firsts = [entries[0] for entries in alike]
    renamed = {e.label: e.tuned_label for e in firsts if e.tuned_label and spaces[e.label]}
    taken = {entry.label for entry in firsts} - renamed.keys()
    labels: dict[str, str] = {}
    for first, *others in alike:
        label = first.label
        if label in renamed:
            label = pick_free_label(renamed[label], taken)
        taken.add(label)
        labels |= {entry.label: label for entry in (first, *others)}
    return labels


def _merge(entries: list[Entry], labels: dict[str, str]) -> Entry:
    """The first of the entries of one search; a control of whatever one of them is a control of."""
    label = labels[entries[0].label]
    of = dict.fromkeys(labels.get(name, name) for entry in entries for name in entry.control_of)
    return replace(entries[0], label=label, control_of=tuple(name for name in of if name != label))
