"""Sides that are configs: run here, by another Python, or both in turn for their seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from pydantic import ValidationError

import gfopt
from gfopt.comparing.sides import Name, Side, check_schema, name_of
from gfopt.config.finding import load_config
from gfopt.errors import DataError, ExitCode, GfoptError, RunFailedError, UsageError
from gfopt.race import Listener, Setting, race
from gfopt.records import Record

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment

Tell = Callable[[str], None]
_RAISED: dict[int, type[GfoptError]] = {kind.exit_code: kind for kind in (UsageError, DataError)}
_HERE = str(Path(gfopt.__file__).parents[1])  # what this gfopt is imported from


def run_here(config: str, seeds: str | None, setting: Setting, listener: Listener) -> Side:
    """Run what is missing of a config in this process; its own table stays as it is."""
    experiment = _load(config, seeds)
    result = race(experiment, setting, listener, write=False)
    return Side(tuple(result.records), tuple(failure.message for failure in result.failures))


@dataclass(frozen=True)
class Command:
    """`gfopt run` of a config in a process of its own.

    A `python` that is named brings the gfopt of its environment, whatever folder or PYTHONPATH this
    process has; without one it is this Python and this gfopt.
    """

    config: str
    setting: Setting
    python: Path | None = None

    def __call__(self, seeds: str | None, out: Path, *more: str) -> Side:
        """The config's runs of these seeds, or of its own.

        Raises a GfoptError with what the process says where it comes to no records.
        """
        words = [*self._words(seeds), "--out", str(out), *more]
        ran = subprocess.run(words, capture_output=True, text=True, env=self._environment())
        if ran.returncode not in (ExitCode.OK, ExitCode.RUN_FAILED) or not ran.stdout.strip():
            said = ran.stderr.strip().removeprefix("error: ") or f"exit code {ran.returncode}"
            raise _RAISED.get(ran.returncode, RunFailedError)(f"{self._name()}: {said}")
        return self._side(ran.stdout)

    def _name(self) -> str:
        return f"{self.python or 'python'} -m gfopt run {self.config}"

    def _words(self, seeds: str | None) -> list[str]:
        setting = self.setting
        words = [str(self.python or sys.executable), "-P", "-m", "gfopt", "run", self.config]
        words += ["--device", "cpu", "--data", str(setting.data), "--json", "--quiet"]
        words += ["--seeds", seeds] if seeds is not None else []
        words += ["--threads", str(setting.threads)] if setting.threads else []
        return [*words, "--offline"] if setting.offline else words

    def _environment(self) -> dict[str, str]:
        """As here; a named Python's gfopt must not be looked for on this one's path."""
        paths = [os.environ.get("PYTHONPATH", "")]
        if not self.python:
            return os.environ | {"PYTHONPATH": os.pathsep.join([_HERE, *filter(None, paths)])}
        return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}

    def _side(self, text: str) -> Side:
        try:
            (told,) = json.loads(text)
            records = [Record.model_validate(values) for values in told["records"]]
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise UsageError(f"{self._name()}: its --json is not that of this gfopt") from error
        check_schema(records, self._name())
        return Side(tuple(records), tuple(told["failed"]))


def run_interleaved(
    base: Command, head: Command, seeds: str | None, repeats: int, tell: Tell
) -> tuple[Side, Side]:
    """Both sides' seconds, seed by seed and in turn: A B, B A, ..., so many times over.

    Every process runs one seed of one side, with all its rules, in a folder that goes.
    """
    sides = (base, head)
    own = [_load(side.config, seeds).seeds for side in sides]
    found: tuple[list[Side], list[Side]] = ([], [])
    turn = 0
    with tempfile.TemporaryDirectory() as out:
        for repeat in range(repeats):
            for seed in sorted({*own[0], *own[1]}):
                for i in (0, 1) if turn % 2 == 0 else (1, 0):
                    if seed in own[i]:
                        tell(f"{('BASE', 'HEAD')[i]} seed {seed}, {repeat + 1} of {repeats}")
                        side = sides[i](str(seed), Path(out), "--timing", "on", "--force")
                        found[i].append(side)
                turn += 1
    return settled(found[0]), settled(found[1])


def settled(repeats: Iterable[Side]) -> Side:
    """One run a row and seed, with the median of its repeats' seconds; a miss if one of them is."""
    runs: dict[tuple[Name, int], list[Record]] = {}
    failed: list[str] = []
    for side in repeats:
        failed += side.failed
        for record in side.views:
            runs.setdefault((name_of(record), record.seed), []).append(record)
    seconds = {key: [run.seconds for run in found] for key, found in runs.items()}
    kept = {key: min(found, key=lambda run: run.reached) for key, found in runs.items()}
    return Side(
        tuple(r.model_copy(update={"seconds": median(seconds[key])}) for key, r in kept.items()),
        tuple(dict.fromkeys(failed)),
        repeats=seconds,
    )


def _load(config: str, seeds: str | None) -> Experiment:
    """The config with these seeds in place of its own; complaints name the option."""
    try:
        return load_config(config, [f"seeds={seeds}"] if seeds is not None else [])
    except UsageError as error:
        told = str(error).replace(f"--set seeds={seeds}", f"--seeds {seeds}")
        raise UsageError(told) from None
