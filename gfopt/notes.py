"""The sentences under a table: what its numbers are and aren't, each only when it applies."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from gfopt.records import Record, Status
from gfopt.statistics import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Groups = list[list[Record]]  # the runs of each row

_READINGS = {
    "end_of_epoch": "epochs = completed epochs when the {metric} of the resulting parameters is "
    "first {met} the target; the start is epoch 0.",
    "as_published": "epochs = index, from 0, of the epoch whose last known full-data pass is {met} "
    "the target, as the published program counts.",
}
_ENDS = {
    Status.BUDGET: "at the end of the budget",
    Status.DIVERGED: "diverged",
    Status.FINISHED: "finished by the rule itself",
}


def footer(groups: Groups) -> list[str]:
    """All notes of a table, warnings first, each once."""
    if not groups:
        return []
    return list(dict.fromkeys(sentence for part in _parts() for sentence in part(groups)))


def failures(labels: Sequence[str]) -> list[str]:
    """What the rows leave out: runs that raised, by label."""
    return [
        f"WARNING: {count} {'run' if count == 1 else 'runs'} of {label} failed and "
        f"{'is' if count == 1 else 'are'} in no row: a failure is no result."
        for label, count in Counter(labels).items()
    ]


def _parts() -> Iterator[Callable[[Groups], Iterator[str]]]:
    """What is looked at, in the order in which it is told."""
    yield from (_easy_targets, _twins, _repeats, _mixes, _misses)
    yield from (_readings, _intervals, _skips, _outcomes, _spreads, _few_seeds, _levels)
    yield from (_batches, _paths, _compiled, _uncounted, _untuned, _own)


def is_accuracy(run: Record) -> bool:
    """Whether the target's metric is one of which more is better."""
    return run.target_metric.endswith("accuracy")


def is_easy(run: Record) -> bool:
    """Whether the target is no harder than what the best constant output reaches."""
    if run.target is None or run.target_value is None or run.class_prior is None:
        return False
    gap = run.target_value - run.class_prior
    return gap <= 0 if is_accuracy(run) else gap >= 0


def level(run: Record, value: float) -> str:
    """A value of the target's metric in words."""
    return f"{100 * value:.1f} %" if is_accuracy(run) else f"{value:.6g}"


def _easy_targets(groups: Groups) -> Iterator[str]:
    """Targets that a network reaches by learning how frequent each class is, and nothing else."""
    for run in _firsts(groups):
        if is_easy(run):
            yield (
                f"WARNING: the target {run.target} is no harder than the class-prior level "
                f"{run.class_prior:.6g}: a constant output reaches it."
            )


def _twins(groups: Groups) -> Iterator[str]:
    """Rows of one name whose runs were made under different conditions."""
    named: dict[str, list[Record]] = {}
    for name, run in zip(_names(groups), _firsts(groups), strict=True):
        named.setdefault(name, []).append(run)
    for name, runs in named.items():
        shown = {(run.dataset, run.target, run.reading, run.path) for run in runs}
        if len(runs) > len(shown):
            parts = ", ".join(_differing([run.identity for run in runs], but=("seed", "replicas")))
            yield f"WARNING: {len(runs)} rows are called {name}; their runs differ in: {parts}."


def _repeats(groups: Groups) -> Iterator[str]:
    """Seeds that are in a row more than once, as where two machines ran them."""
    for name, runs in zip(_names(groups), groups, strict=True):
        times = Counter(run.seed for run in runs)
        twice = ", ".join(str(seed) for seed in sorted(times) if times[seed] > 1)
        if twice:
            yield f"WARNING: {name}: more than one run of the seeds {twice}; each counts."


def _misses(groups: Groups) -> Iterator[str]:
    """Runs that ended elsewhere than at their target, and how."""
    for name, runs in zip(_names(groups), groups, strict=True):
        aimed = runs[0].target is not None
        ends = Counter(run.status for run in runs if aimed or run.status is Status.DIVERGED)
        missed = {status: words for status, words in _ENDS.items() if ends[status]}
        if missed:
            how = ", ".join(f"{ends[status]} {words}" for status, words in missed.items())
            count = f"{sum(ends[status] for status in missed)} of {len(runs)} runs"
            what = "missed the target and count as infinity" if aimed else "have no loss"
            yield f"{name}: {count} {what} ({how})."


def _readings(groups: Groups) -> Iterator[str]:
    """What is counted."""
    several = len({run.reading for run in _firsts(groups)}) > 1
    for run in _firsts(groups):
        metric, met = ("accuracy", "at or above") if is_accuracy(run) else ("loss", "below")
        sentence = _READINGS[run.reading].format(metric=metric, met=met)
        if run.target is None:
            yield "epochs = epochs as run: there is no target."
        else:
            yield f"Reading {run.reading}: {sentence}" if several else sentence


def _intervals(groups: Groups) -> Iterator[str]:
    """Where readings come in updates."""
    for run in _firsts(groups):
        every = run.config.get("evaluate_every", "1 epoch")
        if every != "1 epoch":
            yield f"Read every {every}: epochs are fractional, updates / updates per epoch."


