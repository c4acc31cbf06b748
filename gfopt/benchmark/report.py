"""What was measured, as a document: Markdown for readers, JSON for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any

from gfopt.paths import COMPILED, PLAIN

if TYPE_CHECKING:
    from gfopt.benchmark.measuring import Measured

_HEAD = (
    "| workload | compiled, ms | plain, ms | reference, ms | plain / compiled | "
    "reference / compiled | GFLOP/s | GB/s | agree within |"
)
_MEANING = (
    "Milliseconds of an epoch (a generation, a sweep): medians of {repeats} interleaved stretches. "
    "reference: NumPy loops that do all the work of the original programs, in their precision "
    "(tests/reference). GFLOP/s and GB/s are of the compiled path: operations that it needs, input "
    "bytes that it reads. agree within: the largest relative distance of a weight tensor from the "
    "plain path's after some epochs from the same start, checked before anything is timed."
)
_RULE = "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |"


@dataclass
class Report:
    """All that gfopt bench found."""

    environment: dict[str, Any]
    peaks: dict[str, float]
    repeats: int
    measured: list[Measured] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)  # workloads that couldn't be run, and why
    batch: dict[str, float] = field(default_factory=dict)  # seconds of one seed and of a hundred
    commands: dict[str, float] = field(default_factory=dict)  # seconds of whole commands

    @property
    def agrees(self) -> bool:
        """Whether all ways gave the same weights everywhere."""
        return all(found.agrees for found in self.measured)

    def values(self) -> dict[str, Any]:
        """Raw values for programs."""
        return {
            "environment": self.environment,
            "peaks": self.peaks,
            "repeats": self.repeats,
            "workloads": [_values(found) for found in self.measured],
            "absent": self.absent,
            "batch_seconds": self.batch,
            "command_seconds": self.commands,
        }

    def markdown(self) -> str:
        """The document."""
        return "\n".join([*self._opening(), *self._table(), *self._others(), *self._closing()])

    def _opening(self) -> list[str]:
        where = self.environment
        told = f"{where['cpu']}, {where['threads']} threads, torch {where['versions']['torch']}"
        peaks = ", ".join(f"{value:.0f} {name}" for name, value in self.peaks.items())
        return [
            "# How fast each code path is here",
            "",
            f"Made by `gfopt bench` on {told}. Measured peaks of this machine: {peaks}.",
            "",
            _MEANING.format(repeats=self.repeats),
            "",
        ]

    def _table(self) -> list[str]:
        return [_HEAD, _RULE, *(_row(found) for found in self.measured), ""]

    def _others(self) -> list[str]:
        lines = []
        if self.batch:
            one, many = self.batch["1"], self.batch["100"]
            times = f"{many:.3g} s, {many / one:.3g} times the {one:.3g} s of one"
            lines += [f"100 seeds of cat in a batch, gradient descent, start to end: {times}.", ""]
        if self.commands:
            lines += ["| whole command, in a new process | seconds |", "| --- | ---: |"]
            lines += [f"| `{name}` | {seconds:.2f} |" for name, seconds in self.commands.items()]
            lines += [""]
        return lines

    def _closing(self) -> list[str]:
        return [*(f"- {name}: not run, {reason}" for name, reason in self.absent.items()), ""]


def _row(found: Measured) -> str:
    """One workload."""
    times = [found.middle(way) for way in (COMPILED, PLAIN, "reference")]
    fast = times[0]
    assert fast
    ratios = ["" if t is None else f"{t / fast:.3g}" for t in times[1:]]
    shown = ["" if t is None else f"{1e3 * t:.3g}" for t in times]
    reads = f"{found.read / fast / 1e9:.3g}" if found.read else ""
    flops = f"{found.operations / fast / 1e9:.3g}"
    gap = max(found.gap.values())
    agree = f"{gap:.0e}" if found.agrees else f"NO: {gap:.0e}"
    return "| " + " | ".join([found.workload.name, *shown, *ratios, flops, reads, agree]) + " |"


def _values(found: Measured) -> dict[str, Any]:
    return {
        "workload": found.workload.name,
        "epoch_seconds": found.seconds,
        "medians": {way: median(times) for way, times in found.seconds.items()},
        "operations": found.operations,
        "bytes": found.read,
        "relative_distance_from_plain": found.gap,
        "agrees": found.agrees,
    }
