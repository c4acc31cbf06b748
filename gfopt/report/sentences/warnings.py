"""What a reader must know before the numbers of a table, each sentence only when it applies."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gfopt.analysis.groups import (
    Groups,
    find_differences,
    is_easy,
    list_seeds,
    name_rows,
    pick_firsts,
)
from gfopt.analysis.timing import find_outliers, is_first_slow, is_reliable
from gfopt.records.record import Record, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_NAMED_OUTLIERS = 5
_ENDS = {  # without the target, and how the run counts
    Status.DIVERGED: "because training diverged",
    Status.FINISHED: "before the optimizer finished",
    Status.CONSTANT: "because all samples got one output",
}


def write_warnings(groups: Groups) -> Iterator[str]:
    """All of them."""
    yield from _warn_of_easy_targets(groups)
    yield from _warn_of_equal_names(groups)
    yield from _warn_of_repeated_seeds(groups)
    yield from _warn_of_mixed_machines(groups)
    yield from _warn_of_other_processes(groups)
    yield from _list_outliers(groups)
    yield from _list_misses(groups)


def warn_of_failures(labels: Sequence[str]) -> Iterator[str]:
    """A warning for each label of runs that raised: they have no results."""
    for label, count in Counter(labels).items():
        runs, verb = ("run", "is") if count == 1 else ("runs", "are")
        yield f"WARNING: {count} {runs} of {label} failed and {verb} not in the table."


def _warn_of_easy_targets(groups: Groups) -> Iterator[str]:
    for run in pick_firsts(groups):
        if is_easy(run):
            yield (
                f"WARNING: A constant predictor reaches the target {run.target}. "
                f"The constant-predictor baseline is {run.class_prior:.6g}."
            )


def _warn_of_equal_names(groups: Groups) -> Iterator[str]:
    """Rows of one name whose runs were made under different conditions."""
    named: dict[str, list[Record]] = {}
    for name, run in zip(name_rows(groups), pick_firsts(groups), strict=True):
        named.setdefault(name, []).append(run)
    for name, runs in named.items():
        shown = {(run.dataset, run.target, run.reading, run.backend) for run in runs}
        if len(runs) > len(shown):
            identities = [run.identity for run in runs]
            parts = ", ".join(find_differences(identities, but=("seed", "replicas")))
            yield f"WARNING: {len(runs)} rows are named {name}. Their runs differ in: {parts}."


def _warn_of_repeated_seeds(groups: Groups) -> Iterator[str]:
    """Seeds that a row has more than once, for example from two machines."""
    for name, runs in zip(name_rows(groups), groups, strict=True):
        counts = Counter(run.seed for run in runs)
        repeated = [seed for seed, count in counts.items() if count > 1]
        if repeated:
            seeds = list_seeds(repeated)
            yield f"WARNING: {name} has more than one run of {seeds}. Every run counts."


def _warn_of_mixed_machines(groups: Groups) -> Iterator[str]:
    watched = ("versions", "cpu", "gpu", "threads", "device")
    runs = [run.environment for group in groups for run in group]
    kept = [{key: environment.get(key) for key in watched} for environment in runs]
    found = [
        f"{key.removeprefix('versions.')} ({', '.join(values)})"
        for key, values in find_differences(kept).items()
    ]
    if found:
        yield f"WARNING: The runs come from different machines or software: {'; '.join(found)}."


def _warn_of_other_processes(groups: Groups) -> Iterator[str]:
    counted = [
        (f"{name} ({sum(run.disturbed for run in runs)} of {len(runs)} runs)", is_reliable(runs))
        for name, runs in zip(name_rows(groups), groups, strict=True)
        if runs[0].timed and any(run.disturbed for run in runs)
    ]
    unreliable = ", ".join(dict.fromkeys(row for row, reliable in counted if not reliable))
    if unreliable:
        yield f"WARNING: Timings unreliable: other processes were running during {unreliable}."
    usable = ", ".join(dict.fromkeys(row for row, reliable in counted if reliable))
    if usable:
        yield (
            f"WARNING: Other processes were running during {usable}. "
            "Comparisons of seconds leave these runs out."
        )


def _list_outliers(groups: Groups) -> Iterator[str]:
    """Seeds with unusual seconds per epoch, to any of their targets."""
    found: dict[str, set[int]] = {}
    slow = set()
    for name, runs in zip(name_rows(groups), groups, strict=True):
        found.setdefault(name, set()).update(find_outliers(runs))
        slow |= {name} if is_first_slow(runs) else set()
    for name, odd in found.items():
        if odd:
            seeds = list_seeds(odd) if len(odd) <= MAX_NAMED_OUTLIERS else f"{len(odd)} seeds"
            first = " The first run was slow." if name in slow else ""
            yield f"{name}: outliers in seconds per epoch (by median deviation): {seeds}.{first}"


def _list_misses(groups: Groups) -> Iterator[str]:
    """Runs without the target, by the way in which they ended."""
    several = len({runs[0].target for runs in groups}) > 1
    found: dict[tuple[str, str], list[str]] = {}
    for name, runs in zip(name_rows(groups), groups, strict=True):
        aim = f"Target {runs[0].target}" if several else "Target"
        ends = Counter(_describe_end(run, aim) for run in runs)
        for end, count in ends.items():
            if end:
                found.setdefault(end, []).append(f"{name} {count} of {len(runs)} runs")
    for (words, counted), rows in found.items():
        yield f"{words}: {'; '.join(rows)}{counted}."


def _describe_end(run: Record, aim: str) -> tuple[str, str] | None:
    """How a run ended and how it counts; None if it reached its target, or had none to miss."""
    if not run.target:
        return ("Training diverged", "") if run.status is Status.DIVERGED else None
    if run.status is Status.BUDGET:
        return f"{aim} not reached within {run.limit or 'the budget'}", " (censored)"
    if run.status in _ENDS:
        return f"{aim} not reached {_ENDS[run.status]}", " (counted as never reaching it)"
    return None
