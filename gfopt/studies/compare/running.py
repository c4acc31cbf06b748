"""Run the sides that are configs: here, by another Python, or both in turn for their seconds."""

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
from gfopt.config.packaged_configs import load_config
from gfopt.errors import DataError, ExitCode, GfoptError, RunFailedError, UsageError
from gfopt.records.record import Record
from gfopt.runner.listener import RunListener
from gfopt.runner.race import Race
from gfopt.runner.settings import RunSettings
from gfopt.studies.compare.sides import RowName, Side, check_schema, name_row

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment

Announce = Callable[[str], None]
_ERRORS: dict[int, type[GfoptError]] = {kind.exit_code: kind for kind in (UsageError, DataError)}
_HERE = str(Path(gfopt.__file__).parents[1])  # what this gfopt is imported from
_REMEDY = "install the same version of gfopt for both sides"


def run_here(
    config: str, seeds: str | None, run_settings: RunSettings, listener: RunListener
) -> Side:
    """Run a config in this process, skipping finished runs; its own table stays as it is."""
    race = Race(load_side(config, seeds), run_settings, repeat_first=False)
    race.run(listener)
    return Side(tuple(race.records), tuple(failure.message for failure in race.failures))


@dataclass(frozen=True)
class GfoptProcess:
    """`gfopt run` of a config in a process of its own.

    A named `python` imports the gfopt of its own environment, whatever folder or PYTHONPATH this
    process has; without one, this Python runs this gfopt. The command line has only options that
    every version of gfopt has.
    """

    config: str
    run_settings: RunSettings
    python: Path | None = None

    def run(self, seeds: str | None, out: Path, *more: str) -> Side:
        """The config's runs of these seeds, or of its own.

        Raises a GfoptError with the error message of the process if it returns no records.
        """
        words = [*self._make_command(seeds), "--out", str(out), *more]
        ran = subprocess.run(words, capture_output=True, text=True, env=self._make_environment())
        if ran.returncode not in (ExitCode.OK, ExitCode.RUN_FAILED) or not ran.stdout.strip():
            said = ran.stderr.strip().removeprefix("error: ") or f"exit code {ran.returncode}"
            raise _ERRORS.get(ran.returncode, RunFailedError)(f"{self}: {said}")
        return self._read_side(ran.stdout)

    def __str__(self) -> str:
        return f"{self.python or 'python'} -m gfopt run {self.config}"

    def _make_command(self, seeds: str | None) -> list[str]:
        settings = self.run_settings
        words = [str(self.python or sys.executable), "-P", "-m", "gfopt", "run", self.config]
        words += ["--device", "cpu", "--data", str(settings.data), "--json", "--quiet"]
        words += ["--seeds", seeds] if seeds is not None else []
        words += ["--threads", str(settings.threads)] if settings.threads else []
        return [*words, "--offline"] if settings.offline else words

    def _make_environment(self) -> dict[str, str]:
        """The environment variables: a named Python must not find this gfopt on its path."""
        if self.python:
            return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        paths = [_HERE, *filter(None, [os.environ.get("PYTHONPATH")])]
        return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}

    def _read_side(self, text: str) -> Side:
        try:
            (values,) = json.loads(text)
            records = [Record.model_validate(record) for record in values["records"]]
            failed = tuple(values["failed"])
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise UsageError(f"{self}: can't read its --json output: {_REMEDY}") from error
        check_schema(records, str(self), _REMEDY)
        return Side(tuple(records), failed)


def run_interleaved(
    base: GfoptProcess, head: GfoptProcess, seeds: str | None, repeats: int, announce: Announce
) -> tuple[Side, Side]:
    """Time both sides seed by seed and in turn: A B, B A, ..., `repeats` times.

    Every process runs one seed of one side, with all its optimizers, in a temporary folder.
    """
    sides = (base, head)
    own = [load_side(side.config, seeds).seeds for side in sides]
    found: tuple[list[Side], list[Side]] = ([], [])
    turn = 0
    with tempfile.TemporaryDirectory() as out:
        for repeat in range(repeats):
            for seed in sorted({*own[0], *own[1]}):
                for i in (0, 1) if turn % 2 == 0 else (1, 0):
                    if seed in own[i]:
                        announce(f"{('BASE', 'HEAD')[i]} seed {seed}, {repeat + 1} of {repeats}")
                        side = sides[i].run(str(seed), Path(out), "--timing", "on", "--force")
                        found[i].append(side)
                turn += 1
    return merge_repeats(found[0]), merge_repeats(found[1])


def merge_repeats(repeats: Iterable[Side]) -> Side:
    """One run for each row and seed, with the median seconds; a miss if one of its repeats is."""
    runs: dict[tuple[RowName, int], list[Record]] = {}
    failed: list[str] = []
    for side in repeats:
        failed += side.failed
        for record in side.views:
            runs.setdefault((name_row(record), record.seed), []).append(record)
    seconds = {key: [run.seconds for run in found] for key, found in runs.items()}
    kept = {key: min(found, key=lambda run: run.reached) for key, found in runs.items()}
    return Side(
        tuple(r.model_copy(update={"seconds": median(seconds[key])}) for key, r in kept.items()),
        tuple(dict.fromkeys(failed)),
        repeats=seconds,
    )


def load_side(config: str, seeds: str | None) -> Experiment:
    """The config with these seeds in place of its own; errors name the option --seeds."""
    try:
        return load_config(config, [f"seeds={seeds}"] if seeds is not None else [])
    except UsageError as error:
        message = str(error).replace(f"--set seeds={seeds}", f"--seeds {seeds}")
        raise UsageError(message) from None
