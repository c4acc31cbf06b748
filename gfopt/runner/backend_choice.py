"""Choose the backend of an experiment's runs, with the reason; tell which runs are timed. No torch.

All optimizers of an experiment share one backend if their seconds are compared. Vectorized seeds
have no seconds: there each optimizer has its own backend. The choice depends on the config and the
kind of device, never on the state of the machine: it is part of a run's id.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from gfopt.backends import Job, backends
from gfopt.errors import UsageError
from gfopt.optimizers.schedule import can_batch_seeds
from gfopt.runner.settings import parse_backend

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment
    from gfopt.runner.settings import Timing

PLAIN = "plain"  # the backend that computes every optimizer
MOST_TIMED_SEEDS = 5  # up to so many seeds, each run is made alone, for its seconds


class BackendChoice(NamedTuple):
    """A backend, and the reason in words."""

    backend: str
    reason: str


def choose_backend(
    experiment: Experiment,
    device_kind: str,
    asked: str = "auto",
    vectorized: Entry | None = None,
) -> BackendChoice:
    """The backend that all optimizers share, or that of the vectorized seeds of one entry.

    `asked`: a backend's name, or "auto". Raises UsageError with every reason if the backend asked
    for can't be used, and UnknownNameError if there is none of that name.
    """
    asked = parse_backend(asked)
    jobs = [
        Job(
            label=entry.label,
            name=entry.name,
            optimizer=entry.optimizer,
            batch_size=entry.batch_size,
            schedule=entry.schedule,
            frozen_hidden=entry.frozen_hidden,
            activations=experiment.model.activations(),
            loss=experiment.loss,
            device_kind=device_kind,
        )
        for entry in ([vectorized] if vectorized else experiment.entries)
    ]
    if asked != "auto":
        if refusals := _find_refusals(asked, jobs):
            raise UsageError("\n".join(f"--backend {asked}: {reason}" for reason in refusals))
        return BackendChoice(asked, "chosen by --backend")
    reasons = []
    for name in backends:
        if name == PLAIN or not backends[name].automatic:
            continue
        against = _find_refusals(name, jobs)
        if vectorized and vectorized.frozen_hidden and not backends[name].inputs_per_seed:
            against.append(
                f"{vectorized.label}: frozen hidden layers give each seed its own inputs, which "
                f"{name} doesn't vectorize"
            )
        if not against and experiment.budget.epochs < _find_worthwhile_epochs(name, jobs):
            against.append(f"{experiment.budget.epochs} epochs are too few to compile for")
        if not against:
            return BackendChoice(name, "it computes every optimizer here")
        reasons += against
    return BackendChoice(PLAIN, "; ".join(reasons))


def is_timed(experiment: Experiment, entry: Entry, timing: Timing = "auto") -> bool:
    """Whether each seed of this entry is a run of its own, whose seconds count."""
    if timing == "on" or (timing == "auto" and len(experiment.seeds) <= MOST_TIMED_SEEDS):
        return True
    return not (entry.optimizer and can_batch_seeds(entry.optimizer, entry.schedule))


def _find_refusals(name: str, jobs: Iterable[Job]) -> list[str]:
    """Every reason against a backend, each once."""
    backend = backends[name]()
    return list(dict.fromkeys(reason for job in jobs for reason in backend.find_refusals(job)))


def _find_worthwhile_epochs(name: str, jobs: Iterable[Job]) -> int:
    backend = backends[name]()
    return max(backend.find_worthwhile_epochs(job) for job in jobs)
