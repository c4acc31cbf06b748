"""Which targets a replica has reached, with which reading, and what it was worth there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gfopt.outcomes import Hit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gfopt.outcomes import Levels, Row
    from gfopt.target import Target


class Progress:
    """One replica's way to its targets, reading by reading."""

    def __init__(self, targets: Sequence[Target], samples: dict[str, int]) -> None:
        """`samples` by part, "train" and "valid": accuracies are compared as whole counts."""
        self._targets, self._samples = targets, samples
        self._streaks = [0] * len(targets)
        self.hits: list[Hit | None] = [None] * len(targets)
        self.constant = 0  # readings in a row with one output for all samples

    def read(self, row: Row, *, constant: bool = False) -> list[int]:
        """Take in a reading; the numbers of the targets that are reached with it."""
        self.constant = self.constant + 1 if constant else 0
        new = []
        for i, target in enumerate(self._targets):
            self._streaks[i] = self._streaks[i] + 1 if self._met(target, row) else 0
            if self.hits[i] is None and self._streaks[i] >= target.hold:
                new.append(i)
        return new

    def reach(self, numbers: Sequence[int], row: Row, levels: Levels) -> None:
        """Write down the targets that this reading reached."""
        for i in numbers:
            self.hits[i] = Hit(row, levels)

    def _met(self, target: Target, row: Row) -> bool:
        if target.skip_every and row.epoch % target.skip_every == 0:
            return False
        value, samples = row.value(target.metric), self._samples[target.part]
        assert value is not None
        return target.met(value * samples if target.on_accuracy else value, samples)
