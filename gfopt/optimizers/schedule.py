"""Learning-rate schedules: torch's schedulers, by name, for any rule with an lr in its state.

The schedule is stepped once an epoch, after the epoch's updates. torch's scheduler is rebuilt from
the state each time, around an optimizer of one number that has nothing but the rule's lr; what it
remembers travels in the state under "schedule.…". ReduceLROnPlateau reads the loss of the pass
that the epoch's update began with. Only lr is scheduled, momentum never.

Source: torch.optim.lr_scheduler, https://docs.pytorch.org/docs/stable/optim.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field

from gfopt.options import Options

if TYPE_CHECKING:
    from torch import Tensor

    from gfopt.optimizers.base import Optimizer
    from gfopt.problem import State

Name = Literal[
    "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "LinearLR", "MultiStepLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "StepLR",
]  # fmt: skip
_PREFIX = "schedule."


class Schedule(Options):
    """Options: the scheduler's name, and any that this torch class takes, as torch calls them."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[Name, Field(description="of a class in torch.optim.lr_scheduler")]

    @property
    def reads_loss(self) -> bool:
        """Whether it goes by the loss."""
        return self.name == "ReduceLROnPlateau"

    def begin(self, state: State) -> State:
        """The rule's first state with the first lr, and what the schedule remembers."""
        if "lr" not in state:
            raise ValueError("schedule: this rule keeps no lr in its state, where it would change")
        return _joined(state, [self._living(float(lr)) for lr in state["lr"]])

    def kept(self, before: State, after: State) -> State:
        """The state after an update, with what the schedule remembered before it."""
        return after | {key: t for key, t in before.items() if key.startswith(_PREFIX)}

    def next(self, state: State, losses: Tensor | None) -> State:
        """The state after an epoch with the next lr; `losses` (R,) are of the pass before it."""
        living = []
        for i in range(len(state["lr"])):
            own = {k: float(t[i]) for k, t in state.items() if k.startswith(_PREFIX)}
            scheduler = self._living(own.pop(f"{_PREFIX}first_lr"))
            _remember(scheduler, own, float(state["lr"][i]))
            scheduler.optimizer.step()  # of one number without a gradient: nothing but good form
            scheduler.step(*([float(losses[i])] if losses is not None and self.reads_loss else []))
            living.append(scheduler)
        return _joined(state, living)

    def fit(self, rule: Optimizer, batch_size: int | None) -> None:
        """Raise ValueError where the schedule doesn't suit a rule; needs no torch."""
        if "lr" not in type(rule).model_fields:
            raise ValueError("schedule: this rule has no lr")
        if self.reads_loss and batch_size:
            raise ValueError(f"schedule: {self.name} reads full-data losses: drop batch_size")
        if self.reads_loss and not rule.wants_pass:
            raise ValueError(
                f"schedule: {self.name} reads the loss of the rule's own forward pass, and this "
                "rule makes none: take one that goes by epochs"
            )

    def check(self) -> None:
        """Let torch judge the options; raises ValueError."""
        try:
            self._living(0.1).step(*([1.0] if self.reads_loss else []))
        except Exception as error:  # torch's constructors raise all sorts
            raise ValueError(
                f"schedule: torch.optim.lr_scheduler.{self.name} refuses its options: {error}"
            ) from error

    def _living(self, lr: float) -> Any:
        """torch's scheduler, at its beginning."""
        import torch

        number = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([number], lr=lr, momentum=0.5)  # CyclicLR insists on momentum
        options = dict(self.model_extra or {})
        made = getattr(torch.optim.lr_scheduler, self.name)(optimizer, **options)
        made.first_lr = lr
        optimizer.step()
        return made


def batched(rule: Optimizer, schedule: Schedule | None) -> bool:
    """Whether seeds run in one batch: not where each has an lr by its own loss."""
    return rule.batches_seeds and not (schedule and schedule.reads_loss)


def _numbers(scheduler: Any) -> dict[str, float]:
    """All that the scheduler remembers as a number, apart from its options."""
    return {k: float(v) for k, v in vars(scheduler).items() if isinstance(v, int | float)}


def _remember(scheduler: Any, numbers: dict[str, float], lr: float) -> None:
    """Put numbers and lr back, each as the type it had."""
    for key, value in numbers.items():
        name = key.removeprefix(_PREFIX)
        setattr(scheduler, name, type(getattr(scheduler, name))(value))
    scheduler.optimizer.param_groups[0]["lr"] = lr


def _joined(state: State, living: list[Any]) -> State:
    """The state with the lr of each replica's scheduler and what it remembers, as tensors (R,)."""
    import torch

    lr, every = state["lr"], [_numbers(scheduler) for scheduler in living]
    memory = {
        _PREFIX + key: torch.tensor([n[key] for n in every], dtype=torch.float64, device=lr.device)
        for key in every[0]
    }
    return state | memory | {"lr": lr.new_tensor([_lr(scheduler) for scheduler in living])}


def _lr(scheduler: Any) -> float:
    return float(scheduler.optimizer.param_groups[0]["lr"])
