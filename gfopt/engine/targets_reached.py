"""Which targets a seed has reached, at which evaluation, and all metrics there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gfopt.engine.outcome import Hit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gfopt.engine.outcome import Metrics
    from gfopt.engine.target import Target
    from gfopt.records.evaluation import Evaluation


class TargetsReached:
    """The targets of one seed, evaluation by evaluation."""

    def __init__(self, targets: Sequence[Target], samples: dict[str, int]) -> None:
        """`samples` by part, "train" and "valid": accuracies are compared as whole counts."""
        self._targets, self._samples = targets, samples
        self._streaks = [0] * len(targets)
        self.hits: list[Hit | None] = [None] * len(targets)
        self.constant_outputs = 0  # evaluations in a row with one output for all samples

    def update(self, evaluation: Evaluation, *, constant: bool = False) -> list[int]:
        """Take in an evaluation; return the indices of the targets that it reaches."""
        self.constant_outputs = self.constant_outputs + 1 if constant else 0
        new = []
        for i, target in enumerate(self._targets):
            met = self._is_met(target, evaluation)
            self._streaks[i] = self._streaks[i] + 1 if met else 0
            if self.hits[i] is None and self._streaks[i] >= target.hold:
                new.append(i)
        return new

    def record(self, indices: Sequence[int], evaluation: Evaluation, metrics: Metrics) -> None:
        """Keep the evaluation that reached these targets."""
        for i in indices:
            self.hits[i] = Hit(evaluation, metrics)

    def _is_met(self, target: Target, evaluation: Evaluation) -> bool:
        if target.skip_every and evaluation.epoch % target.skip_every == 0:
            return False
        samples = self._samples[target.part]
        name = "loss" if target.metric == "train_loss" else target.metric
        value: float | None = getattr(evaluation, name)
        assert value is not None
        return target.is_met(value * samples if target.on_accuracy else value, samples)
