"""What is wrong with an experiment only in combination: loss with data, targets with data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gfopt.config.source import Complaint
from gfopt.datasets.user_file import UserFile
from gfopt.space import strays

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment
    from gfopt.target import Target


def conflicts(experiment: Experiment) -> Iterator[Complaint]:
    """Every complaint. What a user's own file holds is known once it is read."""
    own = isinstance(experiment.dataset, UserFile)
    if not own:
        yield from _loss_and_data(experiment)
    if experiment.loss.cosine and experiment.model.output_bias:
        yield Complaint(
            ("loss",),
            f"{experiment.loss_name} takes cosines, which have no bias: set model.output_bias to "
            "false, or normalised to false",
        )
    for i, target in enumerate(experiment.targets):
        if target in experiment.targets[:i]:
            yield Complaint(("target", i), f"stands twice: {target}")
        for key, message in _target(experiment, target, own=own):
            yield Complaint(("target", i, key), message)
    yield from _optimizers(experiment)
    yield from _tune(experiment)


def _loss_and_data(experiment: Experiment) -> Iterator[Complaint]:
    dataset, loss = experiment.dataset, experiment.loss
    if loss.targets == "classes" and dataset.classes is None:
        yield Complaint(
            ("loss",),
            f"{experiment.loss_name} needs classes, {experiment.dataset_name} has values: try mse",
        )
    if loss.outputs == 1 and dataset.classes not in (None, 2):
        yield Complaint(
            ("loss",),
            f"{experiment.loss_name} needs two classes, {experiment.dataset_name} has "
            f"{dataset.classes}: try cross_entropy",
        )


def _target(experiment: Experiment, target: Target, *, own: bool) -> Iterator[tuple[str, str]]:
    """Key and message of what a target can't ask of this experiment."""
    dataset, published = experiment.dataset, experiment.reading == "as_published"
    if target.on_validation and not own and not dataset.holds_out:
        yield (
            target.metric,
            (
                f"{experiment.dataset_name} has no held-out samples: set dataset.validation to how "
                "many training samples to hold out"
            ),
        )
    if target.on_validation and published:
        yield (
            target.metric,
            (
                "reading as_published is of the training data: give train_loss or train_accuracy, "
                "or read end_of_epoch"
            ),
        )
    if target.skip_every and not published:
        yield "skip_every", "belongs to `reading: as_published`: set that, or drop skip_every"
    if target.on_accuracy and not own and dataset.classes is None:
        yield target.metric, f"{experiment.dataset_name} has values, not classes"
    if target.on_validation and dataset.holds_out_test:
        yield (
            target.metric,
            (
                "would stop at the test samples, which are there to report: hold out training "
                "samples with dataset.validation, or drop the target"
            ),
        )


def _optimizers(experiment: Experiment) -> Iterator[Complaint]:
    cosine, depth = experiment.loss.cosine, experiment.depth
    for i, entry in enumerate(experiment.entries):
        if cosine and entry.made and any(r.affine_output for r in entry.made.family()):
            yield Complaint(("optimizers", i), f"{entry.name} can't train outputs of cosines")
        for message in entry.conflicts(experiment.terms(), depth):
            yield Complaint(("optimizers", i), message)


def _tune(experiment: Experiment) -> Iterator[Complaint]:
    """Ranges for options that no rule has; of a user's own rule they aren't known yet."""
    rules = [entry.made for entry in experiment.entries if entry.made]
    if len(rules) == len(experiment.entries):
        for name, message in strays(experiment.tune, rules):
            yield Complaint(("tune", name), message)
