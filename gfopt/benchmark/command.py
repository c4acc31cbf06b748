"""gfopt bench: everything that is measured, one after the other."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from gfopt.benchmark.machine import command_seconds, peaks
from gfopt.benchmark.measuring import measure, references
from gfopt.benchmark.report import Report
from gfopt.benchmark.workloads import WORKLOADS
from gfopt.config.finding import load_config
from gfopt.environment import describe
from gfopt.errors import DataError, UsageError
from gfopt.paths import COMPILED
from gfopt.runs import Machine, make_task, train_seeds

if TYPE_CHECKING:
    from collections.abc import Callable

MANY = 100  # seeds of the batch


def run_bench(
    machine: Machine, repeats: int, only: str | None, told: Callable[[str], None]
) -> Report:
    """Measure the workloads whose name has `only` in it, then the batch and the commands.

    Raises UsageError where no workload has. What lacks its data is left out, and said so.
    """
    chosen = [w for w in WORKLOADS if only is None or only in w.name]
    if not chosen:
        raise UsageError(
            f"--only {only}: no workload is called so: " + "; ".join(map(str, _names()))
        )
    told("peaks of this machine")
    report = Report(describe(machine.device, machine.memory), peaks(repeats), repeats)
    programs = references()
    if not programs:
        report.absent["reference"] = "its programs are in the tests of a checkout"
    for workload in chosen:
        told(workload.name)
        try:
            found = measure(workload, machine, programs.get(workload.optimizer), repeats)
            report.measured.append(found)
        except DataError as error:
            report.absent[workload.name] = str(error)
    if only is None:
        _rest(report, machine, repeats, told)
    return report


def _names() -> list[str]:
    return [workload.name for workload in WORKLOADS]


def _rest(report: Report, machine: Machine, repeats: int, told: Callable[[str], None]) -> None:
    told("100 seeds in a batch; whole commands")
    try:
        report.batch = _batch(machine, min(repeats, 3))
        report.commands = _commands(machine, repeats)
    except DataError as error:
        report.absent["cat, 100 seeds; commands"] = str(error)


def _batch(machine: Machine, repeats: int) -> dict[str, float]:
    """Wall seconds, start to end, of one seed and of a hundred in one batch: medians."""
    experiment = load_config("cat_end_of_epoch")
    task, entry = make_task(experiment, machine), experiment.entries[0]
    rule, terms = entry.rule(task.train.depth), experiment.terms()
    times: dict[int, list[float]] = {1: [], MANY: []}
    train_seeds(task, entry, rule, COMPILED, terms, [1])  # compiles
    for _ in range(repeats):
        for count, found in times.items():
            begin = time.perf_counter()
            train_seeds(task, entry, rule, COMPILED, terms, list(range(1, count + 1)))
            found.append(time.perf_counter() - begin)
    return {str(count): median(found) for count, found in times.items()}


def _commands(machine: Machine, repeats: int) -> dict[str, float]:
    """Whole commands, each in a new process; compiled code is on disk."""
    with tempfile.TemporaryDirectory() as folder:
        race = ["run", "cat_poswise", "--out", str(Path(folder)), "--data", str(machine.data), "-q"]
        return {
            "gfopt --help": command_seconds(["--help"], repeats),
            "gfopt run cat_poswise": command_seconds([*race, "--force"], min(repeats, 3)),
            "gfopt run cat_poswise, all finished": command_seconds(race, repeats),
        }
