"""The results of gfopt bench: Markdown for readers, JSON for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from gfopt.report.markup import write_list, write_table
from gfopt.studies.bench.measuring import NUMBA, PLAIN, REFERENCE, Measurement

SCHEMA = 1  # of the JSON; raised when a key changes its name or meaning
SEEDS = 100  # vectorized seeds that are timed next to one seed

_DEFINITIONS = """\
- Milliseconds of an epoch (a generation, a sweep): medians of {repeats} interleaved repeats.
  Evaluation and compilation are excluded.
- reference: NumPy loops that do all the work of the original programs, in their precision
  (`gfopt/studies/bench/references`).
- GFLOP/s and GB/s: operations and input bytes that the numba backend needs, over its time.
- largest difference: distance of a weight tensor from the plain backend's, relative to its norm,
  after some epochs from the same initial weights. It is checked before anything is timed."""


@dataclass
class BenchReport:
    """All that gfopt bench measured."""

    environment: dict[str, Any]
    peaks: dict[str, float]
    repeats: int
    measurements: list[Measurement] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)  # what couldn't be run, with the reason
    batch: dict[str, float] = field(default_factory=dict)  # seconds by number of vectorized seeds
    commands: dict[str, float] = field(default_factory=dict)  # seconds of whole commands

    @property
    def agrees(self) -> bool:
        """Whether all programs have the same weights on every workload."""
        return all(found.agrees for found in self.measurements)


def collect_values(report: BenchReport) -> dict[str, Any]:
    """Return the raw values for JSON."""
    return {
        "schema": SCHEMA,
        "environment": report.environment,
        "peaks": report.peaks,
        "repeats": report.repeats,
        "workloads": [
            {
                "workload": found.workload.name,
                "epoch_seconds": found.seconds,
                "medians": {program: median(times) for program, times in found.seconds.items()},
                "operations": found.operations,
                "bytes": found.bytes_read,
                "relative_distance_from_plain": found.difference,
                "agrees": found.agrees,
                "refusals": found.refusals,
            }
            for found in report.measurements
        ],
        "absent": report.skipped,
        "batch_seconds": report.batch,
        "command_seconds": report.commands,
    }


def write_document(report: BenchReport) -> str:
    """Return the report as Markdown."""
    where = report.environment
    threads = "1 thread" if where["threads"] == 1 else f"{where['threads']} threads"
    machine = f"{where['cpu']}, {threads}, torch {where['versions']['torch']}"
    peaks = ", ".join(f"{value:.0f} {name}" for name, value in report.peaks.items())
    parts = [
        "# Speed of each backend on this machine",
        f"`gfopt bench` on {machine}. Measured peaks: {peaks}.",
        _write_workloads(report.measurements),
        _DEFINITIONS.format(repeats=report.repeats),
    ]
    if report.batch:
        one, many = report.batch["1"], report.batch[str(SEEDS)]
        parts.append(
            f"{SEEDS} vectorized seeds of cat with gradient descent, whole runs: {many:.3g} s, "
            f"{_format_ratio(many, one)} the {one:.3g} s of one seed."
        )
    if report.commands:
        rows = [[f"`{name}`", f"{seconds:.2f}"] for name, seconds in report.commands.items()]
        header = ["whole command, in a new process", "seconds"]
        parts.append(write_table(header, rows, [True, False]))
    if report.skipped:
        parts.append(write_list(f"{n}: skipped ({why})" for n, why in report.skipped.items()))
    return "\n\n".join(parts) + "\n"


def _write_workloads(measurements: list[Measurement]) -> str:
    """A row for each workload: time by program, speed-ups of other backends, rates of numba."""
    timed = {program for found in measurements for program in found.seconds}
    faster = sorted(timed - {PLAIN, REFERENCE})
    programs = [*faster, *(name for name in (PLAIN, REFERENCE) if name in timed)]
    pairs = [(one, base) for one in faster for base in (PLAIN, REFERENCE) if base in timed]
    header = [
        "workload",
        *(f"{program}, ms" for program in programs),
        *(f"{one} speed-up over {base}" for one, base in pairs),
        "GFLOP/s",
        "GB/s",
        "largest difference",
    ]
    rows = []
    for found in measurements:
        medians = {program: found.median(program) for program in programs}
        largest = max(found.difference.values(), default=0.0)
        rows.append(
            [
                found.workload.name,
                *(_format_number(medians[program], 1e3) for program in programs),
                *(_format_ratio(medians[base], medians[one]) for one, base in pairs),
                *(
                    _format_rate(amount, medians.get(NUMBA))
                    for amount in (found.operations, found.bytes_read)
                ),
                f"{largest:.0e}" if found.agrees else f"TOO LARGE: {largest:.0e}",
            ]
        )
    return write_table(header, rows, [True, *[False] * (len(header) - 2), True])


def _format_number(value: float | None, scale: float) -> str:
    return "" if value is None else f"{scale * value:.3g}"


def _format_ratio(above: float | None, below: float | None) -> str:
    return f"{above / below:.3g}×" if above and below else ""  # noqa: RUF001


def _format_rate(amount: float, seconds: float | None) -> str:
    return f"{amount / seconds / 1e9:.3g}" if amount and seconds else ""
