"""gfopt plan: what would run, what is done, why not; sizes, and time and memory from a probe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gfopt.cli.options import (
    CodePath,
    Configs,
    Data,
    Debug,
    Device,
    Offline,
    Out,
    Seeds,
    Set,
    Timed,
    load_all,
)

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.paths import Asked
    from gfopt.plans import Run


def plan(
    configs: Configs = None,
    settings: Set = None,
    seeds: Seeds = None,
    device: Device = "auto",
    data: Data = None,
    out: Out = Path("results"),
    offline: Offline = False,
    path: CodePath = "auto",
    timing: Timed = "auto",
    debug: Debug = False,  # noqa: ARG001 - read where errors are answered
) -> None:
    """Say what `gfopt run` would do with each CONFIG, and run nothing but a probe epoch."""
    from gfopt.environment import device_kind
    from gfopt.plans import plan as plan_runs
    from gfopt.race import data_folder

    for experiment in load_all(configs, settings, seeds):
        kind = device_kind(device)
        runs = plan_runs(experiment, out, kind, path, timing)
        due = [run for run in runs if not run.record]
        typer.echo(f"{experiment.name}: {len(due)} to run, {len(runs) - len(due)} finished")
        for line in _paths(experiment, runs, kind, path):
            typer.echo(f"  {line}")
        together = sum(not run.alone for run in due)
        if together:
            typer.echo(f"  timing: {together} runs go in batches of seeds, without seconds")
        for run in runs:
            typer.echo(f"  {_line(run)}")
        for line in (
            _probe(experiment, due, device, data_folder(data), offline=offline) if due else ()
        ):
            typer.echo(f"  {line}")


def _paths(experiment: Experiment, runs: list[Run], kind: str, asked: Asked) -> list[str]:
    """The path of all runs, or of each rule's where they go in batches; and why."""
    from gfopt.paths import choose

    if all(run.alone for run in runs):
        return ["path: {} ({})".format(*choose(experiment, kind, asked))]
    chosen = {e.label: choose(experiment, kind, asked, (e,)) for e in experiment.entries}
    same = dict.fromkeys(chosen.values())
    names = {way: [label for label, other in chosen.items() if other == way] for way in same}
    return [f"path: {way.path} for {', '.join(of)} ({way.reason})" for way, of in names.items()]


def _line(run: Run) -> str:
    """One run: finished, or to run and why."""
    again = ", once more" if run.repeat > 1 else ""
    name = f"{run.entry.label} seed {run.seed}{again}"
    if run.record:
        return f"{name}: finished ({run.record.status} after {run.record.epochs:g} epochs)"
    return f"{name}: to run, {_why(run)}"


def _why(run: Run) -> str:
    """What sets the run apart from the nearest finished one in its folder."""
    from gfopt.identity import differences
    from gfopt.records import find_folders, read_record

    folders = find_folders(run.folder.parent)
    finished = [record for folder in folders if (record := read_record(folder))]
    if not finished:
        return "nothing here is finished"
    nearest = min((differences(run.identity, record.identity) for record in finished), key=len)
    return f"the nearest finished run differs in {', '.join(nearest)}"


def _probe(
    experiment: Experiment, due: list[Run], device: str, data: Path, *, offline: bool
) -> list[str]:
    """Sizes of the problem, then an epoch of each optimizer, timed."""
    from gfopt.environment import torch_device
    from gfopt.probe import probe, sizes
    from gfopt.runs import Machine

    machine = Machine(torch_device(device), data, offline)
    task, lines = sizes(experiment, machine)
    return [*lines, *probe(experiment, task, due)]
