"""The sentences under a table: what its numbers are and aren't, each only when it applies."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gfopt.cautions import cautions
from gfopt.findings import findings
from gfopt.pairs import race_of
from gfopt.records import Record
from gfopt.rows import Groups, firsts, is_accuracy, level, names
from gfopt.statistics import ENOUGH
from gfopt.timing import noise_floor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gfopt.pairs import Pair
    from gfopt.timing import Floor

FEW = 10  # seeds below which every value is told

_READINGS = {
    "end_of_epoch": "epochs = completed epochs when the {metric} of the resulting parameters is "
    "first {met} the target; the start is epoch 0.",
    "as_published": "epochs = index, from 0, of the epoch whose last known full-data pass is {met} "
    "the target, as the published program counts.",
}


def footer(groups: Groups, pairs: Sequence[Pair] = (), repeats: Sequence[Record] = ()) -> list[str]:
    """All notes of a table, each once: warnings, what it shows, what its numbers are and aren't.

    `repeats` are runs made once more, for how far seconds of equal runs lie apart.
    """
    if not groups:
        return []
    told = list(cautions(groups))
    told += findings(pairs, _floors(groups, repeats))
    told += [sentence for part in _parts() for sentence in part(groups)]
    return list(dict.fromkeys(told))


def _floors(groups: Groups, repeats: Sequence[Record]) -> dict[str, Floor]:
    """The noise floor of each experiment, from the first row that was run twice."""
    floors: dict[str, Floor] = {}
    for runs in groups:
        own = race_of(runs[0]), runs[0].label
        floor = noise_floor(runs, [r for r in repeats if (race_of(r), r.label) == own])
        if floor:
            floors.setdefault(runs[0].experiment, floor)
    return floors


def failures(labels: Sequence[str]) -> list[str]:
    """What the rows leave out: runs that raised, by label."""
    return [
        f"WARNING: {count} {'run' if count == 1 else 'runs'} of {label} failed and "
        f"{'is' if count == 1 else 'are'} in no row: a failure is no result."
        for label, count in Counter(labels).items()
    ]


def _parts() -> Iterator[Callable[[Groups], Iterator[str]]]:
    """What the numbers are, in the order in which it is told."""
    yield from (_readings, _held, _intervals, _skips, _outcomes, _tested, _spreads, _values)
    yield from (_few_seeds, _levels, _machine, _batches, _paths, _compiled, _uncounted)
    yield from (_controls, _untuned, _own)


def _readings(groups: Groups) -> Iterator[str]:
    """What is counted."""
    several = len({run.reading for run in firsts(groups)}) > 1
    for run in firsts(groups):
        metric, met = ("accuracy", "at or above") if is_accuracy(run) else ("loss", "below")
        sentence = _READINGS[run.reading].format(metric=metric, met=met)
        if run.target is None:
            yield "epochs = epochs as run: there is no target."
        else:
            yield f"Reading {run.reading}: {sentence}" if several else sentence


def _held(groups: Groups) -> Iterator[str]:
    """What a target asks for that must be held."""
    if any(run.target and "readings in a row" in run.target for run in firsts(groups)):
        yield "A target at several readings in a row is reached with the last of them."


def _intervals(groups: Groups) -> Iterator[str]:
    """Where readings come in updates."""
    for run in firsts(groups):
        every = run.config.get("evaluate_every", "1 epoch")
        if every != "1 epoch":
            yield f"Read every {every}: epochs are fractional, updates / updates per epoch."


def _skips(groups: Groups) -> Iterator[str]:
    """The quirk by which some readings can't stop a run."""
    for run in firsts(groups):
        skips = {target.get("skip_every") for target in run.identity.get("target", [])}
        for skipped in sorted(filter(None, skips)):
            yield (
                f"skip_every {skipped}: epochs that {skipped} divides can't end a run, as in the "
                "published program."
            )


def _outcomes(groups: Groups) -> Iterator[str]:
    """What loss, accuracy and seconds are of."""
    first = "seconds = training, without evaluation; loss = train loss at the stop"
    known = {run.valid_accuracy is not None for run in firsts(groups) if run.accuracy is not None}
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
    told = ", ".join(filter(None, (few, many)))
    yield f"Medians over seeds; in brackets, lo and hi, {told}{none}."


def _values(groups: Groups) -> Iterator[str]:
    """Every value, where they are few."""
    shown: dict[str | None, list[str]] = {}
    for name, runs in zip(names(groups), groups, strict=True):
        if 1 < len(runs) < FEW:
            values = ", ".join(_value(run) for run in runs)
            shown.setdefault(runs[0].target, []).append(f"{name} {values}")
    for target, rows in shown.items():
        aim = f" ({target})" if len(shown) > 1 else ""
        yield f"Epochs of each seed, in order{aim}: {'; '.join(rows)}."


