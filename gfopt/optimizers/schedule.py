"""Learning-rate schedules: torch's schedulers, by name, for any optimizer with lr in its state.

The schedule steps once an epoch, after the epoch's updates. torch's scheduler is rebuilt from the
state each time, around an SGD of one number with the optimizer's lr; its memory is in the state
under "schedule.…". ReduceLROnPlateau gets the loss of the pass before the epoch's update. Only lr
is scheduled, momentum never.

Source: torch.optim.lr_scheduler, https://docs.pytorch.org/docs/stable/optim.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import ConfigDict, Field

from gfopt.options import Options

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.model.state import State
    from gfopt.optimizers.base import Optimizer

Name = Literal[
    "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "LinearLR", "MultiStepLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "StepLR",
]  # fmt: skip
_PREFIX = "schedule."


class BatchesSeeds(Protocol):
    """Anything that says whether its seeds can be vectorized."""

    @property
    def batches_seeds(self) -> bool: ...


class Schedule(Options):
    """Options: the scheduler's name, and the options of this torch class under torch's names."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[Name, Field(description="name of a class in torch.optim.lr_scheduler")]

    @property
    def reads_loss(self) -> bool:
        """Whether the lr depends on the loss."""
        return self.name == "ReduceLROnPlateau"

    def begin(self, state: State) -> State:
        """The optimizer's first state with the first lr, and the schedule's memory."""
        if "lr" not in state:
            raise ValueError("schedule: this optimizer has no lr in its state to be scheduled")
        return _join(state, [self._make_scheduler(float(lr)) for lr in state["lr"]])

    def keep_memory(self, before: State, after: State) -> State:
        """The state after an update, with the schedule's memory from before it."""
        return after | {key: t for key, t in before.items() if key.startswith(_PREFIX)}

    def next(self, state: State, losses: Tensor | None) -> State:
        """The state after an epoch with the next lr; `losses` (R,) are of the pass before it."""
        schedulers = []
        for i in range(len(state["lr"])):
            own = {k: float(t[i]) for k, t in state.items() if k.startswith(_PREFIX)}
            scheduler = self._make_scheduler(own.pop(f"{_PREFIX}first_lr"))
            _restore(scheduler, own, float(state["lr"][i]))
            scheduler.optimizer.step()  # torch warns about schedulers without it
            scheduler.step(*([float(losses[i])] if losses is not None and self.reads_loss else []))
            schedulers.append(scheduler)
        return _join(state, schedulers)

    def fit(self, optimizer: Optimizer, batch_size: int | None) -> None:
        """Raise ValueError if the schedule doesn't suit an optimizer; needs no torch."""
        if "lr" not in type(optimizer).model_fields:
            raise ValueError("schedule: this optimizer has no option lr")
        if self.reads_loss and batch_size:
            raise ValueError(f"schedule: {self.name} needs full-data losses: remove batch_size")
        if self.reads_loss and not optimizer.wants_pass:
            raise ValueError(
                f"schedule: {self.name} needs the loss of the optimizer's forward pass, and this "
                "optimizer makes none: use a schedule that depends on epochs alone"
            )

    def check(self) -> None:
        """Let torch check the options. Raises ValueError with torch's reason."""
        try:
            self._make_scheduler(0.1).step(*([1.0] if self.reads_loss else []))
        except Exception as error:  # torch's constructors raise errors of many kinds
            raise ValueError(
                f"schedule: torch.optim.lr_scheduler.{self.name} refuses its options: {error}"
            ) from error

    def _make_scheduler(self, lr: float) -> Any:
        """torch's scheduler before its first step."""
        import torch

        number = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([number], lr=lr, momentum=0.5)  # CyclicLR insists on momentum
        options = dict(self.model_extra or {})
        scheduler = getattr(torch.optim.lr_scheduler, self.name)(optimizer, **options)
        scheduler.first_lr = lr
        optimizer.step()
        return scheduler


def can_batch_seeds(optimizer: BatchesSeeds, schedule: Schedule | None) -> bool:
    """Whether seeds can be vectorized: not if each seed's lr depends on its own loss."""
    return optimizer.batches_seeds and not (schedule and schedule.reads_loss)


def _read_memory(scheduler: Any) -> dict[str, float]:
    """The scheduler's numbers."""
    return {k: float(v) for k, v in vars(scheduler).items() if isinstance(v, int | float)}


def _restore(scheduler: Any, numbers: dict[str, float], lr: float) -> None:
    """Put a scheduler's numbers and lr back, each with its type."""
    for key, value in numbers.items():
        name = key.removeprefix(_PREFIX)
        setattr(scheduler, name, type(getattr(scheduler, name))(value))
    scheduler.optimizer.param_groups[0]["lr"] = lr


def _join(state: State, schedulers: list[Any]) -> State:
    """The state with the lr and the memory of each seed's scheduler, as tensors (R,)."""
    import torch

    lr, every = state["lr"], [_read_memory(scheduler) for scheduler in schedulers]
    memory = {
        _PREFIX + key: torch.tensor([n[key] for n in every], dtype=torch.float64, device=lr.device)
        for key in every[0]
    }
    rates = [float(scheduler.optimizer.param_groups[0]["lr"]) for scheduler in schedulers]
    return state | memory | {"lr": lr.new_tensor(rates)}
