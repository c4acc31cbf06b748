"""What must be known before a number of a table is read, each only when it applies."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gfopt.records import Record, Status
from gfopt.rows import Groups, differing, firsts, is_easy, names, seeds
from gfopt.timing import is_time, outliers, slow_first

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW = 5  # outliers that are named
_ENDS = {
    Status.BUDGET: "at the end of the budget",
    Status.DIVERGED: "diverged",
    Status.FINISHED: "finished by the rule itself",
    Status.CONSTANT: "with one output for all samples",
}


def cautions(groups: Groups) -> Iterator[str]:
    """All of them."""
    for part in (_easy_targets, _twins, _repeats, _mixes, _disturbed, _odd_times, _misses):
        yield from part(groups)


def _easy_targets(groups: Groups) -> Iterator[str]:
    """Targets that a network reaches by learning how frequent each class is, and nothing else."""
    for run in firsts(groups):
        if is_easy(run):
            yield (
                f"WARNING: the target {run.target} is no harder than the class-prior level "
                f"{run.class_prior:.6g}: a constant output reaches it."
            )


def _twins(groups: Groups) -> Iterator[str]:
    """Rows of one name whose runs were made under different conditions."""
    named: dict[str, list[Record]] = {}
    for name, run in zip(names(groups), firsts(groups), strict=True):
        named.setdefault(name, []).append(run)
    for name, runs in named.items():
        shown = {(run.dataset, run.target, run.reading, run.path) for run in runs}
        if len(runs) > len(shown):
            parts = ", ".join(differing([run.identity for run in runs], but=("seed", "replicas")))
            yield f"WARNING: {len(runs)} rows are called {name}; their runs differ in: {parts}."


def _repeats(groups: Groups) -> Iterator[str]:
    """Seeds that are in a row more than once, as where two machines ran them."""
    for name, runs in zip(names(groups), groups, strict=True):
        times = Counter(run.seed for run in runs)
        twice = ", ".join(str(seed) for seed in sorted(times) if times[seed] > 1)
        if twice:
            yield f"WARNING: {name}: more than one run of the seeds {twice}; each counts."


def _mixes(groups: Groups) -> Iterator[str]:
    """Machines, devices, threads and software that are not the same in all runs."""
    watched = ("versions", "cpu", "gpu", "threads", "device")
    runs = [run.environment for group in groups for run in group]
    kept = [{key: environment.get(key) for key in watched} for environment in runs]
    found = [
        f"{key.removeprefix('versions.')} ({', '.join(values)})"
        for key, values in differing(kept).items()
    ]
    if found:
        yield f"WARNING: the runs are of different machines or software: {'; '.join(found)}."


def _misses(groups: Groups) -> Iterator[str]:
    """Runs that ended elsewhere than at their target, and how."""
    told: dict[str | None, list[str]] = {}
    for name, runs in zip(names(groups), groups, strict=True):
        target = runs[0].target
        ends = Counter(run.status for run in runs if target or run.status is Status.DIVERGED)
        missed = {status: words for status, words in _ENDS.items() if ends[status]}
        if missed:
            how = ", ".join(f"{ends[status]} {words}" for status, words in missed.items())
            count = f"{sum(ends[status] for status in missed)} of {len(runs)} runs"
            told.setdefault(target, []).append(f"{name} {count} ({how})")
    for target, rows in told.items():
        what = f"Misses of {target}, counted as infinity" if target else "No loss"
        yield f"{what}: {'; '.join(rows)}."


def _disturbed(groups: Groups) -> Iterator[str]:
    """Rows whose seconds were measured beside other work."""
    counted = [
        (f"{name} ({sum(run.disturbed for run in runs)} of {len(runs)} runs)", is_time(runs))
        for name, runs in zip(names(groups), groups, strict=True)
        if runs[0].timed and any(run.disturbed for run in runs)
    ]
    for times, seconds in ((False, "are not a time"), (True, "are left out of pairs")):
        rows = [name for name, is_one in counted if is_one is times]
        if rows:
            yield (
                f"WARNING: the machine did other work beside {', '.join(dict.fromkeys(rows))}: "
                f"their seconds {seconds}."
            )


def _odd_times(groups: Groups) -> Iterator[str]:
    """Runs whose seconds an epoch lie apart from the others', to any of their targets."""
    found: dict[str, set[int]] = {}
    slow = set()
    for name, runs in zip(names(groups), groups, strict=True):
        found.setdefault(name, set()).update(outliers(runs))
        slow |= {name} if slow_first(runs) else set()
    for name, odd in found.items():
        if odd:
            first = ", the first run among them, on the slow side" if name in slow else ""
            yield (
                f"{name}: outliers in seconds an epoch (median absolute deviation): "
                f"{seeds(odd) if len(odd) <= FEW else f'{len(odd)} seeds'}{first}."
            )
