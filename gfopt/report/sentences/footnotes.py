"""What the numbers of a table are and are not, each sentence only when it applies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gfopt.analysis.groups import Groups, format_level, is_accuracy, name_rows, pick_firsts
from gfopt.analysis.statistics import MIN_RUNS_FOR_INTERVAL
from gfopt.records.record import Record, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LISTED_SEEDS = 9  # of a row whose values are listed

_END_OF_EPOCH = (
    "Epochs to target: first epoch whose end-of-epoch {metric} {meets} the target "
    "(epoch 0 = initialization)."
)
_AS_PUBLISHED = (
    "Epochs to target: index (from 0) of the epoch whose last known full-data {metric} {meets} the "
    "target, as in the published program."
)
_ENDS = {Status.BUDGET: "not reached", Status.CONSTANT: "constant output"}


def write_footnotes(groups: Groups) -> Iterator[str]:
    """All of them, in reading order."""
    yield from _define_epochs(groups)
    yield from _define_consecutive_targets(groups)
    yield from _describe_evaluations(groups)
    yield from _describe_skips(groups)
    yield from _define_columns(groups)
    yield from _describe_intervals(groups)
    yield from _list_values(groups)
    yield from _describe_test_samples(groups)
    yield from _count_seeds(groups)
    yield from _list_levels(groups)
    yield from _describe_machines(groups)
    yield from _describe_backends(groups)
    yield from _list_uncounted(groups)
    yield from _list_controls(groups)
    yield from _describe_tuning(groups)
    for runs in groups:
        for run in runs:
            yield from run.notes


def _define_epochs(groups: Groups) -> Iterator[str]:
    several = len({run.reading for run in pick_firsts(groups)}) > 1
    for run in pick_firsts(groups):
        if run.target is None:
            yield "Epochs: all epochs of a run; there is no target."
            continue
        metric, meets = ("accuracy", "reaches") if is_accuracy(run) else ("loss", "falls below")
        template = _AS_PUBLISHED if run.reading == "as_published" else _END_OF_EPOCH
        sentence = template.format(metric=metric, meets=meets)
        yield f"{run.reading} evaluation: {sentence}" if several else sentence


def _define_consecutive_targets(groups: Groups) -> Iterator[str]:
    if any(run.target and "evaluations in a row" in run.target for run in pick_firsts(groups)):
        yield "A target over several evaluations in a row is reached at the last of them."


def _describe_evaluations(groups: Groups) -> Iterator[str]:
    """Evaluations that come every few updates."""
    for run in pick_firsts(groups):
        every = run.config.get("evaluate_every", "1 epoch")
        if every != "1 epoch":
            yield f"Evaluated every {every}: epochs are fractional (updates / updates per epoch)."


def _describe_skips(groups: Groups) -> Iterator[str]:
    """Evaluations that can't end a run."""
    for run in pick_firsts(groups):
        skips = {target.get("skip_every") for target in run.identity.get("target", [])}
        for skipped in sorted(filter(None, skips)):
            yield (
                f"skip_every {skipped}: an epoch divisible by {skipped} can't end a run, as in the "
                "published program."
            )


def _define_columns(groups: Groups) -> Iterator[str]:
    """The samples and moments of seconds, loss and accuracy."""
    yield "Seconds: training only; evaluation is excluded."
    known = {
        run.valid_accuracy is not None for run in pick_firsts(groups) if run.accuracy is not None
    }
    parts = {True: "held-out", False: "training"}
    samples = " or ".join(parts[held_out] for held_out in sorted(known, reverse=True))
    what = "Loss (training samples)"
    if samples:
        what += f" and accuracy ({samples} samples)"
    yield f"{what}: at the target, else at the end of the run."


def _describe_intervals(groups: Groups) -> Iterator[str]:
    sizes = [len(runs) for runs in groups]
    if max(sizes) == 1:
        return
    parts = []
    if min(sizes) < MIN_RUNS_FOR_INTERVAL:
        parts.append(f"minimum and maximum below {MIN_RUNS_FOR_INTERVAL} seeds")
    if max(sizes) >= MIN_RUNS_FOR_INTERVAL:
        least = f" from {MIN_RUNS_FOR_INTERVAL} seeds on" if parts else ""
        parts.append(f"95 % CI of the median (order statistics){least}")
    if min(sizes) == 1:
        parts.append("none for 1 seed")
    yield f"Medians over seeds. In brackets: {', '.join(parts)}."


