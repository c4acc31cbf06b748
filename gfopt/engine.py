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
from gfopt.optimizers.schedule import Schedule, batched
from gfopt.outcomes import Levels, Outcome, Row
from gfopt.problem import DenseProblem, Pass
from gfopt.progress import Progress
from gfopt.readings import constant, levels, metrics
from gfopt.records import Status
from gfopt.rng import Draw
from gfopt.tally import Tally
from gfopt.task import Task

if TYPE_CHECKING:
    from gfopt.optimizers.base import Optimizer
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
    for some in [tuple(seeds)] if batched(optimizer, schedule) else [(seed,) for seed in seeds]:
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
        self.tally = Tally(task.widths, task.train.samples, len(seeds), whole=task.whole)
        self.problem = task.train.watched(self.tally)
        self.updates = 0
        self.outcomes: dict[int, Outcome] = {}
        self.history: dict[int, list[Row]] = {seed: [] for seed in seeds}
        samples = {"train": task.train.samples, "valid": task.valid.samples if task.valid else 0}
        self.progress = {seed: Progress(terms.targets, samples) for seed in seeds}
        self.wanted = dict.fromkeys(t.metric for t in terms.targets if t.metric != "train_loss")
        self.begun = clock.mark()
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
        """Read the loss and the targets' metrics of each replica; end those that are done."""
        task = self.task
        with self.clock.phase(Phase.EVALUATE):
            losses = task.train.loss.value(self.z, task.train.targets).tolist()
            found = metrics(self.wanted, task, self.optimizer, self.state, self.z)
            same = constant(self.z) if self.terms.budget.constant else [False] * len(self.seeds)
        costs, stages = self._costs(), self.optimizer.stage(self.state)
        going = []
        for i, seed in enumerate(self.seeds):
            stage = None if stages is None else int(stages[i])
            read = {m: values[i] for m, values in found.items()}
            row = self._row(losses[i], read, costs, stage)
            self.history[seed].append(row)
            self.watch(seed, row)
            if not self._ended(i, row, constant=same[i]):
                going.append(i)
        if len(going) < len(self.seeds):
            self._keep(going)

    def _row(self, loss: float, read: dict[str, float], costs: _Costs, stage: int | None) -> Row:
        """A reading of a replica, with what it has cost since this loop began."""
        return Row(
            self._epoch(),
            self.updates,
            loss,
            read.get("train_accuracy"),
            read.get("valid_loss"),
            read.get("valid_accuracy"),
            costs.train[0] - self.begun[0],
            costs.train[1] - self.begun[1],
            costs.forward_passes,
            costs.backward_passes,
            stage,
        )

    def _ended(self, i: int, row: Row, *, constant: bool) -> bool:
        """Whether the replica ends with this reading; what it has reached is written down."""
        progress = self.progress[self.seeds[i]]
        new = progress.read(row, constant=constant) if math.isfinite(row.loss) else []
        complete = bool(new) and len(new) == progress.hits.count(None)
        status = Status.REACHED if complete else self._status(i, row)
        if not new and not status:
            return False
        with self.clock.phase(Phase.EVALUATE):
            worth = self._levels(i, at_end=bool(status))
            progress.reach(new, row, worth)
            if status:
                self.outcomes[self.seeds[i]] = self._outcome(i, status, worth)
        return bool(status)

    def _status(self, i: int, row: Row) -> Status | None:
        """How the replica ends with this reading without all targets, None if it goes on."""
        done = self.optimizer.done(self.state)
        if not math.isfinite(row.loss):
            return Status.DIVERGED
        if (done is not None and bool(done[i])) or (self.optimizer.once and self.updates):
            return Status.FINISHED
        if self.progress[self.seeds[i]].constant >= (self.terms.budget.constant or math.inf):
            return Status.CONSTANT
        return Status.BUDGET if self._spent(row) else None

    def _spent(self, row: Row) -> bool:
        """Whether the budget is used up; passes that nobody counts use none."""
        budget = self.terms.budget
        passes = (row.forward_passes or 0) + (row.backward_passes or 0)
        most = (budget.passes or math.inf) * self.task.train.samples
        return self._updates_left() <= 0 or row.seconds >= budget.seconds or passes >= most

    def _levels(self, i: int, *, at_end: bool) -> Levels:
        one = slice(i, i + 1)
        state = {key: tensor[one] for key, tensor in self.state.items()}
        return levels(self.task.of(one), self.optimizer, state, self.z[one], at_end=at_end)

    def _outcome(self, i: int, status: Status, worth: Levels) -> Outcome:
        """The replica's end."""
        seed, state = self.seeds[i], {k: t[i : i + 1] for k, t in self.state.items()}
        return Outcome(
            seed=seed,
            status=status,
            history=self.history[seed],
            hits=self.progress[seed].hits,
            levels=worth,
            notes=self.optimizer.notes(state),
            weights={k: t[0].clone() for k, t in self.optimizer.weights(state).items()},
        )

    def _keep(self, going: list[int]) -> None:
        """Go on with these replicas only."""
        rows = torch.tensor(going, device=self.task.train.inputs.device, dtype=torch.long)
        self.seeds = tuple(self.seeds[i] for i in going)
        self.state = {key: tensor[rows] for key, tensor in self.state.items()}
        self.at = self.at and self.at.keep(rows)
        self.task, self.problem = self.task.of(rows), self.problem.of(rows)
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
