"""What claims and figures may ask of the runs. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gfopt.records.evaluation import Evaluation
from gfopt.records.record import Record
from gfopt.studies.reproduce.measures import Measure

if TYPE_CHECKING:
    from gfopt.numerics.array import Array


class MissingEvidence(Exception):  # noqa: N818 - no error: a reason for "not run"
    """Why something could not be measured."""


class Evidence(Protocol):
    """What the runs show. Every method raises MissingEvidence if there is nothing to show."""

    def read_values(self, measure: Measure) -> dict[int, float]:
        """A measure's value for each of its seeds; for a time, for each repeat."""
        ...

    def read_records(self, measure: Measure) -> list[Record]:
        """The runs behind a measure, in the order of its seeds."""
        ...

    def read_histories(self, measure: Measure) -> list[tuple[Record, list[Evaluation]]]:
        """The runs behind a measure, each with its evaluations."""
        ...

    def trace_layers(self, measure: Measure) -> list[list[int]]:
        """The layers that each update within an epoch changes, from 1."""
        ...

    def compute_outputs(self, measure: Measure) -> tuple[Array, Array, Array]:
        """Inputs (d, N), targets and outputs (K, N) of the first seed's weights."""
        ...