def _list_values(groups: Groups) -> Iterator[str]:
    """Every value of rows with few seeds."""
    shown: dict[str | None, list[str]] = {}
    for name, runs in zip(name_rows(groups), groups, strict=True):
        if 1 < len(runs) <= MAX_LISTED_SEEDS:
            values = ", ".join(map(_write_value, runs))
            shown.setdefault(runs[0].target, []).append(f"{name} {values}")
    for target, rows in shown.items():
        aim = f" ({target})" if len(shown) > 1 else ""
        yield f"Epochs of each seed, in order{aim}: {'; '.join(rows)}."


def _write_value(run: Record) -> str:
    if run.reached or not run.target:
        return f"{run.epochs:g}"
    return f"{_ENDS.get(run.status, run.status)} ({run.epochs:g})"


def _describe_test_samples(groups: Groups) -> Iterator[str]:
    if any(run.test_accuracy is not None for run in pick_firsts(groups)):
        yield "test_accuracy: on the published test samples, evaluated once, at the end of a run."


def _count_seeds(groups: Groups) -> Iterator[str]:
    sizes = sorted({len(runs) for runs in groups if len(runs) < MIN_RUNS_FOR_INTERVAL})
    if sizes == [1]:
        yield "Only 1 seed: other initial weights may change the order."
    elif sizes:
        count = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
        yield f"Only {count} seeds: small differences may be noise."


def _list_levels(groups: Groups) -> Iterator[str]:
    """What knows nothing of the inputs."""
    for run in pick_firsts(groups):
        values = {"chance level": run.chance, "constant-predictor baseline": run.class_prior}
        known = [f"{name} {format_level(run, v)}" for name, v in values.items() if v is not None]
        if known:
            yield f"{run.target_metric} on {run.dataset}: {', '.join(known)}."


def _describe_machines(groups: Groups) -> Iterator[str]:
    environments = [run.environment for run in pick_firsts(groups) if run.timed]
    machines = dict.fromkeys(
        f"{_count_threads(machine.get('threads'))} of {machine.get('gpu') or machine.get('cpu')}"
        for machine in environments
    )
    if machines:
        yield (
            f"Seconds: wall-clock time on {'; '.join(machines)}. "
            "The optimizers took turns (A B B A)."
        )


def _count_threads(count: int | None) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _describe_backends(groups: Groups) -> Iterator[str]:
    """Seconds that are missing, or not comparable."""
    if any(run.replicas > 1 for runs in groups for run in runs):
        yield "No seconds for vectorized seeds: their time belongs to no single run."
    names = sorted({run.backend for run in pick_firsts(groups)})
    if len(names) > 1:
        yield f"Do not compare seconds of different backends ({', '.join(names)})."


def _list_uncounted(groups: Groups) -> Iterator[str]:
    named = zip(name_rows(groups), pick_firsts(groups), strict=True)
    uncounted = dict.fromkeys(name for name, run in named if run.forward_passes is None)
    if uncounted:
        yield (
            f"Forward + backward passes are not counted for {', '.join(uncounted)}: "
            "the optimizer makes its own."
        )


def _list_controls(groups: Groups) -> Iterator[str]:
    """The controls of each optimizer."""
    found: dict[str, dict[str, None]] = {}
    for run in pick_firsts(groups):
        for optimizer in run.control_of:
            found.setdefault(optimizer, {})[run.label] = None
    for optimizer, controls in found.items():
        yield f"Controls of {optimizer}: {'; '.join(controls)}."
    if not found and len({run.label for run in pick_firsts(groups)}) > 1:
        yield "No controls: a different learning rate might explain the gain."


def _describe_tuning(groups: Groups) -> Iterator[str]:
    """Of each experiment whether its hyperparameters were tuned, and whether alike."""
    experiments = dict.fromkeys(run.experiment for run in pick_firsts(groups))
    words = {
        name: _describe_trials([runs for runs in groups if runs[0].experiment == name])
        for name in experiments
    }
    several = len(set(words.values())) > 1
    for sentence in dict.fromkeys(words.values()):
        shared = ", ".join(name for name in experiments if words[name] == sentence)
        yield f"{shared}: {sentence}" if several else sentence


def _describe_trials(groups: Groups) -> str:
    """The tuning of one experiment."""
    named = list(zip(name_rows(groups), pick_firsts(groups), strict=True))
    trials = {name: run.tuned.trials for name, run in named if run.tuned}
    if len(trials) < len({name for name, _ in named}):
        return "Hyperparameters were not tuned. Do not read this table as a ranking."
    most = max(trials.values())
    fixed = [name for name, count in trials.items() if count < most]
    rest = f" Nothing to tune: {', '.join(fixed)}." if fixed else ""
    return f"Hyperparameters tuned alike: best of {most} trials each, on other seeds.{rest}"
