"""Replayed epochs against plain ones: the same losses, weights and passes, to the last bit.

Without a GPU, `Recorded` is a fake of CUDA graphs: it repeats no Python, only the operations on the
same memory, and refuses what a capture refuses.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gfopt.backends import Job, backends
from gfopt.backends.cuda_graph import CAPTURABLE, GraphedOptimizer, prepare_replay
from gfopt.engine.budget import Budget
from gfopt.engine.clock import Clock, make_clock
from gfopt.engine.loop import train
from gfopt.engine.tally import Tally
from gfopt.engine.target import Target
from gfopt.engine.terms import Terms
from gfopt.errors import UsageError
from gfopt.model.losses import losses
from gfopt.model.state import descend
from gfopt.optimizers import Optimizer, optimizers
from gfopt.optimizers.schedule import Schedule
from gfopt.records.record import Status
from tests.tiny import Tiny

OPTIMIZERS = {
    "gradient_descent": optimizers["gradient_descent"](lr=0.3),
    "with momentum": optimizers["gradient_descent"](lr=0.1, momentum=0.8),
    "with multipliers": optimizers["gradient_descent"](lr=0.1, multipliers=(1, 2, 3)),
    "position_wise": optimizers["position_wise"](lr=0.3),
}
GD, PW = OPTIMIZERS["gradient_descent"], OPTIMIZERS["position_wise"]
SEEDS = (1, 2, 3, 4, 5, 6)
# what reads from the device or sends from the host: a capture can't wait for it
WAITS = {"_local_scalar_dense", "nonzero", "equal", "is_nonzero", "lift_fresh"}
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
every_reading = pytest.mark.parametrize("reading", ["end_of_epoch", "as_published"])


class Recorded(TorchDispatchMode):
    """The operations of some work, each with the memory it read and the memory it wrote."""

    def __init__(self):
        super().__init__()
        self.operations = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        assert name not in WAITS, f"{name} waits for the host"
        made = func(*args, **kwargs or {})
        if not func.is_view:
            self.operations.append((func, args, kwargs or {}, made))
        return made

    def replay(self):
        for func, args, kwargs, made in self.operations:
            again = func(*args, **kwargs)
            for own, new in zip(tree_leaves(made), tree_leaves(again), strict=True):
                if isinstance(own, torch.Tensor) and own.data_ptr() != new.data_ptr():
                    own.copy_(new)

    def spoil(self):
        """What a capture leaves behind: memory that nothing has been written to yet."""
        for func, _, _, made in self.operations:
            for tensor in tree_leaves(made):
                if isinstance(tensor, torch.Tensor) and not func._schema.is_mutable:
                    tensor.fill_(float("nan") if tensor.is_floating_point() else 1)


class Captures:
    """The fake of a capture, and how often it was called."""

    def __init__(self):
        self.count = 0

    def __call__(self, work):
        self.count += 1
        for _ in range(3):
            work()
        with Recorded() as recorded:
            made = work()
        recorded.spoil()
        return made, recorded.replay


def task(tiny):
    valid = Tiny(samples=9).problem if tiny.device.type == "cpu" else None
    return replace(tiny.task(), valid=valid)


def terms(reading="end_of_epoch", loss=None, epochs=20):
    return Terms(
        (Target(train_loss=loss),) if loss else (), reading, Budget(epochs=epochs, seconds=3600.0)
    )


def both(optimizer, how, seeds=SEEDS, capture=None, **more):
    """Outcomes without graphs and with them."""
    plain = train(task(Tiny()), optimizer, how, seeds, Clock(), **more)
    return plain, train(
        *prepare_replay(task(Tiny()), optimizer, capture or Captures()), how, seeds, Clock()
    )


def timeless(outcome):
    """All evaluations of an outcome without their seconds."""
    return [row._replace(seconds=0, cpu_seconds=0) for row in outcome.history]


def assert_same(plain, found):
    for one, other in zip(plain, found, strict=True):
        assert (one.seed, one.status) == (other.seed, other.status)
        assert timeless(one) == timeless(other)
        assert one.metrics == other.metrics
        assert list(one.weights) == list(other.weights)
        assert all(torch.equal(one.weights[key], other.weights[key]) for key in one.weights)


@every_optimizer
@every_reading
def test_replayed_epochs_are_the_plain_ones(optimizer, reading):
    assert_same(*both(optimizer, terms(reading)))


def ends(optimizer, reading):
    """A loss that the seeds get below in different epochs, one of them never."""
    outcomes = train(task(Tiny()), optimizer, terms(reading), SEEDS, Clock())
    return sorted(outcome.history[-1].loss for outcome in outcomes)[-2] * 1.0001


@every_optimizer
@every_reading
def test_seeds_that_end_leave_the_others_as_in_the_plain_backend(optimizer, reading):
    capture, how = Captures(), terms(reading, ends(optimizer, reading))
    plain, found = both(optimizer, how, capture=capture)
    assert_same(plain, found)
    last = [outcome.history[-1].epoch for outcome in found]
    assert len(set(last)) > 2
    assert {outcome.status for outcome in found} == {Status.REACHED, Status.BUDGET}
    assert capture.count <= 2 * len(set(last))  # a pass and a step for each number of seeds


@pytest.mark.parametrize("name", list(losses))
@pytest.mark.parametrize("optimizer", [GD, PW], ids=CAPTURABLE)
def test_every_loss_can_be_captured(optimizer, name):
    widths = (6, 5, 4, losses[name].outputs or 3)
    found = []
    for ways in (
        lambda task: (task, optimizer),
        lambda task: prepare_replay(task, optimizer, Captures()),
    ):
        alone = replace(task(Tiny(widths, loss=name)), valid=None)
        found.append(train(*ways(alone), terms(epochs=3), (1, 2), Clock()))
    assert_same(*found)


def test_nothing_is_captured_twice_for_the_same_number_of_seeds():
    capture = Captures()
    way, runner = prepare_replay(task(Tiny()), PW, capture)
    for seeds in ((1, 2), (3, 4)):
        train(way, runner, terms(), seeds, Clock())
    assert capture.count == 2


def test_runs_one_after_the_other_don_t_see_each_other():
    way, runner = prepare_replay(task(Tiny()), OPTIMIZERS["with momentum"], Captures())
    found = [train(way, runner, terms(), [seed], Clock())[0] for seed in SEEDS]
    plain = [
        train(task(Tiny()), OPTIMIZERS["with momentum"], terms(), [s], Clock())[0] for s in SEEDS
    ]
    assert_same(plain, found)


def test_the_problem_is_not_touched():
    tiny = Tiny()
    x, y = tiny.problem.inputs.clone(), tiny.problem.targets.clone()
    train(*prepare_replay(task(tiny), PW, Captures()), terms(), SEEDS, Clock())
    assert torch.equal(tiny.problem.inputs, x)
    assert torch.equal(tiny.problem.targets, y)


def test_a_first_state_is_left_as_it_was():
    tiny = Tiny()
    way, runner = prepare_replay(task(tiny), GD, Captures())
    with torch.no_grad():
        state = runner.init(way.train, tiny.initial_weights((1, 2)), tiny.draw((1, 2)))
        before = {key: tensor.clone() for key, tensor in state.items()}
        after = runner.step(way.train, state, way.train.forward(state))
    assert all(torch.equal(state[key], before[key]) for key in before)
    assert not torch.equal(after["W1"], before["W1"])


def test_a_step_without_a_pass_makes_and_counts_its_own():
    tiny, counts = Tiny(), []
    way, runner = prepare_replay(task(tiny), GD, Captures())
    for problem, optimizer in ((tiny.problem, GD), (way.train, runner)):
        tally = Tally(tiny.widths, tiny.problem.samples)
        with torch.no_grad():
            state = optimizer.init(problem, tiny.initial_weights((1,)), tiny.draw((1,)))
            optimizer.step(problem.with_watcher(tally), state, None)
        counts.append((tally.forward_passes, tally.backward_passes))
    assert counts == [(24, 24), (24, 24)]


def test_mini_batches_run_without_graphs():
    capture, how = Captures(), terms()
    plain = train(task(Tiny()), GD, how, SEEDS, Clock(), batch_size=7)
    way = prepare_replay(task(Tiny()), GD, capture)
    assert_same(plain, train(*way, how, SEEDS, Clock(), batch_size=7))


class Charging(Optimizer):
    """Descent that charges passes, and keeps its last weights beside the new ones."""

    batches_seeds: ClassVar[bool] = True

    def init(self, problem, params, draw):
        return params | {"W1.last": params["W1"], "lr": draw.full(0.1)}

    def step(self, problem, state, at):
        problem.charge(5)
        after = descend(state, problem.gradient(state, at))
        return after | {"W1.last": state["W1"], "W1": after["W1"] + 0.1 * state["W1.last"]}


class Peeking(Charging):
    """Makes passes of its own."""

    def step(self, problem, state, at):
        return super().step(problem, state | {"lr": state["lr"] + 0 * problem.x.sum()}, at)


class Growing(Charging):
    """Remembers more with its first step."""

    def step(self, problem, state, at):
        return state | {"more": state["lr"]}


def test_memory_that_is_another_entry_s_last_value_is_not_overwritten():
    plain, found = both(Charging(), terms())
    assert_same(plain, found)
    assert found[0].history[-1].forward_passes == 20 * (24 + 5)


def test_unseen_passes_are_uncounted_as_without_graphs():
    plain, found = both(Peeking(), terms())
    assert_same(plain, found)
    assert found[0].history[-1].forward_passes is None


def test_a_state_that_grows_is_refused():
    with pytest.raises(ValueError, match="keeps its keys and shapes"):
        train(*prepare_replay(task(Tiny()), Growing(), Captures()), terms(), SEEDS, Clock())


def test_a_graphed_optimizer_has_the_capabilities_of_the_inner_one():
    for inner in (PW, Charging(), optimizers["lbfgs"](), optimizers["random_features"]()):
        graphed = GraphedOptimizer(inner)
        for name in ("wants_pass", "gradient_free", "once", "batches_seeds"):
            assert getattr(graphed, name) == getattr(inner, name)


CUDA = backends["cuda_graph"]()


def test_graphs_need_a_gpu():
    with (
        pytest.raises(UsageError, match=r"need a GPU: use --device cuda \(got cpu\)"),
        CUDA.prepare(task(Tiny()), GD),
    ):
        pass


def refuse(optimizer, **more):
    """The reasons against a job on a GPU."""
    given = {
        "label": "it",
        "name": "it",
        "optimizer": optimizer,
        "batch_size": None,
        "schedule": None,
        "frozen_hidden": False,
        "activations": ("tanh", "tanh"),
        "loss": losses["mse"](),
        "device_kind": "cuda",
    }
    return list(CUDA.find_refusals(Job(**given | more)))


@pytest.mark.parametrize("name", CAPTURABLE)
def test_optimizers_of_fixed_steps_are_taken(name):
    assert refuse(optimizers[name]()) == []


@pytest.mark.parametrize(
    ("optimizer", "more", "reason"),
    [
        (optimizers["adam"](), {}, "only"),
        (None, {}, "from files"),
        (GD, {"batch_size": 8}, "mini-batches"),
        (GD, {"schedule": Schedule(name="ExponentialLR", gamma=0.9)}, "schedules"),
        (GD, {"frozen_hidden": True}, "frozen hidden"),
        (GD, {"device_kind": "cpu"}, "need a GPU"),
    ],
)
def test_each_refusal_has_a_reason(optimizer, more, reason):
    (found,) = refuse(optimizer, **more)
    assert reason in found


@pytest.mark.cuda
@every_optimizer
@every_reading
def test_cuda_graphs_give_what_the_plain_backend_does(optimizer, reading):
    tiny = Tiny(device="cuda")
    clock = make_clock(tiny.device)
    how = terms(reading, ends(optimizer, reading))
    plain = train(task(tiny), optimizer, how, SEEDS, clock)
    with CUDA.prepare(task(tiny), optimizer) as prepared:
        found = train(*prepared, how, SEEDS, clock)
    for one, other in zip(plain, found, strict=True):
        assert (one.status, len(one.history)) == (other.status, len(other.history))
        for row, same in zip(timeless(one), timeless(other), strict=True):
            assert row.loss == pytest.approx(same.loss, rel=1e-12)
            assert row._replace(loss=0) == same._replace(loss=0)
        for key, weights in one.weights.items():
            torch.testing.assert_close(other.weights[key], weights, rtol=1e-9, atol=1e-12)
