"""gfopt bench: measure the workloads, vectorized seeds and whole commands, one after the other."""

from __future__ import annotations

import tempfile
import time
from statistics import median
from typing import TYPE_CHECKING

from gfopt.config.packaged_configs import load_config
from gfopt.errors import DataError, UsageError
from gfopt.runner.backend_choice import choose_backend
from gfopt.runner.environment import describe_environment
from gfopt.runner.train import make_task, train_seeds
from gfopt.studies.bench.machine import measure_command, measure_peaks
from gfopt.studies.bench.measuring import measure
from gfopt.studies.bench.report import SEEDS, BenchReport
from gfopt.studies.bench.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Callable

    from gfopt.runner.settings import RunSettings


def run_bench(
    settings: RunSettings,
    repeats: int,
    only: str | None,
    report_progress: Callable[[str], None],
) -> BenchReport:
    """Measure the workloads whose name contains `only`; without it also seeds and commands.

    Workloads without data are skipped and reported. Raises UsageError if no workload has such a
    name.
    """
    chosen = [w for w in WORKLOADS if only is None or only in w.name]
    if not chosen:
        names = "; ".join(workload.name for workload in WORKLOADS)
        raise UsageError(f"--only {only}: no workload has this in its name. Choose from: {names}")
    report_progress("peaks of this machine")
    environment = describe_environment(settings.torch_device(), settings.memory)
    report = BenchReport(environment, measure_peaks(repeats), repeats)
    for workload in chosen:
        report_progress(workload.name)
        try:
            report.measurements.append(measure(workload, settings, repeats))
        except DataError as error:
            report.skipped[workload.name] = str(error)
    if only is None:
        report_progress(f"{SEEDS} vectorized seeds; whole commands")
        try:
            report.batch = measure_vectorized_seeds(settings, min(repeats, 3))
            report.commands = measure_commands(settings, repeats)
        except DataError as error:
            report.skipped[f"cat, {SEEDS} seeds; commands"] = str(error)
    return report


def measure_vectorized_seeds(settings: RunSettings, repeats: int) -> dict[str, float]:
    """Median wall seconds of whole runs, by number of vectorized seeds: 1 and SEEDS."""
    experiment = load_config("cat_end_of_epoch")
    task, entry = make_task(experiment, settings), experiment.entries[0]
    optimizer, terms = entry.make_optimizer(task.train.depth), experiment.terms()
    backend = choose_backend(experiment, "cpu", vectorized=entry).backend
    times: dict[int, list[float]] = {1: [], SEEDS: []}
    train_seeds(task, entry, optimizer, backend, terms, [1])  # compiles
    for _ in range(repeats):
        for count, found in times.items():
            begin = time.perf_counter()
            train_seeds(task, entry, optimizer, backend, terms, list(range(1, count + 1)))
            found.append(time.perf_counter() - begin)
    return {str(count): median(found) for count, found in times.items()}


def measure_commands(settings: RunSettings, repeats: int) -> dict[str, float]:
    """Median wall seconds of whole commands in new processes; compiled code is on disk."""
    with tempfile.TemporaryDirectory() as folder:
        run = ["run", "cat_poswise", "--out", folder, "--data", str(settings.data), "-q"]
        return {
            "gfopt --help": measure_command(["--help"], repeats),
            "gfopt run cat_poswise": measure_command([*run, "--force"], min(repeats, 3)),
            "gfopt run cat_poswise, all finished": measure_command(run, repeats),
        }
