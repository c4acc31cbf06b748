"""The one training loop: it owns epochs, batches, readings and the clock.

    end_of_epoch  epochs = completed epochs when the loss of the resulting parameters is first below
                  the target; the start is epoch 0.
    as_published  at index i, from 0, the loss of the last full-data pass that step i knew: the one
                  handed in, or the last one it made itself. (arXiv 2204.05312, its program.)

The pass that reads the loss is handed to the next step: where the rule wants it, it is made once
and charged to training when the step takes it. Any other evaluation is off the training clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from gfopt.batches import Batches
from gfopt.clock import Clock, Phase
from gfopt.outcomes import Outcome, Row
from gfopt.problem import DenseProblem, Pass, State
from gfopt.records import Status
from gfopt.rng import Draw
from gfopt.tally import Tally
from gfopt.task import Task, right_answers

if TYPE_CHECKING:
    from gfopt.optimizers.base import Optimizer
    from gfopt.optimizers.schedule import Schedule
    from gfopt.target import Terms


class _Costs(NamedTuple):
    """What training has used so far: (wall, CPU) seconds and sample-passes of a replica."""

    train: tuple[float, float]
    forward_passes: float | None
    backward_passes: float | None


_REHEARSED = 256  # samples of the step thrown away, where one step is all there is
Watch = Callable[[int, Row], None]  # called with seed and row after each reading


def train(
    task: Task,
    optimizer: Optimizer,
    terms: Terms,
    seeds: Sequence[int],
    clock: Clock,
    *,
    batch_size: int | None = None,
    schedule: Schedule | None = None,
    watch: Watch = lambda seed, row: None,
    warming: Phase = Phase.SET_UP,
) -> list[Outcome]:
    """Run each seed until target, budget or its own end; outcomes in the order of the seeds.

    All seeds run in one batch; where the rule can't, or each has an lr by its loss, one by one.
    `warming`: the phase of the step that is thrown away.
    """
    outcomes: dict[int, Outcome] = {}
    batched = optimizer.batches_seeds and not (schedule and schedule.reads_loss)
    for some in [tuple(seeds)] if batched else [(seed,) for seed in seeds]:
        with torch.no_grad():
            loop = Loop(task, optimizer, terms, some, clock, batch_size, schedule, watch)
            loop.run(warming)
        outcomes |= loop.outcomes
    return [outcomes[seed] for seed in seeds]


class Loop:
    """The replicas that still run, in one batch, and where they are."""

    def __init__(
        self,
        task: Task,
        optimizer: Optimizer,
        terms: Terms,
        seeds: tuple[int, ...],
        clock: Clock,
        batch_size: int | None,
        schedule: Schedule | None,
        watch: Watch,
    ) -> None:
        self.task, self.optimizer, self.terms = task, optimizer, terms
        self.clock, self.schedule, self.watch = clock, schedule, watch
        self.seeds, self.batch_size = seeds, batch_size
        self.batches = Batches(task.train.samples, batch_size)
        self.tally = Tally(task.widths, task.train.samples, len(seeds))
        self.problem = task.train.watched(self.tally)
        self.updates = 0
        self.outcomes: dict[int, Outcome] = {}
        self.history: dict[int, list[Row]] = {seed: [] for seed in seeds}
        self.unused: _Costs | None = None  # costs before a pass that no step has taken yet

    def run(self, warming: Phase = Phase.SET_UP) -> None:
        """From the start to the end of the last replica."""
        self.set_up(warming)
        self.look()
        if self.terms.reading == "end_of_epoch":
            self.read()
        while self.seeds:
            self.advance()
            if self.terms.reading == "as_published":
                self.read()
            if self.seeds:
                self.look()
                if self.terms.reading == "end_of_epoch":
                    self.read()
        if self.unused:
            self.clock.reassign(self.unused.train)

    def set_up(self, warming: Phase) -> None:
        """Draw the start; throw one step away first, so that no run pays for a cold machine."""
        with self.clock.phase(Phase.SET_UP):
            like = self.task.train.inputs
            draw = Draw(self.seeds, like.device, like.dtype)
            problem, params = self._first_batch(self.task.train), self.task.start(self.seeds)
            state = self.optimizer.init(problem, params, draw)
            with self.clock.phase(warming):
                at = problem.forward(state) if self.optimizer.wants_pass else None
                self.optimizer.step(problem, state, at)
            self.state = self.optimizer.init(problem, params, draw)
            if self.schedule:
                self.state = self.schedule.begin(self.state)

    def look(self) -> None:
        """The full-data pass at the present parameters: for the reading, and for the next step."""
        self.at = None
        if not self.optimizer.wants_pass or self.batch_size:
            with self.clock.phase(Phase.EVALUATE):
                self.z = self.optimizer.outputs(self.task.train, self.state)
            return
        self.unused = self._costs()
        with self.clock.phase(Phase.TRAIN):
            self.at = self.problem.forward(self.state)
        self.z = self.at.z[-1]

    def advance(self) -> None:
        """Updates up to the next reading."""
        self.unused = None
        if not self.batch_size:
            with self.clock.phase(Phase.TRAIN):
                self._update(self.problem, self.at)
            if self.terms.reading == "as_published" and self.tally.last_full:
                self.z = self.tally.last_full.z[-1]
            return
        for _ in range(min(self._interval(), self._updates_left())):
            self._mini_batch(self.batches.samples(self.updates, self.seeds))

    def _interval(self) -> int:
        """Updates between two readings."""
        return self.terms.every_updates or self.batches.per_epoch

    def _updates_left(self) -> int:
        """Those that the budget of epochs allows."""
        return self.terms.budget.epochs * self.batches.per_epoch - self.updates

    def _mini_batch(self, numbers: Tensor) -> None:
        """One update on the samples of those numbers, (R, n)."""
        with self.clock.phase(Phase.TRAIN):
            problem = self.problem.on(numbers.to(self.task.train.inputs.device))
            at = problem.forward(self.state) if self.optimizer.wants_pass else None
            self._update(problem, at)

    def _update(self, problem: DenseProblem, at: Pass | None) -> None:
        """One step of the rule and, at the end of an epoch, of its schedule."""
        before = self.state
        self.state = self.optimizer.step(problem, before, at)
        self.updates += 1
        if self.schedule:
            self.state = self.schedule.kept(before, self.state)
            if self.updates % self.batches.per_epoch == 0:
                losses = problem.losses(at) if at and self.schedule.reads_loss else None
                self.state = self.schedule.next(self.state, losses)

    def read(self) -> None:
        """Read the loss and the target's metric of each replica; end those that are done."""
        with self.clock.phase(Phase.EVALUATE):
            losses = self.task.train.loss.value(self.z, self.task.train.targets).tolist()
            metrics = self._metric()
        costs, stages = self._costs(), self.optimizer.stage(self.state)
        statuses: list[Status | None] = []
        for i, seed in enumerate(self.seeds):
            metric = metrics[i] if metrics else None
            stage = None if stages is None else int(stages[i])
            row = Row(
                self._epoch(), self.updates, losses[i], metric, *costs.train, *costs[1:], stage
            )
            self.history[seed].append(row)
            self.watch(seed, row)
            statuses.append(self._status(i, row))
        self._end(statuses)

    def _metric(self) -> list[float] | None:
        """The target's metric of each replica, where it isn't the train loss."""
        target = self.terms.target
        if not target or target.metric == "train_loss":
            return None
        problem, z = self.task.train, self.z
        if target.on_validation:
            assert self.task.valid
            problem = self.task.valid
            z = self.optimizer.outputs(problem, self.state)
        if not target.on_accuracy:
            return problem.loss.value(z, problem.targets).double().tolist()
        return (right_answers(z, problem.targets).double() / problem.samples).tolist()

    def _status(self, i: int, row: Row) -> Status | None:
        """How the replica ends with this reading, None if it goes on."""
        budget, done = self.terms.budget, self.optimizer.done(self.state)
        if not math.isfinite(row.loss):
            return Status.DIVERGED
        if self._reached(row):
            return Status.REACHED
        if (done is not None and bool(done[i])) or (self.optimizer.once and self.updates):
            return Status.FINISHED
        spent = self._updates_left() <= 0 or row.seconds >= budget.seconds
        return Status.BUDGET if spent else None

    def _reached(self, row: Row) -> bool:
        target = self.terms.target
        if not target or (target.skip_every and row.epoch % target.skip_every == 0):
            return False
        if row.metric is None:
            return target.met(row.loss, 0)
        problem = self.task.valid if target.on_validation else self.task.train
        assert problem
        return target.met(
            row.metric * problem.samples if target.on_accuracy else row.metric, problem.samples
        )

    def _end(self, statuses: list[Status | None]) -> None:
        """Write down the outcome of those that end, and go on with the others."""
        with self.clock.phase(Phase.EVALUATE):
            for i, status in enumerate(statuses):
                if status:
                    self.outcomes[self.seeds[i]] = self._outcome(i, status)
        going = [i for i, status in enumerate(statuses) if not status]
        if len(going) < len(statuses):
            self._keep(going)

    def _outcome(self, i: int, status: Status) -> Outcome:
        """The replica's end: its accuracy from the outputs that its loss was read from."""
        one, train = slice(i, i + 1), self.task.train
        state = {key: tensor[one] for key, tensor in self.state.items()}
        valid_loss, valid_accuracy = self._validation(state)
        return Outcome(
            seed=self.seeds[i],
            status=status,
            history=self.history[self.seeds[i]],
            train_accuracy=self._accuracy(self.z[one], train.targets),
            valid_loss=valid_loss,
            valid_accuracy=valid_accuracy,
            notes=self.optimizer.notes(state),
            weights={k: t[0].clone() for k, t in self.optimizer.weights(state).items()},
        )

    def _validation(self, state: State) -> tuple[float | None, float | None]:
        """Loss and accuracy of one replica on the held-out samples, where there are some."""
        valid = self.task.valid
        if not valid:
            return None, None
        z = self.optimizer.outputs(valid, state)
        return float(valid.loss.value(z, valid.targets)), self._accuracy(z, valid.targets)

    def _accuracy(self, z: Tensor, y: Tensor) -> float | None:
        return float(right_answers(z, y)) / y.shape[-1] if self.task.classes else None

    def _keep(self, going: list[int]) -> None:
        """Go on with these replicas only."""
        rows = torch.tensor(going, device=self.task.train.inputs.device, dtype=torch.long)
        self.seeds = tuple(self.seeds[i] for i in going)
        self.state = {key: tensor[rows] for key, tensor in self.state.items()}
        self.at = self.at and self.at.keep(rows)
        self.tally.replicas, self.tally.last_full = len(going), None

    def _epoch(self) -> float:
        """The reading's number: completed epochs, or the index of the step just made."""
        if self.terms.reading == "as_published":
            return self.updates - 1
        return self.updates / self.batches.per_epoch

    def _costs(self) -> _Costs:
        """What training has used, without a pass that no step has taken."""
        backward = self.tally.backward_passes
        if not backward and self.updates and not self.optimizer.gradient_free:
            backward = None  # its derivatives are its own: not counted, never zero
        return self.unused or _Costs(self.clock.mark(), self.tally.forward_passes, backward)

    def _first_batch(self, problem: DenseProblem) -> DenseProblem:
        """The problem that the first step will see."""
        if not self.batch_size and not self.optimizer.once:
            return problem
        numbers = self.batches.samples(0, self.seeds)[:, : self.batch_size or _REHEARSED]
        return problem.on(numbers.to(problem.inputs.device))
