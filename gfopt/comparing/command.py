"""gfopt compare from its sides to its outcome: gather, pair, judge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gfopt.comparing.outcome import Outcome
from gfopt.comparing.rows import Quantity, match
from gfopt.comparing.running import Command, Tell, run_here, run_interleaved
from gfopt.comparing.sides import Side, is_saved, read_side
from gfopt.comparing.verdicts import Question, judge
from gfopt.config.schema import parse_seeds
from gfopt.errors import UnknownNameError, UsageError
from gfopt.race import Listener, Setting

QUANTITIES: tuple[Quantity, ...] = ("epochs", "passes", "seconds")


@dataclass(frozen=True)
class Given:
    """One side as it was asked for: a folder, a baseline or a config, and what is to run it."""

    name: str  # BASE or HEAD
    what: str
    python: Path | None = None

    @property
    def saved(self) -> bool:
        """Whether its runs are there already."""
        return is_saved(self.what)


@dataclass(frozen=True)
class Conditions:
    """How sides are run."""

    setting: Setting
    seeds: str | None = None  # in place of a config's; of saved runs these alone
    repeats: int = 3  # of every seed, for seconds


def question(on: str, tolerance: str) -> Question:
    """What is asked, from the command line's words; UsageError where they are none."""
    for quantity in QUANTITIES:
        if on == quantity:
            return Question(quantity, _fraction(tolerance))
    raise UnknownNameError("quantity of --on", on, QUANTITIES)


def compare(
    base: Given,
    head: Given,
    asked: Question,
    conditions: Conditions,
    listener: Listener,
    tell: Tell,
) -> Outcome:
    """Judge HEAD against BASE; runs what is a config. `tell` hears how interleaved runs go."""
    if asked.on == "seconds":
        sides = _timed(base, head, conditions, tell)
    else:
        sides = (gather(base, conditions, listener), gather(head, conditions, listener))
    verdicts = [judge(row, asked) for row in match(*sides)]
    return Outcome(asked, verdicts, *sides)


def gather(given: Given, conditions: Conditions, listener: Listener) -> Side:
    """A side's runs: read, or run where they are missing, by the Python that is named for it."""
    setting = conditions.setting
    if given.saved:
        if given.python:
            option = f"--{given.name.lower()}-python"
            raise UsageError(f"{option}: {given.name} is saved runs ({given.what}): nothing to run")
        return read_side(given.what).only(_numbers(conditions.seeds))
    if given.python:  # ids don't hold software versions: each environment has its own folder
        command = Command(given.what, setting, given.python)
        return command(conditions.seeds, setting.out / given.name.lower())
    return run_here(given.what, conditions.seeds, setting, listener)


def _timed(base: Given, head: Given, conditions: Conditions, tell: Tell) -> tuple[Side, Side]:
    for side in (base, head):
        if side.saved:
            raise UsageError(
                f"--on seconds: {side.name} is saved runs ({side.what}), whose seconds are of "
                "another machine or hour; give two configs, which are then run in turn here"
            )
    commands = [Command(side.what, conditions.setting, side.python) for side in (base, head)]
    return run_interleaved(commands[0], commands[1], conditions.seeds, conditions.repeats, tell)


def _numbers(seeds: str | None) -> tuple[int, ...] | None:
    if seeds is None:
        return None
    try:
        numbers: tuple[int, ...] = parse_seeds(seeds)
    except ValueError as error:
        raise UsageError(f"--seeds {seeds}: {error}") from error
    return numbers


def _fraction(tolerance: str) -> float:
    """5% or 0.05 as a number; without the sign it is below 1, so that 5 isn't taken for 500 %."""
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
