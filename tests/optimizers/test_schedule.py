"""Schedules against torch's schedulers on torch's optimizers, driven by autograd."""

from __future__ import annotations

import math

import pytest
import torch

from gfopt.config.entries import Entry
from gfopt.config.loading import load
from gfopt.engine.batches import Batches
from gfopt.engine.budget import Budget
from gfopt.engine.clock import Clock
from gfopt.engine.loop import Loop, train
from gfopt.engine.terms import Terms
from gfopt.errors import UsageError
from gfopt.model.state import parameters
from gfopt.optimizers import Optimizer, optimizers
from gfopt.optimizers.schedule import Name, Schedule
from tests.tiny import Tiny

EPOCHS = 12
# a cycle, a restart, a milestone or a standstill falls within the epochs; no momentum is scheduled
SCHEDULES = {
    "ConstantLR": {"factor": 0.3, "total_iters": 4},
    "CosineAnnealingLR": {"T_max": 8, "eta_min": 0.001},
    "CosineAnnealingWarmRestarts": {"T_0": 2, "T_mult": 2},
    "CyclicLR": {"base_lr": 0.01, "max_lr": 0.07, "step_size_up": 3, "cycle_momentum": False},
    "ExponentialLR": {"gamma": 0.83},
    "LinearLR": {"start_factor": 0.2, "end_factor": 0.9, "total_iters": 7},
    "MultiStepLR": {"milestones": [2, 7], "gamma": 0.3},
    "OneCycleLR": {"max_lr": 0.09, "total_steps": 12, "cycle_momentum": False},
    "PolynomialLR": {"total_iters": 10, "power": 1.7},
    "ReduceLROnPlateau": {"factor": 0.3, "patience": 1, "threshold": 0.4},
    "StepLR": {"step_size": 3, "gamma": 0.6},
}
OPTIMIZERS = {
    "adam": (torch.optim.Adam, {"lr": 0.05}),
    "sgd": (torch.optim.SGD, {"lr": 0.2, "momentum": 0.9}),
}
every_schedule = pytest.mark.parametrize("name", SCHEDULES)


def scheduled(name):
    return Schedule(name=name, **SCHEDULES[name])


def run(optimizer, schedule, seeds=(5,), tiny=None, batch_size=None, epochs=EPOCHS, every=None):
    """Each seed's lr and loss at every evaluation of the engine, and its last parameters."""
    terms = Terms((), "end_of_epoch", Budget(epochs=epochs), every)
    lrs = {seed: [] for seed in seeds}

    def watch(seed, row):
        lrs[seed].append(float(loop.state["lr"][loop.seeds.index(seed)]))

    loop = Loop(
        (tiny or Tiny()).task(), optimizer, terms, seeds, Clock(), batch_size, schedule, watch
    )
    with torch.no_grad():
        loop.run()
    losses = {seed: [row.loss for row in loop.history[seed]] for seed in seeds}
    return lrs, losses, {seed: loop.outcomes[seed].weights for seed in seeds}


def run_torch(optimizer, name, tiny, seed, batches=None, **changed):
    """torch's optimizer and scheduler: lr and loss before each epoch, lr after all; the network."""
    weights, layers = tiny.task().initial_weights((seed,)), []
    for l in range(1, len(tiny.widths)):
        layer = torch.nn.Linear(tiny.widths[l - 1], tiny.widths[l], dtype=torch.float64)
        layer.weight.data = weights[f"W{l}"][0].clone()
        layer.bias.data = weights[f"b{l}"][0, :, 0].clone()
        layers += [layer, torch.nn.Tanh()]
    net = torch.nn.Sequential(*layers[:-1])
    kind, options = OPTIMIZERS[optimizer]
    torchs = kind(net.parameters(), **options | changed)
    scheduler = getattr(torch.optim.lr_scheduler, name)(torchs, **SCHEDULES[name])
    x, labels = tiny.problem.inputs.T, tiny.problem.targets.argmax(0)
    lrs, losses = [torchs.param_groups[0]["lr"]], []
    for epoch in range(EPOCHS):
        for chosen in batches(epoch) if batches else [slice(None)]:
            torchs.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(x[chosen]), labels[chosen])
            loss.backward()
            torchs.step()
        losses.append(loss.item())
        scheduler.step(*[loss.item()] * (name == "ReduceLROnPlateau"))
        lrs.append(torchs.param_groups[0]["lr"])
    return lrs, losses, net


def assert_same_parameters(weights, net):
    for l in (1, 2, 3):
        layer = net[2 * (l - 1)]
        found = (weights[f"W{l}"], weights[f"b{l}"][:, 0])
        torch.testing.assert_close(
            found, (layer.weight.data, layer.bias.data), rtol=1e-12, atol=1e-12
        )