def _value(run: Record) -> str:
    return f"{run.epochs:g}" if run.reached or not run.target else f"{run.status} ({run.epochs:g})"


def _tested(groups: Groups) -> Iterator[str]:
    if any(run.test_accuracy is not None for run in firsts(groups)):
        yield "test_accuracy: of the published test samples, looked at once, at the end of a run."


def _machine(groups: Groups) -> Iterator[str]:
    """What seconds were measured on."""
    runs = [run for run in firsts(groups) if run.timed]
    seen = [run.environment for run in runs]
    where = dict.fromkeys(
        f"{_threads(machine.get('threads'))} of {machine.get('gpu') or machine.get('cpu')}"
        for machine in seen
    )
    if where:
        yield f"Seconds are wall-clock on {'; '.join(where)}; the rules took turns, A B B A."


def _threads(count: int | None) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _few_seeds(groups: Groups) -> Iterator[str]:
    sizes = sorted({len(runs) for runs in groups if len(runs) < ENOUGH})
    if sizes == [1]:
        yield "1 seed a row: one start each, other starts may come out in another order."
    elif sizes:
        count = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        yield f"{count} seeds a row: few starts, small differences between rows may be chance."


def _levels(groups: Groups) -> Iterator[str]:
    """What knowing nothing of the inputs gives."""
    for run in firsts(groups):
        told = {"chance": run.chance, "class prior (best constant output)": run.class_prior}
        known = [f"{name} {level(run, v)}" for name, v in told.items() if v is not None]
        if known:
            yield f"Levels of {run.target_metric} on {run.dataset}: {', '.join(known)}."


def _batches(groups: Groups) -> Iterator[str]:
    if any(run.replicas > 1 for runs in groups for run in runs):
        yield "No seconds where seeds ran in one batch: a batch's time is no single run's."


def _paths(groups: Groups) -> Iterator[str]:
    paths = sorted({run.path for run in firsts(groups)})
    if len(paths) > 1:
        yield f"Seconds of different code paths ({', '.join(paths)}) are not to be compared."


def _compiled(groups: Groups) -> Iterator[str]:
    """What the path stands for."""
    if any(run.path == "compiled" for run in firsts(groups)):
        yield (
            "Path compiled: compiled loops with the results of the plain path but for rounding; "
            "compile_seconds are not among seconds."
        )


def _uncounted(groups: Groups) -> Iterator[str]:
    named = zip(names(groups), firsts(groups), strict=True)
    without = dict.fromkeys(name for name, run in named if run.forward_passes is None)
    if without:
        yield f"Sample-passes are not counted for {', '.join(without)}: passes of the rule's own."


def _controls(groups: Groups) -> Iterator[str]:
    """What stands for ordinary descent, or for chance, beside the rules."""
    found: dict[str, dict[str, None]] = {}
    for run in firsts(groups):
        for rule in run.control_of:
            found.setdefault(rule, {})[run.label] = None
    for rule, controls in found.items():
        yield f"Controls of {rule}: {'; '.join(controls)}."
    if not found and len({run.label for run in firsts(groups)}) > 1:
        yield "No controls: a gain here may be one that ordinary descent has at other rates."


def _untuned(groups: Groups) -> Iterator[str]:
    """Of each race whether the options were searched for, and whether alike."""
    races = dict.fromkeys(run.experiment for run in firsts(groups))
    said = {race: _searched([r for r in groups if r[0].experiment == race]) for race in races}
    several = len(set(said.values())) > 1
    for words in dict.fromkeys(said.values()):
        of = ", ".join(race for race in races if said[race] == words)
        yield f"{of}: {words}" if several else words


def _searched(groups: Groups) -> str:
    """What is to be said of the options of one race."""
    named = zip(names(groups), firsts(groups), strict=True)
    trials = {name: run.tuned.trials for name, run in named if run.tuned}
    if len(trials) == len(set(names(groups))):
        most = max(trials.values())
        fixed = [name for name, count in trials.items() if count < most]
        least = f"; nothing to tune: {', '.join(fixed)}" if fixed else ""
        return f"Options tuned alike: the best of {most} trials each, on other seeds{least}."
    return (
        "Learning rates and other options are those of the config, not tuned alike: the order of "
        "rows is no ranking of methods."
    )


def _own(groups: Groups) -> Iterator[str]:
    """What the runs themselves had to say."""
    for runs in groups:
        for run in runs:
            yield from run.notes
