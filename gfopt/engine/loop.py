"""The one training loop: it owns epochs, batches, evaluations and the clock.

`reading:` in a config says which loss belongs to an epoch:

    end_of_epoch  the loss of the weights after the epoch; the initialization is epoch 0
    as_published  the loss of the last full-data pass in step i, i from 0: the pass handed in, or
                  the last one that the step made itself (arXiv 2204.05312, its program)

The forward pass of an evaluation is handed to the next step. If the optimizer wants it, it is
computed once and charged to training when the step uses it. Other evaluations are off the training
clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from gfopt.engine.batches import Batches
from gfopt.engine.budget import Usage
from gfopt.engine.clock import Clock, Phase
from gfopt.engine.evaluation import evaluate_all_metrics, evaluate_metrics, find_constant_outputs
from gfopt.engine.outcome import Outcome
from gfopt.engine.tally import Tally
from gfopt.engine.targets_reached import TargetsReached
from gfopt.engine.task import Task
from gfopt.model.dense import DenseProblem, Pass
from gfopt.numerics.draw import Draw
from gfopt.optimizers.schedule import Schedule, can_batch_seeds
from gfopt.records.evaluation import OPTIONAL_METRICS, Evaluation
from gfopt.records.record import Status

if TYPE_CHECKING:
    from gfopt.engine.terms import Terms
    from gfopt.engine.trainable import Trainable


class _Costs(NamedTuple):
    """The costs of training so far: (wall, CPU) seconds, and passes of one seed."""

    train: tuple[float, float]
    forward_passes: float | None
    backward_passes: float | None


_WARM_UP_SAMPLES = 256  # of the step thrown away, if one step is the whole training
Watch = Callable[[int, Evaluation], None]  # called with the seed after each evaluation


def train(
    task: Task,
    optimizer: Trainable,
    terms: Terms,
    seeds: Sequence[int],
    clock: Clock,
    *,
    batch_size: int | None = None,
    schedule: Schedule | None = None,
    watch: Watch = lambda seed, evaluation: None,
    warm_up: Phase = Phase.SET_UP,
) -> list[Outcome]:
    """Train each seed until target, budget or its own end; outcomes in the order of the seeds.

    Seeds are vectorized. They run one by one if the optimizer can't do that, or if the schedule
    follows each seed's loss. `warm_up`: the phase of the step that is thrown away.
    """
    outcomes: dict[int, Outcome] = {}
    together = [tuple(seeds)] if can_batch_seeds(optimizer, schedule) else [(s,) for s in seeds]
    for some in together:
        with torch.no_grad():
            loop = Loop(task, optimizer, terms, some, clock, batch_size, schedule, watch)
            loop.run(warm_up)
        outcomes |= loop.outcomes
    return [outcomes[seed] for seed in seeds]


class Loop:
    """Vectorized seeds that still run, and their state."""

    def __init__(
        self,
        task: Task,
        optimizer: Trainable,
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
        self.problem = task.train.with_watcher(self.tally)
        self.updates = 0
        self.outcomes: dict[int, Outcome] = {}
        self.history: dict[int, list[Evaluation]] = {seed: [] for seed in seeds}
        samples = {"train": task.train.samples, "valid": task.valid.samples if task.valid else 0}
        self.reached = {seed: TargetsReached(terms.targets, samples) for seed in seeds}
        self.wanted = dict.fromkeys(t.metric for t in terms.targets if t.metric in OPTIONAL_METRICS)
        self.begun = clock.mark()
        self.unused: _Costs | None = None  # costs before a pass that no step has used yet

    def run(self, warm_up: Phase = Phase.SET_UP) -> None:
        """Train from the initialization until the last seed has ended."""
        self.set_up(warm_up)
        self.make_pass()
        if self.terms.reading == "end_of_epoch":
            self.evaluate()
        while self.seeds:
            self.advance()
            if self.terms.reading == "as_published":
                self.evaluate()
            if self.seeds:
                self.make_pass()
                if self.terms.reading == "end_of_epoch":
                    self.evaluate()
        if self.unused:
            self.clock.reassign(self.unused.train)

    def set_up(self, warm_up: Phase) -> None:
        """Draw the initial weights. One step is thrown away: it pays for a cold start."""
        with self.clock.phase(Phase.SET_UP):
            like = self.task.train.inputs
            draw = Draw(self.seeds, like.device, like.dtype)
            problem, params = self._select_first_batch(), self.task.initial_weights(self.seeds)
            state = self.optimizer.init(problem, params, draw)
            with self.clock.phase(warm_up):
                at = problem.forward(state) if self.optimizer.wants_pass else None
                self.optimizer.step(problem, state, at)
            self.state = self.optimizer.init(problem, params, draw)
            if self.schedule:
                self.state = self.schedule.begin(self.state)

    def make_pass(self) -> None:
        """Make the full-data pass at the current weights, for the evaluation and the next step."""
        self.at: Pass | None = None
        if not self.optimizer.wants_pass or self.batch_size:
            with self.clock.phase(Phase.EVALUATE):
                self.z = self.optimizer.outputs(self.task.train, self.state)
            return
        self.unused = self._sum_costs()
        with self.clock.phase(Phase.TRAIN):
            self.at = self.problem.forward(self.state)
        self.z = self.at.z[-1]

    def advance(self) -> None:
        """Make the updates up to the next evaluation."""
        self.unused = None
        if not self.batch_size:
            with self.clock.phase(Phase.TRAIN):
                self._update(self.problem, self.at)
            if self.terms.reading == "as_published" and self.tally.last_full:
                self.z = self.tally.last_full.z[-1]
            return
        left = self.terms.budget.count_updates_left(self.updates, self.batches.per_epoch)
        for _ in range(min(self.terms.every_updates or self.batches.per_epoch, left)):
            numbers = self.batches.draw_samples(self.updates, self.seeds)
            with self.clock.phase(Phase.TRAIN):
                problem = self.problem.on(numbers.to(self.task.train.inputs.device))
                at = problem.forward(self.state) if self.optimizer.wants_pass else None
                self._update(problem, at)

    def _update(self, problem: DenseProblem, at: Pass | None) -> None:
        """Make one step of the optimizer and, at the end of an epoch, of its schedule."""
        before = self.state
        self.state = self.optimizer.step(problem, before, at)
        self.updates += 1
        if self.schedule:
            self.state = self.schedule.keep_memory(before, self.state)
            if self.updates % self.batches.per_epoch == 0:
                losses = problem.losses(at) if at and self.schedule.reads_loss else None
                self.state = self.schedule.next(self.state, losses)

    def evaluate(self) -> None:
        """Evaluate loss and targets' metrics of each seed; end the seeds that are done."""
        task = self.task
        with self.clock.phase(Phase.EVALUATE):
            losses = task.train.loss.value(self.z, task.train.targets).tolist()
            found = evaluate_metrics(self.wanted, task, self.optimizer, self.state, self.z)
            constant = [False] * len(self.seeds)
            if self.terms.budget.constant:
                constant = find_constant_outputs(self.z)
        costs, stages = self._sum_costs(), self.optimizer.stage(self.state)
        going = []
        for i, seed in enumerate(self.seeds):
            metrics = {name: values[i] for name, values in found.items()}
            evaluation = self._make_evaluation(losses[i], metrics, costs, stages, i)
            self.history[seed].append(evaluation)
            self.watch(seed, evaluation)
            if not self._has_ended(i, evaluation, constant=constant[i]):
                going.append(i)
        if len(going) < len(self.seeds):
            self._keep(going)

    def _make_evaluation(
        self, loss: float, metrics: dict[str, float], costs: _Costs, stages: Tensor | None, i: int
    ) -> Evaluation:
        """An evaluation of seed i, with its costs since this loop began."""
        return Evaluation(
            epoch=self._find_epoch(),
            updates=self.updates,
            loss=loss,
            seconds=costs.train[0] - self.begun[0],
            cpu_seconds=costs.train[1] - self.begun[1],
            forward_passes=costs.forward_passes,
            backward_passes=costs.backward_passes,
            stage=None if stages is None else int(stages[i]),
            **dict.fromkeys(OPTIONAL_METRICS) | metrics,
        )

    def _has_ended(self, i: int, evaluation: Evaluation, *, constant: bool) -> bool:
        """Whether seed i ends with this evaluation; the targets that it reaches are recorded."""
        reached = self.reached[self.seeds[i]]
        finite = math.isfinite(evaluation.loss)
        new = reached.update(evaluation, constant=constant) if finite else []
        complete = bool(new) and len(new) == reached.hits.count(None)
        status, limit = (Status.REACHED, None) if complete else self._find_end(i, evaluation)
        if not new and not status:
            return False
        with self.clock.phase(Phase.EVALUATE):
            self._record(i, new, evaluation, status, limit)
        return bool(status)

    def _record(
        self,
        i: int,
        new: list[int],
        evaluation: Evaluation,
        status: Status | None,
        limit: str | None,
    ) -> None:
        """Record the targets that seed i has reached, and its outcome if it ends with a status."""
        seed, one = self.seeds[i], slice(i, i + 1)
        state = {key: tensor[one] for key, tensor in self.state.items()}
        metrics = evaluate_all_metrics(
            self.task.of(one), self.optimizer, state, self.z[one], at_end=bool(status)
        )
        self.reached[seed].record(new, evaluation, metrics)
        if status:
            self.outcomes[seed] = Outcome(
                seed=seed,
                status=status,
                limit=limit,
                history=self.history[seed],
                hits=self.reached[seed].hits,
                metrics=metrics,
                notes=self.optimizer.notes(state),
                weights={k: t[0].clone() for k, t in self.optimizer.weights(state).items()},
            )

    def _find_end(self, i: int, evaluation: Evaluation) -> tuple[Status | None, str | None]:
        """Status and limit with which seed i ends before all targets; (None, None): it goes on.

        Passes that aren't counted use up no budget.
        """
        done = self.optimizer.done(self.state)
        if not math.isfinite(evaluation.loss):
            return Status.DIVERGED, None
        if (done is not None and bool(done[i])) or (self.optimizer.once and self.updates):
            return Status.FINISHED, None
        usage = Usage(
            updates=self.updates,
            updates_per_epoch=self.batches.per_epoch,
            seconds=evaluation.seconds,
            passes=(evaluation.forward_passes or 0) + (evaluation.backward_passes or 0),
            samples=self.task.train.samples,
            constant_outputs=self.reached[self.seeds[i]].constant_outputs,
        )
        return self.terms.budget.find_limit(usage) or (None, None)

    def _keep(self, going: list[int]) -> None:
        """Go on with these seeds only."""
        rows = torch.tensor(going, device=self.task.train.inputs.device, dtype=torch.long)
        self.seeds = tuple(self.seeds[i] for i in going)
        self.state = {key: tensor[rows] for key, tensor in self.state.items()}
        self.at = self.at and self.at.keep(rows)
        self.task, self.problem = self.task.of(rows), self.problem.of(rows)
        self.tally.seeds, self.tally.last_full = len(going), None

    def _find_epoch(self) -> float:
        """The epoch of an evaluation: completed epochs, or the index of the step just made."""
        if self.terms.reading == "as_published":
            return self.updates - 1
        return self.updates / self.batches.per_epoch

    def _sum_costs(self) -> _Costs:
        """The costs of training, without a pass that no step has used."""
        backward = self.tally.backward_passes
        if not backward and self.updates and not self.optimizer.gradient_free:
            backward = None  # its derivatives are its own: not counted, never zero
        return self.unused or _Costs(self.clock.mark(), self.tally.forward_passes, backward)

    def _select_first_batch(self) -> DenseProblem:
        """The problem that the first step will see."""
        problem = self.task.train
        if not self.batch_size and not self.optimizer.once:
            return problem
        numbers = self.batches.draw_samples(0, self.seeds)[:, : self.batch_size or _WARM_UP_SAMPLES]
        return problem.on(numbers.to(problem.inputs.device))