def test_every_name_is_tried():
    assert set(SCHEDULES) == set(Name.__args__)


@every_schedule
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_lr_and_parameters_are_those_of_torch(optimizer, name):
    expected, _, net = run_torch(optimizer, name, Tiny(), 5)
    assert len(set(expected)) > 1  # the schedule did something
    lrs, _, weights = run(optimizers[optimizer](**OPTIMIZERS[optimizer][1]), scheduled(name))
    assert lrs[5] == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert_same_parameters(weights[5], net)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_plateau_is_judged_by_the_loss_before_each_update(optimizer):
    """The loss after it would give other epochs."""
    tiny, made = Tiny(), optimizers[optimizer](**OPTIMIZERS[optimizer][1])
    expected, before, _ = run_torch(optimizer, "ReduceLROnPlateau", tiny, 5)
    lrs, losses, _ = run(made, scheduled("ReduceLROnPlateau"))
    assert losses[5][:-1] == pytest.approx(before, rel=1e-11)
    by_hand = {shift: plateau_by_hand(lrs[5][0], losses[5][shift:]) for shift in (0, 1)}
    assert lrs[5] == pytest.approx(expected)
    assert lrs[5] == pytest.approx(by_hand[0][: EPOCHS + 1])
    assert lrs[5][:EPOCHS] != pytest.approx(by_hand[1][:EPOCHS])


def plateau_by_hand(lr, losses):
    """The lr of each epoch: cut where the loss wasn't 40 % below the best for two epochs."""
    lrs, best, bad = [lr], math.inf, 0
    for loss in losses:
        best, bad = (loss, 0) if loss < best * 0.6 else (best, bad + 1)
        if bad > 1:
            lr, bad = lr * 0.3, 0
        lrs.append(lr)
    return lrs


