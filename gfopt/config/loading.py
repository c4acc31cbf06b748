"""YAML text -> Experiment: parse, look up, validate; all errors of a file are reported together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from gfopt.config.conflicts import find_conflicts
from gfopt.config.controls import add_controls
from gfopt.config.entries import read_entries
from gfopt.config.experiment import Experiment
from gfopt.config.overrides import override
from gfopt.config.schema import ExperimentSchema
from gfopt.config.validation import validate
from gfopt.config.yaml_file import Complaint, KeyPath, parse
from gfopt.datasets.base import Dataset, datasets
from gfopt.datasets.user_file import UserFile
from gfopt.errors import UsageError, describe_unknown
from gfopt.model.initializers import initializers
from gfopt.model.losses import losses
from gfopt.options import Options
from gfopt.registry import Registry

O = TypeVar("O", bound=Options)


def load(text: str, name: str, folder: Path, changes: list[str] | None = None) -> Experiment:
    """The experiment that a YAML text describes. Raises UsageError with all errors in it.

    Args:
        text: The YAML.
        name: What messages call the file; its stem is the experiment's default name.
        folder: What file names in the text are relative to.
        changes: "key=value" changes, as by --set.
    """
    file, complaints = parse(text, name)
    if file.values is not None or not complaints:
        if not isinstance(file.values, dict):
            kind = "a list" if isinstance(file.values, list) else f"only {file.values!r}"
            complaints.append(Complaint((), f"must be a mapping of keys to values (got {kind})"))
        else:
            file = override(file, changes or [])
            complaints = [c for c in complaints if not file.is_overridden(c.at)]
    if isinstance(file.values, dict):
        values = {"name": Path(name).stem} | file.values
        experiment, found = build(values, folder)
        if isinstance(values.get("target"), dict):  # a single target has no number
            found = [
                replace(c, at=(c.at[0], *c.at[2:])) if c.at[:1] == ("target",) else c for c in found
            ]
        already = {c.at for c in complaints}
        complaints += [c for c in found if c.at not in already]
        if experiment and not complaints:
            return experiment
    raise UsageError("\n".join(dict.fromkeys(file.locate(c) for c in complaints)))


def build(values: Mapping[str, Any], folder: Path) -> tuple[Experiment | None, list[Complaint]]:
    """The experiment that plain values describe, or every complaint about them."""
    schema, complaints = validate(ExperimentSchema, values)
    parts = _NamedParts(values, folder)
    complaints += [c for c in parts.complaints if c not in complaints]
    if schema and not complaints:
        experiment = parts.make_experiment(schema)
        if schema.controls:
            experiment = add_controls(experiment)
        complaints += find_conflicts(experiment)
        return experiment, complaints
    return None, complaints


class _NamedParts:
    """The parts that are looked up by name in registries, each built as far as it can be."""

    def __init__(self, values: Mapping[str, Any], folder: Path) -> None:
        self.complaints: list[Complaint] = []
        self.dataset_name, self.dataset = self._read_dataset(values.get("dataset"), folder)
        model = values.get("model")
        init = model.get("init", "torch") if isinstance(model, dict) else "torch"
        _, self.initializer = self._look_up(initializers, init, ("model", "init"), key="scheme")
        self.loss_name, self.loss = self._look_up(losses, values.get("loss"), ("loss",))
        tune = values.get("tune")
        tuned = tune if isinstance(tune, dict) else {}
        entries, complaints = read_entries(values.get("optimizers"), folder, tuned)
        self.entries = tuple(entries)
        self.complaints += complaints

    def make_experiment(self, schema: ExperimentSchema) -> Experiment:
        """The whole experiment, if there are no complaints about the parts."""
        assert self.dataset
        assert self.initializer
        assert self.loss
        return Experiment(
            name=schema.name,
            dataset_name=self.dataset_name,
            dataset=self.dataset,
            model=schema.model,
            initializer=self.initializer,
            loss_name=self.loss_name,
            loss=self.loss,
            entries=self.entries,
            targets=schema.target,
            reading=schema.reading,
            budget=schema.budget,
            seeds=schema.seeds,
            precision=schema.precision,
            evaluate_every=schema.evaluate_every,
            tune=schema.tune,
        )

    def _read_dataset(self, given: Any, folder: Path) -> tuple[str, Dataset | None]:
        """A registered data set, or the user's own file, relative to the config's folder."""
        if isinstance(given, dict) and "file" in given:
            file = given["file"]
            if file and isinstance(file, str):
                file = str(folder / file)
            dataset, complaints = validate(UserFile, given | {"file": file}, ("dataset",))
            self.complaints += complaints
            return Path(str(file)).stem, dataset
        return self._look_up(datasets, given, ("dataset",))

    def _look_up(
        self, registry: Registry[type[O]], given: Any, at: KeyPath, key: str = "name"
    ) -> tuple[str, O | None]:
        """What `NAME` or `{name: NAME, options}` means in a registry."""
        values = {key: given} if isinstance(given, str) else given
        if not isinstance(values, dict) or not isinstance(values.get(key), str):
            forms = f"`{at[-1]}: NAME` or `{at[-1]}: {{{key}: NAME, …}}`"
            said = f"give the {registry.kind} as {forms}. Known: {', '.join(registry)}."
            self.complaints.append(Complaint(at, said))
            return "", None
        name = values[key]
        if name not in registry:
            place = at if isinstance(given, str) else (*at, key)
            said = describe_unknown(registry.kind, name, registry)
            self.complaints.append(Complaint(place, said))
            return name, None
        options = {k: v for k, v in values.items() if k != key}
        part, complaints = validate(registry[name], options, at)
        self.complaints += complaints
        return name, part
