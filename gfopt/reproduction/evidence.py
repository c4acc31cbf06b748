"""Evidence: the runs that claims need, made where they are missing, and what is read off them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfopt.config.finding import load_config
from gfopt.errors import DataError, UsageError, unknown
from gfopt.race import Listener, Result, Setting, machine_of, race
from gfopt.records import HistoryRow, Record, read_history
from gfopt.reproduction.values import VALUES
from gfopt.reproduction.verdicts import Missing

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.datasets.base import Array
    from gfopt.reproduction.claims import Measure

Runs = tuple[str, tuple[str, ...]]  # a config and its changes
REPEATS = 7  # of a timed stretch of training, unless said otherwise


@dataclass
class Collected:
    """The evidence from runs in a folder of results; a reason in place of what is missing."""

    setting: Setting
    listener: Listener
    repeats: int = REPEATS
    experiments: dict[Runs, Experiment] = field(default_factory=dict)
    results: dict[Runs, Result] = field(default_factory=dict)
    missing: dict[Runs, Missing] = field(default_factory=dict)
    lacks_data: bool = False
    environments: list[dict[str, Any]] = field(default_factory=list)  # of runs and of times
    _timed: set[tuple[Runs, str]] = field(default_factory=set)  # rules whose times are asked for
    _times: dict[Runs, dict[str, list[tuple[float, float]]]] = field(default_factory=dict)

    def gather(self, measures: Sequence[Measure]) -> None:
        """Make every run that the measures need and that isn't there; UsageError before any."""
        self.experiments = _experiments(measures)
        self._timed = {(measure.runs, measure.label) for measure in measures if measure.timed}
        for runs, experiment in self.experiments.items():
            try:
                with self._data_needed():
                    self.results[runs] = race(experiment, self.setting, self.listener, write=False)
                self.environments += [run.environment for run in self.results[runs].records]
            except Missing as reason:
                self.missing[runs] = reason

    @property
    def failed(self) -> bool:
        """Whether a run raised."""
        return any(result.failures for result in self.results.values())

    def records(self, measure: Measure) -> list[Record]:
        """The runs behind a measure, in the order of its seeds."""
        if measure.runs in self.missing:
            raise self.missing[measure.runs]
        result = self.results[measure.runs]
        for failure in result.failures:
            if failure.run.entry.label == measure.label and failure.run.seed in measure.seeds:
                raise Missing(f"a run failed: {failure.message}")
        found = {r.seed: r for r in result.records if r.label == measure.label}
        if not found.keys() >= set(measure.seeds):
            raise Missing(f"no claim asked for all seeds of {measure.label}")
        return [found[seed] for seed in measure.seeds]

    def histories(self, measure: Measure) -> list[tuple[Record, list[HistoryRow]]]:
        """The runs behind a measure with their readings."""
        return [(run, read_history(self.folder(measure, run))) for run in self.records(measure)]

    def folder(self, measure: Measure, run: Record) -> Path:
        """Where a run is kept."""
        return self.results[measure.runs].folder / "runs" / run.id

    def values(self, measure: Measure) -> dict[int, float]:
        """A measure's value for each of its seeds; for a time, each of the repeats."""
        from gfopt.reproduction import measuring

        runs = self.records(measure)
        read = VALUES[measure.value].read
        if read:
            return {run.seed: read(run, rows) for run, rows in self.histories(measure)}
        if measure.timed:
            return self._seconds(measure)
        if measure.value == "layers_at_once":
            most = max(map(len, self.layers(measure)))
            return {run.seed: float(most) for run in runs}
        experiment, machine = self.experiments[measure.runs], machine_of(self.setting)
        with self._data_needed():
            folders = {run.seed: self.folder(measure, run) for run in runs}
            return {
                seed: measuring.largest_error(experiment, machine, folder)
                for seed, folder in folders.items()
            }

    def layers(self, measure: Measure) -> list[list[int]]:
        """The layers that each update within an epoch moves."""
        from gfopt.reproduction import measuring

        self.records(measure)  # raises Missing where there are none
        return measuring.layers_in_an_epoch(self.experiments[measure.runs], measure.label)

    def outputs(self, measure: Measure) -> tuple[Array, Array, Array]:
        """Inputs, targets and outputs of the first seed's weights."""
        from gfopt.reproduction import measuring

        folder = self.folder(measure, self.records(measure)[0])
        machine = machine_of(self.setting)
        with self._data_needed():
            return measuring.outputs(self.experiments[measure.runs], machine, folder)

    def _seconds(self, measure: Measure) -> dict[int, float]:
        """Seconds to the target of the first seed: its epochs, times those of an epoch."""
        (run,) = self.records(measure)
        read = VALUES["epochs"].read
        assert read
        epochs, kind = read(run, []), ("seconds", "cpu_seconds").index(measure.value)
        times = self._epoch_seconds(measure.runs)[measure.label]
        return {i: epochs * pair[kind] for i, pair in enumerate(times)}

    def _epoch_seconds(self, runs: Runs) -> dict[str, list[tuple[float, float]]]:
        """(wall, CPU) seconds of an epoch, of the rules whose times are asked for and that run."""
        from gfopt.environment import describe
        from gfopt.reproduction import measuring

        if runs not in self._times:
            failed = {failure.run.entry.label for failure in self.results[runs].failures}
            wanted = {label for key, label in self._timed if key == runs} - failed
            entries = [e for e in self.experiments[runs].entries if e.label in wanted]
            machine = machine_of(self.setting)
            with self._data_needed():
                self._times[runs] = measuring.epoch_seconds(
                    replace(self.experiments[runs], entries=tuple(entries)), machine, self.repeats
                )
            self.environments.append(describe(machine.device, machine.memory))
        return self._times[runs]

    @contextmanager
    def _data_needed(self) -> Iterator[None]:
        """Missing data files are a reason for "not run", told by the exit code too."""
        try:
            yield
        except DataError as error:
            self.lacks_data = True
            raise Missing(str(error)) from error


def _experiments(measures: Iterable[Measure]) -> dict[Runs, Experiment]:
    """Each config with the seeds and rules that are measured in it, and no others."""
    seeds: dict[Runs, dict[int, None]] = {}
    labels: dict[Runs, dict[str, None]] = {}
    for measure in measures:
        seeds.setdefault(measure.runs, {}).update(dict.fromkeys(measure.seeds))
        labels.setdefault(measure.runs, {})[measure.label] = None
    return {runs: _experiment(runs, list(seeds[runs]), list(labels[runs])) for runs in seeds}


def _experiment(runs: Runs, seeds: list[int], labels: list[str]) -> Experiment:
    config, settings = runs
    experiment = load_config(config, [*settings, f"seeds={sorted(seeds)}"])
    known = [entry.label for entry in experiment.entries]
    for label in labels:
        if label not in known:
            raise UsageError(f"claims: {config}: {unknown('label', label, known)}")
    entries = tuple(entry for entry in experiment.entries if entry.label in labels)
    return replace(experiment, entries=entries)
