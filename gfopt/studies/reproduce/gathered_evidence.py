"""Evidence from runs: train those that are due, then read off them what claims ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfopt.config.packaged_configs import load_config
from gfopt.errors import DataError, UsageError, describe_unknown
from gfopt.records.evaluation import Evaluation
from gfopt.records.record import Record
from gfopt.records.store import read_history
from gfopt.runner.listener import RunListener
from gfopt.runner.race import Race
from gfopt.runner.settings import RunSettings
from gfopt.studies.reproduce.evidence import MissingEvidence
from gfopt.studies.reproduce.measures import Measure, RunsKey
from gfopt.studies.reproduce.quantities import QUANTITIES

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.numerics.array import Array

REPEATS = 7  # of a timed stretch of training, unless the caller gives another number


@dataclass
class GatheredEvidence:
    """The evidence from runs in a folder of results, with a reason where there is none."""

    settings: RunSettings
    listener: RunListener
    repeats: int = REPEATS
    experiments: dict[RunsKey, Experiment] = field(default_factory=dict)
    races: dict[RunsKey, Race] = field(default_factory=dict)
    missing: dict[RunsKey, MissingEvidence] = field(default_factory=dict)
    lacks_data: bool = False
    environments: list[dict[str, Any]] = field(default_factory=list)  # of runs and of times
    _timed: set[tuple[RunsKey, str]] = field(default_factory=set)  # labels that claims time
    _times: dict[RunsKey, dict[str, list[tuple[float, float]]]] = field(default_factory=dict)

    def gather(self, measures: Sequence[Measure]) -> None:
        """Train every run that the measures need and that isn't cached.

        Raises UsageError, before any run, if a config lacks a label.
        """
        self.experiments = _load_experiments(measures)
        self._timed = {(measure.runs, measure.label) for measure in measures if measure.timed}
        for key, experiment in self.experiments.items():
            try:
                with self._needs_data():
                    race = Race(experiment, self.settings, repeat_first=False)
                    race.run(self.listener)
            except MissingEvidence as reason:
                self.missing[key] = reason
            else:
                self.races[key] = race
                self.environments += [run.environment for run in race.records]

    @property
    def failed(self) -> bool:
        """Whether a run raised an error."""
        return any(race.failures for race in self.races.values())

    def read_records(self, measure: Measure) -> list[Record]:
        """The runs behind a measure, in the order of its seeds."""
        if measure.runs in self.missing:
            raise self.missing[measure.runs]
        if measure.runs not in self.races:
            raise MissingEvidence(f"no claim needs {measure.place}")
        race = self.races[measure.runs]
        for failure in race.failures:
            if failure.run.entry.label == measure.label and failure.run.seed in measure.seeds:
                raise MissingEvidence(f"a run failed: {failure.message}")
        found = {r.seed: r for r in race.records if r.label == measure.label}
        if not found.keys() >= set(measure.seeds):
            raise MissingEvidence(f"no claim needs all of these seeds of {measure.label}")
        return [found[seed] for seed in measure.seeds]

    def read_histories(self, measure: Measure) -> list[tuple[Record, list[Evaluation]]]:
        """The runs behind a measure, each with its evaluations."""
        runs = self.read_records(measure)
        return [(run, read_history(self.find_folder(measure, run))) for run in runs]

    def find_folder(self, measure: Measure, run: Record) -> Path:
        """The folder of a run behind a measure."""
        return self.races[measure.runs].folder / "runs" / run.id

    def read_values(self, measure: Measure) -> dict[int, float]:
        """A measure's value for each of its seeds; for a time, for each repeat."""
        from gfopt.studies.reproduce.unrecorded_quantities import find_largest_error

        runs = self.read_records(measure)
        read = measure.quantity.read
        if read:
            return {run.seed: read(run, rows) for run, rows in self.read_histories(measure)}
        if measure.timed:
            return self._estimate_times(measure)
        if measure.value == "layers_at_once":
            most = max(map(len, self.trace_layers(measure)))
            return {run.seed: float(most) for run in runs}
        experiment = self.experiments[measure.runs]
        self.settings.set_up_process()
        with self._needs_data():
            return {
                run.seed: find_largest_error(
                    experiment, self.settings, self.find_folder(measure, run)
                )
                for run in runs
            }

    def trace_layers(self, measure: Measure) -> list[list[int]]:
        """The layers that each update within an epoch changes, from 1."""
        from gfopt.studies.reproduce.unrecorded_quantities import trace_layers

        self.read_records(measure)  # raises MissingEvidence if there are none
        return trace_layers(self.experiments[measure.runs], measure.label)

    def compute_outputs(self, measure: Measure) -> tuple[Array, Array, Array]:
        """Inputs (d, N), targets and outputs (K, N) of the first seed's weights."""
        from gfopt.studies.reproduce.unrecorded_quantities import compute_outputs

        folder = self.find_folder(measure, self.read_records(measure)[0])
        self.settings.set_up_process()
        with self._needs_data():
            return compute_outputs(self.experiments[measure.runs], self.settings, folder)

    def _estimate_times(self, measure: Measure) -> dict[int, float]:
        """Seconds to target for each repeat: the run's epochs times the seconds of an epoch."""
        (run,) = self.read_records(measure)
        read = QUANTITIES["epochs"].read
        assert read
        epochs, clock = read(run, []), ("seconds", "cpu_seconds").index(measure.value)
        times = self._time_epochs(measure.runs)[measure.label]
        return {i: epochs * pair[clock] for i, pair in enumerate(times)}

    def _time_epochs(self, key: RunsKey) -> dict[str, list[tuple[float, float]]]:
        """(wall, CPU) seconds of an epoch, for each label that claims time and that ran."""
        from gfopt.runner.environment import describe_environment
        from gfopt.studies.reproduce.unrecorded_quantities import time_epochs

        if key not in self._times:
            experiment = self.experiments[key]
            failed = {failure.run.entry.label for failure in self.races[key].failures}
            labels = {label for timed, label in self._timed if timed == key} - failed
            entries = tuple(entry for entry in experiment.entries if entry.label in labels)
            self.settings.set_up_process()
            with self._needs_data():
                self._times[key] = time_epochs(
                    replace(experiment, entries=entries), self.settings, self.repeats
                )
            self.environments.append(
                describe_environment(self.settings.torch_device(), self.settings.memory)
            )
        return self._times[key]

    @contextmanager
    def _needs_data(self) -> Iterator[None]:
        """Turn missing data files into MissingEvidence; the exit code reports them too."""
        try:
            yield
        except DataError as error:
            self.lacks_data = True
            raise MissingEvidence(str(error)) from error


def _load_experiments(measures: Iterable[Measure]) -> dict[RunsKey, Experiment]:
    """Each config with only the seeds and optimizers that the measures need."""
    seeds: dict[RunsKey, set[int]] = {}
    labels: dict[RunsKey, dict[str, None]] = {}
    for measure in measures:
        seeds.setdefault(measure.runs, set()).update(measure.seeds)
        labels.setdefault(measure.runs, {})[measure.label] = None
    return {key: _load_experiment(key, sorted(seeds[key]), list(labels[key])) for key in seeds}


def _load_experiment(key: RunsKey, seeds: list[int], labels: list[str]) -> Experiment:
    config, settings = key
    experiment = load_config(config, [*settings, f"seeds={seeds}"])
    known = [entry.label for entry in experiment.entries]
    for label in labels:
        if label not in known:
            raise UsageError(f"claims: {config}: {describe_unknown('label', label, known)}")
    entries = tuple(entry for entry in experiment.entries if entry.label in labels)
    return replace(experiment, entries=entries)
