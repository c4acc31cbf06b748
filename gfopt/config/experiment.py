"""An experiment: everything that its YAML says, looked up, validated and frozen. No torch here.

Every mistake that can be seen without torch or data is found here, and all are told at once. What
only torch or a user's file can judge waits in `Entry.rule` until a run is due.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from gfopt.config.conflicts import conflicts
from gfopt.config.controls import with_controls
from gfopt.config.entries import Entry, read_entries
from gfopt.config.overrides import override
from gfopt.config.schema import Network, Precision, Settings
from gfopt.config.source import Complaint, Path_, parse
from gfopt.config.validation import validate
from gfopt.datasets.base import Dataset, datasets
from gfopt.datasets.user_file import UserFile
from gfopt.errors import UsageError, unknown
from gfopt.initializers import Initializer, initializers
from gfopt.losses import Loss, losses
from gfopt.options import Options
from gfopt.registry import Registry
from gfopt.target import Budget, Reading, Target, Terms

O = TypeVar("O", bound=Options)


@dataclass(frozen=True)
class Experiment:
    """All runs of one YAML file."""

    name: str
    dataset_name: str
    dataset: Dataset
    model: Network
    initializer: Initializer
    loss_name: str
    loss: Loss
    entries: tuple[Entry, ...]
    targets: tuple[Target, ...]
    reading: Reading
    budget: Budget
    seeds: tuple[int, ...]
    precision: Precision
    evaluate_every: str
    tune: dict[str, tuple[float, float]]  # ranges in place of those that the rules declare

    @property
    def every_updates(self) -> int | None:
        """Updates between readings; None: an epoch."""
        number, unit = self.evaluate_every.split()
        return None if unit == "epoch" else int(number)

    @property
    def depth(self) -> int:
        """L, the number of layers with weights."""
        return len(self.model.hidden) + 1

    def terms(self) -> Terms:
        """How a run is read and when it ends."""
        return Terms(self.targets, self.reading, self.budget, self.every_updates)

    def conditions(self) -> dict[str, Any]:
        """What every run of the experiment shares, as plain values: names, options, defaults."""
        return {
            "dataset": {"name": self.dataset_name} | _plain(self.dataset),
            "model": _plain(self.model)
            | {"init": _plain(self.initializer) | {"scheme": self._scheme}},
            "loss": {"name": self.loss_name} | _plain(self.loss),
            "target": [target.model_dump(exclude_none=True) for target in self.targets],
            "reading": self.reading,
            "budget": _plain(self.budget),
            "precision": self.precision,
            "evaluate_every": self.evaluate_every,
        }

    @property
    def _scheme(self) -> str:
        return next(
            name for name, scheme in initializers.items() if type(self.initializer) is scheme
        )


def load(text: str, name: str, folder: Path, settings: list[str] | None = None) -> Experiment:
    """The experiment that a YAML text describes; UsageError tells everything that is wrong.

    `name` is how messages call the file, its stem names the experiment by default; `folder` is what
    files in it are relative to; `settings` are "key=value" changes.
    """
    source, complaints = parse(text, name)
    if source.values is not None or not complaints:
        if not isinstance(source.values, dict):
            kind = "a list" if isinstance(source.values, list) else f"only {source.values!r}"
            complaints.append(Complaint((), f"must be a mapping of keys to values (got {kind})"))
        else:
            source = override(source, settings or [])
            complaints = [c for c in complaints if not source.overridden(c.at)]
    if isinstance(source.values, dict):
        values = {"name": Path(name).stem} | source.values
        experiment, found = build(values, folder)
        if isinstance(values.get("target"), dict):  # one target, that isn't numbered
            found = [replace(c, at=_unnumbered(c.at)) for c in found]
        told = {c.at for c in complaints}
        complaints += [c for c in found if c.at not in told]
        if experiment and not complaints:
            return experiment
    raise UsageError("\n".join(dict.fromkeys(source.sentence(c) for c in complaints)))


def build(values: Mapping[str, Any], folder: Path) -> tuple[Experiment | None, list[Complaint]]:
    """The experiment that plain values describe, or every complaint about them."""
    settings, complaints = validate(Settings, values)
    parts = _Parts(values, folder)
    complaints += [c for c in parts.complaints if c not in complaints]
    if settings and not complaints:
        experiment = parts.experiment(settings)
        if settings.controls:
            experiment = with_controls(experiment)
        complaints += conflicts(experiment)
        return experiment, complaints
    return None, complaints


class _Parts:
    """The parts that are named in registries, each built as far as it can be."""

    def __init__(self, values: Mapping[str, Any], folder: Path) -> None:
        self.complaints: list[Complaint] = []
        self.dataset_name, self.dataset = self._dataset(values.get("dataset"), folder)
        model = values.get("model")
        init = model.get("init", "torch") if isinstance(model, dict) else "torch"
        _, self.initializer = self._named(initializers, init, ("model", "init"), key="scheme")
        self.loss_name, self.loss = self._named(losses, values.get("loss"), ("loss",))
        tune = values.get("tune")
        searched = tune if isinstance(tune, dict) else {}
        entries, complaints = read_entries(values.get("optimizers"), folder, searched)
        self.entries = tuple(entries)
        self.complaints += complaints

    def experiment(self, settings: Settings) -> Experiment:
        """The whole, once nothing is wrong with the parts."""
        assert self.dataset
        assert self.initializer
        assert self.loss
        return Experiment(
            name=settings.name,
            dataset_name=self.dataset_name,
            dataset=self.dataset,
            model=settings.model,
            initializer=self.initializer,
            loss_name=self.loss_name,
            loss=self.loss,
            entries=self.entries,
            targets=settings.target,
            **{key: getattr(settings, key) for key in _SHARED},
        )

    def _dataset(self, given: Any, folder: Path) -> tuple[str, Dataset | None]:
        """A registered data set, or the user's own file, relative to the config's folder."""
        if isinstance(given, dict) and "file" in given:
            file = given["file"]
            if file and isinstance(file, str):
                file = str(folder / file)
            made, complaints = validate(UserFile, given | {"file": file}, ("dataset",))
            self.complaints += complaints
            return Path(str(file)).stem, made
        return self._named(datasets, given, ("dataset",))

    def _named(
        self, registry: Registry[type[O]], given: Any, at: Path_, key: str = "name"
    ) -> tuple[str, O | None]:
        """What `name` or `{name: …, options}` means in a registry."""
        values = {key: given} if isinstance(given, str) else given
        if not isinstance(values, dict) or not isinstance(values.get(key), str):
            said = f"give the {registry.kind} as `{key}: …`. Known: {', '.join(registry)}."
            self.complaints.append(Complaint(at, said))
            return "", None
        name = values[key]
        if name not in registry:
            place = at if isinstance(given, str) else (*at, key)
            self.complaints.append(Complaint(place, unknown(registry.kind, name, registry)))
            return name, None
        options = {k: v for k, v in values.items() if k != key}
        made, complaints = validate(registry[name], options, at)
        self.complaints += complaints
        return name, made


_SHARED = ("reading", "budget", "seeds", "precision", "evaluate_every", "tune")


def _unnumbered(at: Path_) -> Path_:
    """The place of a complaint about a target that isn't in a list."""
    return (at[0], *at[2:]) if at[:1] == ("target",) else at


def _plain(options: Options) -> dict[str, Any]:
    return options.model_dump(mode="json")
