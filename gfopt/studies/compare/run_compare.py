"""gfopt compare from its inputs to its result: gather both sides, pair, judge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gfopt.config.schema import parse_seeds
from gfopt.errors import UnknownNameError, UsageError
from gfopt.runner.listener import RunListener
from gfopt.runner.settings import RunSettings
from gfopt.studies.compare.matching import Quantity, match
from gfopt.studies.compare.result import CompareResult
from gfopt.studies.compare.running import Announce, GfoptProcess, run_here, run_interleaved
from gfopt.studies.compare.sides import Side, is_saved, read_side
from gfopt.studies.compare.verdicts import Question, judge

QUANTITIES: tuple[Quantity, ...] = ("epochs", "passes", "seconds")


@dataclass(frozen=True)
class SideInput:
    """One side as the command line names it, and the Python that runs it."""

    name: str  # BASE or HEAD
    given: str  # a folder, a baseline or a config
    python: Path | None = None

    @property
    def saved(self) -> bool:
        """Whether its runs exist already."""
        return is_saved(self.given)


@dataclass(frozen=True)
class CompareSettings:
    """How both sides are run."""

    run_settings: RunSettings
    seeds: str | None = None  # in place of a config's; of saved runs, only these
    repeats: int = 3  # of every seed, for seconds


def parse_question(on: str, tolerance: str) -> Question:
    """The question that the command line asks. Raises UsageError if it can't be read."""
    for quantity in QUANTITIES:
        if on == quantity:
            return Question(quantity, _parse_tolerance(tolerance))
    raise UnknownNameError("quantity of --on", on, QUANTITIES)


def compare(
    base: SideInput,
    head: SideInput,
    question: Question,
    settings: CompareSettings,
    listener: RunListener,
    announce: Announce,
) -> CompareResult:
    """Judge HEAD against BASE; configs are run first. `announce` hears of interleaved runs."""
    if question.on == "seconds":
        sides = _time(base, head, settings, announce)
    else:
        sides = (gather(base, settings, listener), gather(head, settings, listener))
    verdicts = [judge(row, question) for row in match(*sides)]
    return CompareResult(question, verdicts, *sides)


def gather(side: SideInput, settings: CompareSettings, listener: RunListener) -> Side:
    """Read a side's runs, or run its config with the Python named for it.

    Raises UsageError if a Python is named for runs that exist already.
    """
    run_settings = settings.run_settings
    if side.saved:
        if side.python:
            raise UsageError(
                f"--{side.name.lower()}-python: {side.given} is saved runs, there is nothing to "
                f"run: drop the option, or give a config as {side.name}"
            )
        return read_side(side.given).select_seeds(_parse_seeds(settings.seeds))
    if side.python:  # ids don't hold software versions: each environment has its own folder
        process = GfoptProcess(side.given, run_settings, side.python)
        return process.run(settings.seeds, run_settings.out / side.name.lower())
    return run_here(side.given, settings.seeds, run_settings, listener)


def _time(
    base: SideInput, head: SideInput, settings: CompareSettings, announce: Announce
) -> tuple[Side, Side]:
    for side in (base, head):
        if side.saved:
            raise UsageError(
                f"--on seconds: {side.name} is saved runs ({side.given}), timed on another machine "
                "or at another time: give two configs, which are then run here in turn"
            )
    first, second = (
        GfoptProcess(side.given, settings.run_settings, side.python) for side in (base, head)
    )
    return run_interleaved(first, second, settings.seeds, settings.repeats, announce)


def _parse_seeds(seeds: str | None) -> tuple[int, ...] | None:
    if seeds is None:
        return None
    try:
        numbers: tuple[int, ...] = parse_seeds(seeds)
    except ValueError as error:
        raise UsageError(f"--seeds {seeds}: {error}") from error
    return numbers


def _parse_tolerance(tolerance: str) -> float:
    """5% or 0.05 as a number. Without the sign it is below 1: 5 would be 500 %."""
    text = tolerance.strip()
    percent = text.endswith("%")
    try:
        number = float(text.removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        number = -1.0
    if not 0 <= number < (10 if percent else 1):
        raise UsageError(
            f"--tolerance {tolerance}: give a percentage such as 5% or a fraction such as 0.05"
        )
    return number