def _skips(groups: Groups) -> Iterator[str]:
    """The quirk by which some readings can't stop a run."""
    for run in _firsts(groups):
        skipped = (run.identity.get("target") or {}).get("skip_every")
        if skipped:
            yield (
                f"skip_every {skipped}: epochs that {skipped} divides can't end a run, as in the "
                "published program."
            )


def _outcomes(groups: Groups) -> Iterator[str]:
    """What loss, accuracy and seconds are of."""
    first = "seconds = training, without evaluation; loss = train loss at the stop"
    known = {run.valid_accuracy is not None for run in _firsts(groups) if run.accuracy is not None}
    parts = {True: "held-out", False: "training"}
    where = " or ".join(parts[held_out] for held_out in sorted(known, reverse=True))
    yield f"{first}; accuracy on the {where} samples." if known else f"{first}."


def _spreads(groups: Groups) -> Iterator[str]:
    sizes = [len(runs) for runs in groups]
    if max(sizes) == 1:
        return
    few = f"their minimum and maximum below {ENOUGH} seeds" if min(sizes) < ENOUGH else ""
    many = "the 95 % interval of the median (order statistics)" if max(sizes) >= ENOUGH else ""
    if few and many:
        many += f" from {ENOUGH} on"
    none = "; none for one seed" if min(sizes) == 1 else ""
    yield f"Medians over seeds; lo and hi are {', '.join(filter(None, (few, many)))}{none}."


def _few_seeds(groups: Groups) -> Iterator[str]:
    sizes = sorted({len(runs) for runs in groups if len(runs) < ENOUGH})
    if sizes == [1]:
        yield "1 seed a row: one start each, other starts may come out in another order."
    elif sizes:
        count = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        yield f"{count} seeds a row: few starts, small differences between rows may be chance."


def _levels(groups: Groups) -> Iterator[str]:
    """What knowing nothing of the inputs gives."""
    for run in _firsts(groups):
        told = {"chance": run.chance, "class prior (best constant output)": run.class_prior}
        known = [f"{name} {level(run, v)}" for name, v in told.items() if v is not None]
        if known:
            yield f"Levels of {run.target_metric} on {run.dataset}: {', '.join(known)}."


def _mixes(groups: Groups) -> Iterator[str]:
    """Machines, devices, threads and software that are not the same in all runs."""
    watched = ("versions", "cpu", "gpu", "threads", "device")
    runs = [run.environment for group in groups for run in group]
    kept = [{key: environment.get(key) for key in watched} for environment in runs]
    differing = [
        f"{key.removeprefix('versions.')} ({', '.join(values)})"
        for key, values in _differing(kept).items()
    ]
    if differing:
        yield f"WARNING: the runs are of different machines or software: {'; '.join(differing)}."


def _batches(groups: Groups) -> Iterator[str]:
    if any(run.replicas > 1 for runs in groups for run in runs):
        yield "No seconds where seeds ran in one batch: a batch's time is no single run's."


def _paths(groups: Groups) -> Iterator[str]:
    paths = sorted({run.path for run in _firsts(groups)})
    if len(paths) > 1:
        yield f"Seconds of different code paths ({', '.join(paths)}) are not to be compared."


def _compiled(groups: Groups) -> Iterator[str]:
    """What the path stands for."""
    if any(run.path == "compiled" for run in _firsts(groups)):
        yield (
            "Path compiled: compiled loops with the results of the plain path but for rounding; "
            "compile_seconds are not among seconds."
        )


def _uncounted(groups: Groups) -> Iterator[str]:
    named = zip(_names(groups), _firsts(groups), strict=True)
    names = dict.fromkeys(name for name, run in named if run.forward_passes is None)
    if names:
        yield f"Sample-passes are not counted for {', '.join(names)}: passes of the rule's own."


def _untuned(_: Groups) -> Iterator[str]:
    yield (
        "Learning rates and other options are those of the config, not tuned alike: the order of "
        "rows is no ranking of methods."
    )


def _own(groups: Groups) -> Iterator[str]:
    """What the runs themselves had to say."""
    for runs in groups:
        for run in runs:
            yield from run.notes


def _firsts(groups: Groups) -> list[Record]:
    """A run of each row: for what all of the row share."""
    return [runs[0] for runs in groups]


def _names(groups: Groups) -> list[str]:
    """What to call each row: its label, with the experiment where there are several."""
    firsts = _firsts(groups)
    several = len({run.experiment for run in firsts}) > 1
    return [f"{run.experiment}/{run.label}" if several else run.label for run in firsts]


def _differing(each: list[dict[str, Any]], but: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Dotted key -> its distinct values in words, for every key whose values differ."""
    flat = [_flat(values) for values in each]
    keys = dict.fromkeys(key for values in flat for key in values if key not in but)
    found = {key: list(dict.fromkeys(values.get(key, "none") for values in flat)) for key in keys}
    return {key: values for key, values in found.items() if len(values) > 1}


def _flat(values: dict[str, Any], at: str = "") -> dict[str, str]:
    """Nested values under dotted keys, each as text."""
    found: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{at}{key}.")
        else:
            found[f"{at}{key}"] = value if isinstance(value, str) else json.dumps(value)
    return found
