"""`controls: standard`: add the controls without which a gain proves nothing.

Each optimizer of the experiment, baselines (`_BASELINES`) aside, gets:

uses gradients     gradient descent whose rate is multiplied, in each layer, by the number of
                   updates that the optimizer makes there; with their mean, and their maximum, as
                   one factor; with the optimizer's own rate, unless the experiment has gradient
                   descent; Adam
gradient-free      random features; random search with the optimizer's forward passes per epoch
trains all layers  itself with its hidden layers left at their initial weights

An entry of the file that is the same becomes the control itself, and so does its own Adam.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from gfopt.config.entries import Entry, pick_free_label
from gfopt.optimizers.base import optimizers

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment

_BASELINES = ("gradient_descent", "adam", "random_features", "random_search")


def add_controls(experiment: Experiment) -> Experiment:
    """The experiment with the controls of its optimizers, behind all of its own entries."""
    own, added = list(experiment.entries), list[Entry]()
    for entry in experiment.entries:
        for control in _list_controls(entry, experiment):
            _join(control, own if _find_same(control, own) is not None else added)
    taken = {entry.label for entry in own}
    for control in added:
        label = pick_free_label(control.label, taken)
        taken.add(label)
        own.append(replace(control, label=label))
    return replace(experiment, entries=tuple(own))


def _join(control: Entry, entries: list[Entry]) -> None:
    """Add the control, or note on the same entry what it is a control of."""
    place = _find_same(control, entries)
    if place is None:
        entries.append(control)
        return
    of = dict.fromkeys((*entries[place].control_of, *control.control_of))
    entries[place] = replace(entries[place], control_of=tuple(of))


def _find_same(control: Entry, entries: list[Entry]) -> int | None:
    """The place of an entry that serves as this control."""
    return next((i for i, entry in enumerate(entries) if _serves(entry, control)), None)


def _serves(entry: Entry, control: Entry) -> bool:
    """Whether an entry runs the same, or is the experiment's own Adam."""
    if entry.name == control.name == "adam" and entry.batch_size == control.batch_size:
        return True
    ours, theirs = ((e.name, e.file, e.training_options()) for e in (entry, control))
    return ours == theirs


def _list_controls(entry: Entry, experiment: Experiment) -> Iterator[Entry]:
    """The controls of one entry."""
    if entry.name in _BASELINES or entry.frozen_hidden:
        return
    if _is_gradient_free(entry):
        yield from _make_search_controls(entry, experiment)
    else:
        yield from _make_descent_controls(entry, experiment)
    if _trains_hidden(entry) and experiment.model.hidden:
        words = "{}, hidden layers frozen"
        yield replace(
            entry,
            label=words.format(entry.label),
            tuned_label=words.format(entry.tuned_label) if entry.tuned_label else "",
            frozen_hidden=True,
            control_of=(entry.label,),
        )


def _make_descent_controls(entry: Entry, experiment: Experiment) -> Iterator[Entry]:
    """Gradient descent with the optimizer's updates per layer as rates, and Adam."""
    lr, depth = entry.options.get("lr"), experiment.depth
    updates = entry.optimizer.updates_of_layers(depth) if entry.optimizer else (1,) * depth
    if isinstance(lr, float) and all(e.name != "gradient_descent" for e in experiment.entries):
        label = f"gradient descent, lr {lr:g}"
        yield _make_control(entry, "gradient_descent", label, {"lr": lr}, "gradient descent")
    if isinstance(lr, float) and set(updates) != {1}:
        words = ", ".join(map(str, updates))
        rates = {"multipliers": [float(m) for m in updates], "lr": lr}
        label = f"gradient descent, rates x ({words})"
        yield _make_control(entry, "gradient_descent", label, rates)
        for factor in (sum(updates) / depth, max(updates)):
            label = f"gradient descent, rate x {factor:g}"
            options: dict[str, object] = {"lr": lr * factor}
            yield _make_control(entry, "gradient_descent", label, options, "gradient descent")
    yield _make_control(entry, "adam", "adam at its default lr", {}, "adam")


def _make_search_controls(entry: Entry, experiment: Experiment) -> Iterator[Entry]:
    """What uses no direction: random features; random search with as many passes."""
    yield _make_control(entry, "random_features", "random features", {})
    data = experiment.dataset
    if entry.optimizer and data.features:
        outputs = experiment.loss.outputs or data.classes or 1
        widths = (data.features, *experiment.model.hidden, outputs)
        members = max(1, round(entry.optimizer.passes_of_an_epoch(widths)))
        label = f"random search, {members} draws an epoch"
        yield _make_control(entry, "random_search", label, {"members": members})


def _make_control(
    of: Entry, name: str, label: str, options: dict[str, object], tuned_label: str = ""
) -> Entry:
    """An entry with the training options of the one that it is a control of."""
    kind = optimizers[name]
    optimizer = kind.model_validate(options)
    full = kind.takes == "full" or kind.once
    return Entry(
        name,
        label,
        optimizer.model_dump(mode="json"),
        None if full else of.batch_size,
        of.schedule if "lr" in kind.model_fields and of.schedule else None,
        optimizer=optimizer,
        control_of=(of.label,),
        tuned_label=tuned_label,
    )


def _is_gradient_free(entry: Entry) -> bool:
    """Whether no derivative is taken: by none of its stages, if it has stages."""
    parts = entry.optimizer and (entry.optimizer.parts() or [entry.optimizer])
    return bool(parts) and all(part.gradient_free for part in parts or ())


def _trains_hidden(entry: Entry) -> bool:
    """Whether the network's hidden layers are trained; a torch module defines its own."""
    optimizer = entry.optimizer
    if optimizer:
        return optimizer.trains == "all" and not getattr(optimizer, "frozen_hidden", False)
    return entry.file is not None and "def make_model" not in entry.file.read_text("utf-8")
