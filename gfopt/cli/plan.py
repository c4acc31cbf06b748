"""gfopt plan: show which runs are due and why, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from gfopt.cli.command import command, with_run_settings
from gfopt.cli.options import Configs, Debug, Seeds, Set, load_all
from gfopt.runner.settings import RunSettings

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.runner.plan import Run


@command(20)
@with_run_settings("device", "data", "out", "offline", "backend", "path", "timing")
def plan(
    configs: Configs = None,
    settings: Set = None,
    seeds: Seeds = None,
    *,
    run_settings: RunSettings,
    debug: Debug = False,  # noqa: ARG001 - read in gfopt.cli.command
) -> None:
    """Show what `gfopt run` would do with each CONFIG.

    Lists cached runs and runs that are due, with the reason, the backend, sizes, and an estimate
    of time and memory from one epoch of each optimizer that is due. Nothing is written.
    """
    from gfopt.runner.plan import plan_runs

    for experiment in load_all(configs, settings, seeds):
        runs = plan_runs(experiment, run_settings)
        due = [run for run in runs if not run.record]
        typer.echo(f"{experiment.name}: {len(due)} to run, {len(runs) - len(due)} cached")
        for line in _describe_backends(experiment, runs, run_settings):
            typer.echo(f"  {line}")
        together = sum(not run.timed for run in due)
        if together:
            typer.echo(f"  timing: {together} runs are vectorized over seeds, without seconds")
        for run in runs:
            typer.echo(f"  {_describe_run(run)}")
        for line in _probe(experiment, due, run_settings) if due else ():
            typer.echo(f"  {line}")


def _describe_backends(experiment: Experiment, runs: list[Run], settings: RunSettings) -> list[str]:
    """The backend of all runs, or of each optimizer if seeds are vectorized, with the reason."""
    from gfopt.runner.backend_choice import choose_backend

    kind, asked = settings.device_kind, settings.backend
    if all(run.timed for run in runs):
        return ["backend: {} ({})".format(*choose_backend(experiment, kind, asked))]
    chosen = {e.label: choose_backend(experiment, kind, asked, e) for e in experiment.entries}
    labels = {
        choice: ", ".join(label for label, other in chosen.items() if other == choice)
        for choice in dict.fromkeys(chosen.values())
    }
    return [f"backend: {one.backend} for {of} ({one.reason})" for one, of in labels.items()]


def _describe_run(run: Run) -> str:
    """One run: cached, or not cached and why."""
    again = ", repeated" if run.repeat > 1 else ""
    name = f"{run.entry.label} seed {run.seed}{again}"
    if run.record:
        return f"{name}: cached ({run.record.describe_end()})"
    return f"{name}: not cached: {_explain(run)}"


def _explain(run: Run) -> str:
    """The keys in which the run differs from the most similar finished run of its folder."""
    from gfopt.analysis.groups import find_differences
    from gfopt.records.store import find_folders, read_record

    folders = find_folders(run.folder.parent)
    finished = [record for folder in folders if (record := read_record(folder))]
    if not finished:
        return "no finished runs here"
    differences = [sorted(find_differences([run.identity, r.identity])) for r in finished]
    nearest = min(differences, key=len)
    return f"new {', '.join(nearest)}"


def _probe(experiment: Experiment, due: list[Run], settings: RunSettings) -> list[str]:
    """Sizes of the problem, then the seconds of one epoch of each optimizer."""
    from gfopt.runner.probe import describe_sizes, probe_epochs

    task, lines = describe_sizes(experiment, settings)
    return [*lines, *probe_epochs(experiment, task, due)]
