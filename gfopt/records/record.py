"""A record: the result of one run (one optimizer, one seed), and where it comes from.

Runs write records; tables, pictures and comparisons read them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from gfopt.records.evaluation import add_passes

SCHEMA = 3  # raised when the meaning of a field changes
OTHER_WORK = 0.1  # CPUs kept busy by other processes from which on timings are unreliable

OLD_BACKENDS = {"compiled": "numba", "graph": "cuda_graph"}  # names until schema 2


class Status(StrEnum):
    """How a run ended. All but `failed` are results."""

    REACHED = "reached"
    BUDGET = "budget"
    DIVERGED = "diverged"
    FINISHED = "finished"
    CONSTANT = "constant"
    FAILED = "failed"


class TuningCost(BaseModel):
    """What the search for a run's hyperparameters cost."""

    trials: int
    epochs: float
    passes: float | None
    seconds: float


class TargetResult(BaseModel):
    """The result for one target: at the evaluation that reached it, else at the end of the run."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", ser_json_inf_nan="strings", protected_namespaces=()
    )

    target: str | None  # as tables show it; None: the run has no target
    target_metric: str
    target_value: float | None
    status: Status
    limit: str | None = None  # of the budget, if that ended the run: "500 epochs"
    epochs: float  # to the target if it was reached
    updates: int
    seconds: float  # of training
    cpu_seconds: float
    forward_passes: float | None  # of single samples; None if the passes aren't counted
    backward_passes: float | None
    loss: float  # on the training samples
    train_accuracy: float | None
    valid_loss: float | None
    valid_accuracy: float | None
    test_loss: float | None = None  # None if the run went on to other targets
    test_accuracy: float | None = None
    chance: float | None  # of the target's metric, or of the train loss
    class_prior: float | None  # the same of the constant-predictor baseline


class Record(TargetResult):
    """One run. With several targets, `hits` has a result for each; the record's own is the last."""

    optimizer: str
    label: str
    place: int = 0  # of the optimizer in its config
    seed: int
    record_schema: int = SCHEMA
    id: str
    experiment: str
    dataset: str
    control_of: list[str] = []  # labels of the optimizers that this one is a control of
    tuned: TuningCost | None = None
    reading: str  # which loss belongs to an epoch, as `reading:` in the YAML
    backend: str = "plain"
    replicas: int = 1  # vectorized seeds; above 1 the seconds are those of all together
    repeat: int = 1  # 2: the same run once more, for the timing noise
    other_work: float | None = None  # CPUs that other processes kept busy meanwhile
    peak_memory: int | None = None  # bytes, of the process meanwhile
    products: tuple[int, int] | None = None  # multiply-adds of a pass, forward and backward
    hits: list[TargetResult] = []
    levels: dict[str, Any]
    phases: dict[str, float]
    cpu_phases: dict[str, float]
    config: dict[str, Any]
    identity: dict[str, Any]  # what the id is the hash of
    hashes: dict[str, str]
    environment: dict[str, Any]
    notes: list[str] = []

    @model_validator(mode="before")
    @classmethod
    def _upgrade(cls, values: Any) -> Any:
        """Read a record of schema 2, whose `path` is today's `backend`."""
        if not isinstance(values, dict) or values.get("record_schema") != 2:
            return values
        path = values.get("path", "plain")
        backend = OLD_BACKENDS.get(path, path)
        return values | {"record_schema": SCHEMA, "backend": backend}

    @property
    def accuracy(self) -> float | None:
        """On the held-out samples if there are some, else on the training samples."""
        return self.train_accuracy if self.valid_accuracy is None else self.valid_accuracy

    @property
    def reached(self) -> bool:
        """Whether the target was reached."""
        return self.status is Status.REACHED

    @property
    def passes(self) -> float | None:
        """Forward + backward passes, of single samples."""
        return add_passes(self.forward_passes, self.backward_passes)

    @property
    def flops(self) -> float | None:
        """Floating-point operations of the passes' matrix products, a multiply-add being two."""
        if self.forward_passes is None or self.backward_passes is None or not self.products:
            return None
        forward, backward = self.products
        return 2 * (self.forward_passes * forward + self.backward_passes * backward)

    @property
    def timed(self) -> bool:
        """Whether the seconds are those of this run alone."""
        return self.replicas == 1

    @property
    def disturbed(self) -> bool:
        """Whether other processes were running, so that the timing is unreliable."""
        return (self.other_work or 0.0) > OTHER_WORK

    def describe_end(self) -> str:
        """How the run ended: "target reached after 65 epochs"."""
        after = f"after {self.epochs:g} epoch{'' if self.epochs == 1 else 's'}"
        if self.status is Status.BUDGET:
            return (
                f"target not reached within {self.limit or 'the budget'}"
                if self.target
                else f"ended {after}"
            )
        words = {
            Status.REACHED: "target reached",
            Status.DIVERGED: "diverged",
            Status.FINISHED: "finished",
            Status.CONSTANT: "ended with constant outputs",
        }
        return f"{words[self.status]} {after}"

    def views(self) -> list[Record]:
        """A record for each target, as if it had been the only one."""
        return [self.model_copy(update=dict(hit)) for hit in self.hits] or [self]
