"""Which code path an experiment's runs take, and why; and which are made in batches. No torch here.

plain     each rule as its file states it
compiled  compiled loops on the CPU (gfopt.compiled): the same results but for rounding
graph     a CUDA graph of each epoch (gfopt.graphs): the same operations, replayed. Never chosen by
          itself so far: it has not been run on a GPU

One path for all rules of an experiment where their seconds are compared; in batches of seeds, which
have no seconds, each rule takes its own. It depends on the config alone, never on the state of the
machine: it is part of a run's id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from gfopt import graphs
from gfopt.compiled import compiled
from gfopt.errors import UsageError
from gfopt.optimizers.schedule import batched

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment

PLAIN, COMPILED, GRAPH = "plain", "compiled", "graph"
TIMED = 5  # seeds up to which each run is made alone, for its seconds

Asked = Literal["auto", "plain", "compiled", "graph"]
Timing = Literal["auto", "on", "off"]


class Choice(NamedTuple):
    """A path, and the reason in words."""

    path: str
    reason: str


def choose(
    experiment: Experiment,
    device_kind: str,
    asked: Asked = "auto",
    entries: tuple[Entry, ...] = (),
) -> Choice:
    """The path that these entries take together; by default all of the experiment's.

    Raises UsageError where the path asked for can't be had; it tells every reason.
    """
    experiment = replace(experiment, entries=entries or experiment.entries)
    against = list(dict.fromkeys(_OBSTACLES[asked](experiment, device_kind)))
    if asked == "auto" and any(entry.frozen_hidden for entry in entries):
        against.append("with frozen hidden layers each seed has inputs of its own: one plain batch")
    if asked != "auto":
        if against:
            raise UsageError("\n".join(f"--path {asked}: {reason}" for reason in against))
        return Choice(asked, "asked for by --path")
    if not against:
        against = [f"{experiment.budget.epochs} epochs don't repay compiling"] * _brief(experiment)
    if against:
        return Choice(PLAIN, "; ".join(against))
    return Choice(COMPILED, "every rule here has compiled loops")


def alone(experiment: Experiment, entry: Entry, timing: Timing = "auto") -> bool:
    """Whether each seed of this entry is a run of its own, whose seconds count."""
    if timing == "on" or (timing == "auto" and len(experiment.seeds) <= TIMED):
        return True
    return not (entry.made and batched(entry.made, entry.schedule))


def _obstacles(experiment: Experiment, device_kind: str) -> Iterator[str]:
    """What keeps the experiment from the compiled path."""
    if device_kind != "cpu":
        yield "compiled loops run on the CPU only"
    for entry in experiment.entries:
        if not entry.made or entry.name not in compiled:
            yield f"{entry.name} has no compiled loops"
        elif not compiled[entry.name].pieces and (entry.batch_size or entry.schedule):
            what = "mini-batches" if entry.batch_size else "schedules"
            yield f"{entry.label}: compiled loops take no {what}"
        else:
            functions = tuple(experiment.model.activations())
            known = () if entry.frozen_hidden else functions
            reason = compiled[entry.name]().unfit(entry.made, known, experiment.loss)
            if reason:
                yield f"{entry.label}: {reason}"


def _ungraphed(experiment: Experiment, device_kind: str) -> Iterator[str]:
    """What keeps the experiment from CUDA graphs."""
    if device_kind != "cuda":
        yield "CUDA graphs need a GPU"
    for entry in experiment.entries:
        if entry.frozen_hidden:
            yield f"{entry.label}: frozen hidden layers are not known to replay"
        reason = graphs.unfit(entry.made, entry.batch_size, entry.schedule) if entry.made else ""
        if reason or not entry.made:
            yield f"{entry.label}: {reason or 'a rule of your own is not known to replay'}"


_OBSTACLES = {
    "auto": _obstacles,
    PLAIN: lambda experiment, device_kind: iter(()),
    COMPILED: _obstacles,
    GRAPH: _ungraphed,
}


def _brief(experiment: Experiment) -> bool:
    """Whether compiling would take longer than the runs."""
    repaid = max(compiled[entry.name].repaid for entry in experiment.entries)
    return experiment.budget.epochs < repaid
