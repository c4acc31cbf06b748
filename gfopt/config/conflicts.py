"""What is wrong with an experiment only in combination: loss with data, targets with data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gfopt.config.tune_ranges import find_unknown_ranges
from gfopt.config.yaml_file import Complaint
from gfopt.datasets.user_file import UserFile

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.engine.target import Target


def find_conflicts(experiment: Experiment) -> Iterator[Complaint]:
    """Every complaint that needs no data: a user's own file is checked when it is read."""
    own_file = isinstance(experiment.dataset, UserFile)
    if not own_file:
        yield from _check_loss(experiment)
    if experiment.loss.cosine and experiment.model.output_bias:
        yield Complaint(
            ("loss",),
            f"{experiment.loss_name} computes cosines, which have no bias: set model.output_bias "
            "to false, or normalised to false",
        )
    for i, target in enumerate(experiment.targets):
        if target in experiment.targets[:i]:
            yield Complaint(("target", i), f"duplicate target: {target}")
        for key, message in _check_target(experiment, target, own_file=own_file):
            yield Complaint(("target", i, key), message)
    yield from _check_optimizers(experiment)
    optimizers = [entry.optimizer for entry in experiment.entries if entry.optimizer]
    if len(optimizers) == len(experiment.entries):  # a user's own optimizer isn't imported yet
        for name, message in find_unknown_ranges(experiment.tune, optimizers):
            yield Complaint(("tune", name), message)


def _check_loss(experiment: Experiment) -> Iterator[Complaint]:
    dataset, loss = experiment.dataset, experiment.loss
    if loss.targets == "classes" and dataset.classes is None:
        yield Complaint(
            ("loss",),
            f"{experiment.loss_name} needs classes, but {experiment.dataset_name} has values: "
            "use mse",
        )
    if loss.outputs == 1 and dataset.classes not in (None, 2):
        yield Complaint(
            ("loss",),
            f"{experiment.loss_name} needs two classes, but {experiment.dataset_name} has "
            f"{dataset.classes}: use cross_entropy",
        )


def _check_target(
    experiment: Experiment, target: Target, *, own_file: bool
) -> Iterator[tuple[str, str]]:
    """Key and message of each thing that a target can't ask of this experiment."""
    dataset, published = experiment.dataset, experiment.reading == "as_published"
    if target.on_validation and not own_file and not dataset.holds_out:
        yield (
            target.metric,
            (
                f"{experiment.dataset_name} has no held-out samples: set dataset.validation to the "
                "number of training samples to hold out"
            ),
        )
    if target.on_validation and published:
        yield (
            target.metric,
            (
                "reading: as_published evaluates the training data only: use train_loss or "
                "train_accuracy, or set reading: end_of_epoch"
            ),
        )
    if target.skip_every and not published:
        yield "skip_every", "needs reading: as_published; set that, or remove skip_every"
    if target.on_accuracy and not own_file and dataset.classes is None:
        yield (
            target.metric,
            f"{experiment.dataset_name} has values, not classes: use {target.part}_loss",
        )
    if target.on_validation and dataset.holds_out_test:
        yield (
            target.metric,
            (
                "would stop training by the test samples, which are for reporting: hold out "
                "training samples with dataset.validation, or remove the target"
            ),
        )


def _check_optimizers(experiment: Experiment) -> Iterator[Complaint]:
    cosine, depth = experiment.loss.cosine, experiment.depth
    for i, entry in enumerate(experiment.entries):
        optimizer = entry.optimizer
        if cosine and optimizer and any(part.affine_output for part in optimizer.family()):
            yield Complaint(
                ("optimizers", i),
                f"{entry.name} can't train cosine outputs: use another loss, or set "
                "normalised to false",
            )
        for message in entry.find_conflicts(experiment.terms(), depth):
            yield Complaint(("optimizers", i), message)