@pytest.mark.parametrize("name", [n for n in SCHEDULES if n != "ReduceLROnPlateau"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_with_mini_batches_the_schedule_steps_once_an_epoch(optimizer, name):
    tiny, batches = Tiny(), Batches(24, 7)

    def chosen(epoch):
        return [batches.draw_samples(4 * epoch + i, (5,))[0] for i in range(4)]

    expected, _, net = run_torch(optimizer, name, tiny, 5, chosen)
    made = optimizers[optimizer](**OPTIMIZERS[optimizer][1])
    lrs, _, weights = run(made, scheduled(name), batch_size=7)
    assert lrs[5] == pytest.approx(expected, rel=1e-12, abs=1e-15)
    assert_same_parameters(weights[5], net)


def test_evaluations_within_an_epoch_see_its_lr():
    made, schedule = optimizers["sgd"](lr=0.2), Schedule(name="StepLR", step_size=1, gamma=0.5)
    lrs, _, _ = run(made, schedule, batch_size=12, epochs=3, every=1)
    assert lrs[5] == [0.2, 0.2, 0.1, 0.1, 0.05, 0.05, 0.025]


def test_momentum_is_never_scheduled():
    options = SCHEDULES["CyclicLR"] | {"cycle_momentum": True}
    expected, _, net = run_torch("sgd", "CyclicLR", Tiny(), 5)  # cycle_momentum: False
    made = optimizers["sgd"](**OPTIMIZERS["sgd"][1])
    lrs, _, weights = run(made, Schedule(name="CyclicLR", **options))
    assert lrs[5] == pytest.approx(expected, rel=1e-12)
    assert_same_parameters(weights[5], net)


@every_schedule
@pytest.mark.parametrize("optimizer", ["adam", "gradient_descent"])
def test_saved_and_resumed_equals_run_on(optimizer, name, tiny, tmp_path):
    from safetensors.torch import load_file, save_file

    made, schedule = optimizers[optimizer](lr=0.2), scheduled(name)

    def go_on(state, epochs):
        with torch.no_grad():
            for _ in range(epochs):
                at = tiny.problem.forward(state)
                after = schedule.keep_memory(state, made.step(tiny.problem, state, at))
                state = schedule.next(after, tiny.problem.losses(at))
        return state

    seeds = (5,) if optimizer == "adam" else (5, 6)
    first = schedule.begin(made.init(tiny.problem, tiny.initial_weights(seeds), tiny.draw(seeds)))
    given = {key: t.clone() for key, t in first.items()}
    half = go_on(first, 5)
    save_file({k: t.contiguous() for k, t in half.items()}, tmp_path / "state")
    resumed, on = go_on(load_file(tmp_path / "state"), 7), go_on(half, 7)
    assert resumed.keys() == on.keys()
    assert all(torch.equal(resumed[key], on[key]) for key in on)
    assert all(torch.equal(given[key], first[key]) for key in first)
    assert all(len(t) == len(seeds) for t in on.values())


@every_schedule
@pytest.mark.parametrize("optimizer", ["gradient_descent", "position_wise"])
def test_each_seed_of_a_batch_has_the_lr_that_it_has_alone(optimizer, name):
    made, seeds = optimizers[optimizer](lr=0.2), (1, 2, 5)
    lrs, _, weights = run(made, scheduled(name), seeds)
    for seed in seeds:
        alone = run(made, scheduled(name), (seed,))
        assert lrs[seed] == alone[0][seed]
        torch.testing.assert_close(weights[seed], alone[2][seed], rtol=1e-10, atol=1e-12)


@every_schedule
def test_seeds_of_a_torch_optimizer_end_together_as_alone(name):
    def ends(seeds):
        terms, made = Terms((), "end_of_epoch", Budget(epochs=EPOCHS)), optimizers["adam"](lr=0.2)
        found = train(Tiny().task(), made, terms, seeds, Clock(), schedule=scheduled(name))
        return {outcome.seed: outcome.weights for outcome in found}

    together = ends((1, 2, 5))
    for seed in together:
        torch.testing.assert_close(together[seed], ends((seed,))[seed], rtol=1e-10, atol=1e-12)


def test_on_a_plateau_seeds_differ():
    lrs, _, _ = run(
        optimizers["gradient_descent"](lr=0.2), scheduled("ReduceLROnPlateau"), (1, 2, 5)
    )
    assert len(set(map(tuple, lrs.values()))) > 1


def test_a_seed_that_ends_leaves_the_others_their_schedules():
    class Ending(optimizers["gradient_descent"]):
        """Seed by seed, another end."""

        def init(self, problem, params, draw):
            return super().init(problem, params, draw) | {"left": draw.seed()}

        def step(self, problem, state, at):
            return super().step(problem, state, at) | {"left": state["left"] - 1}

        def done(self, state):
            return state["left"] <= 0

    lrs, _, _ = run(Ending(lr=0.2), scheduled("ExponentialLR"), (9, 2, 4))
    assert {seed: len(found) for seed, found in lrs.items()} == {9: 10, 2: 3, 4: 5}
    assert lrs[9] == pytest.approx([0.2 * 0.83**n for n in range(10)], rel=1e-12)


@pytest.mark.parametrize("optimizer", ["gradient_descent", "position_wise"])
def test_the_optimizers_of_the_package_take_schedules(optimizer):
    """The same steps by hand, the lr of each epoch from the schedule's closed form."""
    tiny = Tiny()
    weights, plain = tiny.task().initial_weights((5,)), optimizers[optimizer](lr=0.4)
    state = plain.init(tiny.problem, weights, tiny.draw((5,)))
    for epoch in range(EPOCHS):
        lr = torch.full((1,), 0.4 * 0.6 ** (epoch // 3), dtype=torch.float64)
        state = state | {"lr": lr}
        state = plain.step(tiny.problem, state, tiny.problem.forward(state))
    _, _, ends = run(plain, scheduled("StepLR"))
    found = {key: w[None] for key, w in ends[5].items()}
    torch.testing.assert_close(found, parameters(state), rtol=1e-12, atol=1e-12)


def test_an_optimizers_own_decay_of_lr_goes_on_under_a_schedule():
    optimizer = optimizers["evolution_strategy"](lr=0.5, lr_decay=0.9, members=4)
    lrs, _, _ = run(optimizer, Schedule(name="ExponentialLR", gamma=0.5))
    assert lrs[5] == pytest.approx([0.5 * 0.45**n for n in range(EPOCHS + 1)], rel=1e-12)


@every_schedule
@pytest.mark.parametrize("optimizer", ["gradient_descent", "position_wise", "adam"])
def test_the_precision_of_the_run_stays(optimizer, name):
    tiny = Tiny(dtype=torch.float32)
    made, schedule = optimizers[optimizer](lr=0.2), scheduled(name)
    plain = made.init(tiny.problem, tiny.initial_weights((1,)), tiny.draw((1,)))
    assert schedule.begin(plain)["lr"].dtype == plain["lr"].dtype
    lrs, _, weights = run(made, schedule, tiny=tiny)
    assert {w.dtype for w in weights[5].values()} == {torch.float32}
    exact, _, _ = run(made, schedule)
    if name != "ReduceLROnPlateau":
        assert lrs[5] == pytest.approx(exact[5], rel=1e-5, abs=1e-8)


@pytest.mark.cuda
@pytest.mark.parametrize("optimizer", ["gradient_descent", "adam"])
def test_the_schedule_s_memory_is_where_the_run_is(optimizer):
    tiny = Tiny(device="cuda")
    made, schedule = optimizers[optimizer](lr=0.2), scheduled("ReduceLROnPlateau")
    state = schedule.begin(made.init(tiny.problem, tiny.initial_weights((1,)), tiny.draw((1,))))
    assert {t.device.type for t in state.values()} == {"cuda"}
    lrs, _, _ = run(made, schedule, tiny=tiny)
    assert lrs == run(made, schedule)[0]


class NoLr(Optimizer):
    """Nothing to schedule."""

    def init(self, problem, params, draw):
        return dict(params)

    def step(self, problem, state, at):
        return dict(state)


class HiddenLr(NoLr):
    """An lr that its state doesn't hold."""

    lr: float = 0.1


@pytest.mark.parametrize(
    ("made", "schedule", "batch_size", "said"),
    [
        (NoLr(), scheduled("StepLR"), None, "it: schedule: this optimizer has no option lr"),
        (
            optimizers["gradient_descent"](),
            scheduled("ReduceLROnPlateau"),
            8,
            "it: schedule: ReduceLROnPlateau needs full-data losses: remove batch_size",
        ),
        (
            optimizers["evolution_strategy"](),
            scheduled("ReduceLROnPlateau"),
            None,
            (
                "it: schedule: ReduceLROnPlateau needs the loss of the optimizer's forward pass, "
                "and this optimizer makes none: use a schedule that depends on epochs alone"
            ),
        ),
    ],
)
def test_a_schedule_that_does_not_suit_the_optimizer_is_refused(made, schedule, batch_size, said):
    with pytest.raises(UsageError) as caught:
        Entry("it", "it", {}, batch_size, schedule, None, made).make_optimizer(3)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("StepLR", {}, "missing 1 required positional argument: 'step_size'"),
        ("StepLR", {"step_size": 3, "gama": 0.1}, "unexpected keyword argument 'gama'"),
        ("ReduceLROnPlateau", {"mode": "low"}, "mode low is unknown!"),
        ("ReduceLROnPlateau", {"factor": 1.5}, r"Factor should be < 1\.0"),
        ("ExponentialLR", {"gamma": "half"}, "can't multiply sequence"),
        ("CosineAnnealingWarmRestarts", {"T_0": 0}, "Expected positive integer T_0"),
    ],
)
def test_torchs_refusal_of_options_is_a_sentence(name, options, said):
    schedule = Schedule(name=name, **options)
    entry = Entry("adam", "it", {}, None, schedule, None, optimizers["adam"]())
    sentence = rf"^it: schedule: torch\.optim\.lr_scheduler\.{name} refuses its options: .*{said}"
    with pytest.raises(UsageError, match=sentence):
        entry.make_optimizer(3)


def test_an_lr_that_is_not_in_the_state_is_refused(tiny):
    state = HiddenLr().init(tiny.problem, tiny.initial_weights((1,)), tiny.draw((1,)))
    with pytest.raises(ValueError, match=r"^schedule: this optimizer has no lr in its state"):
        scheduled("StepLR").begin(state)


CONFIG = """\
name: tiny
dataset: {name: digits, scale: unit}
model: {hidden: [8]}
loss: cross_entropy
optimizers:
  - {name: gradient_descent, schedule: SCHEDULE}
"""


def wrong(schedule):
    with pytest.raises(UsageError) as caught:
        load(CONFIG.replace("SCHEDULE", schedule), "c.yaml", None)
    return str(caught.value)


def test_errors_in_a_file_name_their_place():
    assert wrong("{step_size: 3}") == (
        "c.yaml:6:40: optimizers.0.schedule.name: this key is missing"
    )
    assert wrong("{name: StepLr, step_size: 3}").startswith(
        "c.yaml:6:47: optimizers.0.schedule.name: must be 'ConstantLR', 'CosineAnnealingLR'"
    )
    assert wrong("StepLR") == (
        'c.yaml:6:40: optimizers.0.schedule: must be a mapping of keys to values (got "StepLR")'
    )


def test_a_file_names_the_schedule_and_its_options():
    (entry,) = load(
        CONFIG.replace("SCHEDULE", "{name: StepLR, step_size: 3}"), "c.yaml", None
    ).entries
    assert entry.schedule == Schedule(name="StepLR", step_size=3)
    assert entry.make_optimizer(2) == entry.optimizer
