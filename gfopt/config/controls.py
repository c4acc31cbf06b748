"""`controls: standard`: what a rule's gain must be set against, added to the race.

For each rule that is raced, baselines (`_BASELINES`) aside:

uses gradients     gradient descent with rates multiplied per layer by the updates that the rule
                   gives each layer; with their mean, and their largest, as one rate; with the
                   rule's own rate, where no gradient descent is raced; Adam
gradient-free      random features; random search at the rule's forward passes an epoch
trains all layers  itself with its hidden layers left at their start

An entry that the file has already becomes the control itself, and so does an Adam of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from gfopt.config.entries import Entry, free
from gfopt.optimizers.base import optimizers

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment

_BASELINES = ("gradient_descent", "adam", "random_features", "random_search")


def with_controls(experiment: Experiment) -> Experiment:
    """The experiment with the controls of its rules, each behind all that is raced."""
    raced, added = list(experiment.entries), list[Entry]()
    for entry in experiment.entries:
        for control in _controls(entry, experiment):
            _join(control, raced if _place(control, raced) is not None else added)
    taken = {entry.label for entry in raced}
    return replace(experiment, entries=(*raced, *_relabelled(added, taken)))


def _relabelled(added: list[Entry], taken: set[str]) -> Iterator[Entry]:
    """The controls, under labels that no other entry has."""
    for entry in added:
        label = free(entry.label, taken)
        taken.add(label)
        yield replace(entry, label=label)


def _join(control: Entry, entries: list[Entry]) -> None:
    """Add the control, or note on the same entry what it is a control of."""
    place = _place(control, entries)
    if place is None:
        entries.append(control)
        return
    of = dict.fromkeys((*entries[place].control_of, *control.control_of))
    entries[place] = replace(entries[place], control_of=tuple(of))


def _place(control: Entry, entries: list[Entry]) -> int | None:
    """Where the list has an entry that runs the same."""
    same = (i for i, e in enumerate(entries) if _serves(e, control))
    return next(same, None)


def _serves(entry: Entry, control: Entry) -> bool:
    """Whether an entry runs the same, or is the one of its kind that a race needs."""
    if entry.name == control.name == "adam" and entry.batch_size == control.batch_size:
        return True
    ours, theirs = ((e.name, e.file, e.settings()) for e in (entry, control))
    return ours == theirs


def _controls(entry: Entry, experiment: Experiment) -> Iterator[Entry]:
    """The controls of one entry."""
    if entry.name in _BASELINES or entry.frozen_hidden:
        return
    yield from (
        _of_search(entry, experiment) if _gradient_free(entry) else _of_descent(entry, experiment)
    )
    if _trains_hidden(entry) and experiment.model.hidden:
        yield _frozen(entry)


def _frozen(entry: Entry) -> Entry:
    """The rule itself, moving the output layer alone."""
    words = "{}, hidden layers frozen"
    return replace(
        entry,
        label=words.format(entry.label),
        tuned_label=words.format(entry.tuned_label) if entry.tuned_label else "",
        frozen_hidden=True,
        control_of=(entry.label,),
    )


def _of_descent(entry: Entry, experiment: Experiment) -> Iterator[Entry]:
    """Gradient descent with the updates of the rule as rates, and Adam."""
    lr, depth = entry.options.get("lr"), experiment.depth
    updates = entry.made.updates_of_layers(depth) if entry.made else (1,) * depth
    if isinstance(lr, float) and all(e.name != "gradient_descent" for e in experiment.entries):
        label = f"gradient descent, lr {lr:g}"
        yield _control(entry, "gradient_descent", label, {"lr": lr}, "gradient descent")
    if isinstance(lr, float) and set(updates) != {1}:
        words = ", ".join(map(str, updates))
        rates = {"multipliers": [float(m) for m in updates], "lr": lr}
        yield _control(entry, "gradient_descent", f"gradient descent, rates x ({words})", rates)
        for factor in (sum(updates) / depth, max(updates)):
            label = f"gradient descent, rate x {factor:g}"
            options: dict[str, object] = {"lr": lr * factor}
            yield _control(entry, "gradient_descent", label, options, "gradient descent")
    yield _control(entry, "adam", "adam at its default lr", {}, "adam")


def _of_search(entry: Entry, experiment: Experiment) -> Iterator[Entry]:
    """What knows no direction: random features, random search at as many passes."""
    yield _control(entry, "random_features", "random features", {})
    data = experiment.dataset
    if entry.made and data.features:
        outputs = experiment.loss.outputs or data.classes or 1
        widths = (data.features, *experiment.model.hidden, outputs)
        members = max(1, round(entry.made.passes_of_an_epoch(widths)))
        yield _control(
            entry, "random_search", f"random search, {members} draws an epoch", {"members": members}
        )


def _control(
    of: Entry, name: str, label: str, options: dict[str, object], tuned_label: str = ""
) -> Entry:
    """An entry under the conditions of the one that it is a control of."""
    rule = optimizers[name]
    made = rule.model_validate(options)
    full = rule.takes == "full" or rule.once
    return Entry(
        name,
        label,
        made.model_dump(mode="json"),
        None if full else of.batch_size,
        of.schedule if "lr" in rule.model_fields and of.schedule else None,
        made=made,
        control_of=(of.label,),
        tuned_label=tuned_label,
    )


def _gradient_free(entry: Entry) -> bool:
    """Whether no derivative is taken: by none of its stages, where it is made of several."""
    rules = entry.made and (entry.made.parts() or [entry.made])
    return bool(rules) and all(rule.gradient_free for rule in rules or ())


def _trains_hidden(entry: Entry) -> bool:
    """Whether the rule moves the network's hidden layers; a torch module brings its own."""
    if entry.made:
        return entry.made.trains == "all" and not getattr(entry.made, "frozen_hidden", False)
    return entry.file is not None and "def make_model" not in entry.file.read_text("utf-8")
