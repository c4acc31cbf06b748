"""What every optimizer promises, each taken from the registry: a new file is a tested file."""

from __future__ import annotations

import math

import pytest
import torch

from gfopt.clock import Clock
from gfopt.config.entries import Entry
from gfopt.engine import train
from gfopt.errors import UsageError
from gfopt.initializers import initializers
from gfopt.optimizers import optimizers
from gfopt.problem import parameters
from gfopt.target import Budget, Target, Terms
from gfopt.task import Level, Task
from tests.conftest import Tiny, run_steps

SEEDS = (3, 1, 2)
STEPS = 4


def usable():
    """Every registered rule but those that refuse every network."""
    for name, rule in optimizers.items():
        try:
            rule().check(3)
        except ValueError:
            continue
        yield name


@pytest.fixture(params=list(usable()))
def rule(request):
    return optimizers[request.param]()


@pytest.fixture
def seeds(rule):
    return SEEDS if rule.batches_seeds else SEEDS[:1]


def task_of(tiny: Tiny) -> Task:
    chance = {"train": Level(math.log(3), 1 / 3)}
    init = initializers["fan_in_normal"]()
    return Task(tiny.problem, None, tiny.widths, init, True, True, chance, chance)


def same_bits(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_every_option_has_a_default_that_works(rule):
    rule.check(3)


def test_every_tensor_of_the_state_leads_with_the_replica(rule, tiny, seeds):
    state = run_steps(rule, tiny, seeds, 2)
    assert {key: len(tensor) for key, tensor in state.items()} == dict.fromkeys(state, len(seeds))


def test_the_state_holds_the_parameters_in_their_shapes(rule, tiny, seeds):
    start = tiny.start(seeds)
    state = run_steps(rule, tiny, seeds, 2)
    assert {k: v.shape for k, v in parameters(state).items()} == {
        k: v.shape for k, v in start.items()
    }


def test_the_state_holds_the_learning_rate(rule, tiny, seeds):
    if "lr" in type(rule).model_fields:
        assert run_steps(rule, tiny, seeds, 1)["lr"].shape == (len(seeds),)
    else:
        assert "lr" not in rule.model_dump()


def test_a_step_changes_every_weight_matrix_that_the_rule_says_it_trains(rule, tiny, seeds):
    start, state = tiny.start(seeds), run_steps(rule, tiny, seeds, 2)
    kept = [k for k in start if k[0] == "W" and torch.equal(start[k], state[k])]
    assert kept == ([] if rule.trains == "all" else ["W1", "W2"])


def test_the_state_keeps_its_keys_and_types_from_the_second_step_on(rule, tiny, seeds):
    two, three = (run_steps(rule, tiny, seeds, n) for n in (2, 3))
    assert {k: v.dtype for k, v in two.items()} == {k: v.dtype for k, v in three.items()}


def test_a_step_leaves_the_state_it_was_given_as_it_was(rule, tiny, seeds):
    given = run_steps(rule, tiny, seeds, 2)
    before = {key: tensor.clone() for key, tensor in given.items()}
    run_steps(rule, tiny, seeds, 1, given)
    assert same_bits(given, before)


def test_init_leaves_the_parameters_it_was_given_as_they_were(rule, tiny, seeds):
    params = tiny.start(seeds)
    state = rule.init(tiny.problem, params, tiny.draw(seeds))
    with torch.no_grad():
        rule.step(tiny.problem, state, tiny.problem.forward(state))
    assert same_bits(params, tiny.start(seeds))


def test_the_same_seeds_give_the_same_bits(rule, tiny, seeds):
    assert same_bits(*(run_steps(rule, tiny, seeds, STEPS) for _ in range(2)))


def test_saved_and_resumed_equals_run_on(rule, tiny, seeds, tmp_path):
    from safetensors.torch import load_file, save_file

    half = run_steps(rule, tiny, seeds, STEPS)
    save_file({k: v.contiguous() for k, v in half.items()}, tmp_path / "state")
    resumed = run_steps(rule, tiny, seeds, STEPS, load_file(tmp_path / "state"))
    assert same_bits(resumed, run_steps(rule, tiny, seeds, 2 * STEPS))


def test_a_replica_steps_the_same_alone_or_among_others(rule, tiny, seeds):
    many = run_steps(rule, tiny, seeds, STEPS)
    for i, seed in enumerate(seeds):
        alone = run_steps(rule, tiny, (seed,), STEPS)
        one = {key: tensor[i : i + 1] for key, tensor in many.items()}
        torch.testing.assert_close(one, alone, rtol=1e-10, atol=1e-12)


def test_a_batch_of_seeds_ends_at_the_counts_of_single_runs(rule, tiny, seeds):
    terms = Terms((Target(train_loss=1.0),), "end_of_epoch", Budget(epochs=300))
    run = lambda s: train(task_of(tiny), rule, terms, s, Clock())  # noqa: E731
    together = [(o.seed, o.status, o.history[-1].epoch) for o in run(seeds)]
    alone = [(o.seed, o.status, o.history[-1].epoch) for s in seeds for o in run((s,))]
    assert together == alone


def test_float32_follows_float64(rule, seeds):
    """The two ends lie closer together than a hundredth of the way from the start."""
    ends = [run_steps(rule, Tiny(dtype=d), seeds, 1) for d in (torch.float32, torch.float64)]
    low, high = (parameters(state) for state in ends)
    assert all(tensor.dtype == torch.float32 for tensor in low.values())
    start = Tiny().start(seeds)
    apart = sum((low[k].double() - high[k]).square().sum() for k in high).sqrt()
    way = sum((start[k] - high[k]).square().sum() for k in high).sqrt()
    assert apart < 0.01 * way


def test_the_loss_falls_on_an_easy_problem(rule, tiny, seeds):
    with torch.no_grad():
        first = tiny.problem.losses(tiny.problem.forward(tiny.start(seeds)))
        last = tiny.problem.losses(tiny.problem.forward(run_steps(rule, tiny, seeds, 60)))
    assert (last < first).all()


def test_a_network_of_one_layer_is_trained_too(rule, seeds):
    tiny = Tiny(widths=(6, 3))
    with torch.no_grad():
        first = tiny.problem.losses(tiny.problem.forward(tiny.start(seeds)))
        last = tiny.problem.losses(tiny.problem.forward(run_steps(rule, tiny, seeds, 30)))
    assert (last < first).all()


def test_an_output_without_bias_stays_without(rule, tiny, seeds):
    params = tiny.start(seeds)
    del params["b3"]
    with torch.no_grad():
        state = rule.init(tiny.problem, params, tiny.draw(seeds))
        state = rule.step(tiny.problem, state, tiny.problem.forward(state))
    assert parameters(state).keys() == params.keys()


def test_passes_are_counted_or_said_not_to_be(rule, tiny, seeds):
    terms = Terms((), "end_of_epoch", Budget(epochs=2))
    row = train(task_of(tiny), rule, terms, seeds[:1], Clock())[0].history[-1]
    assert row.forward_passes is None or row.forward_passes >= tiny.problem.samples


def test_mini_batches_are_taken_or_refused_by_declaration(rule, tiny, seeds):
    if rule.takes == "full":
        with pytest.raises(UsageError, match="takes the full data only"):
            Entry("its name", "its label", {}, batch_size=7, made=rule).rule(3)
        return
    terms = Terms((), "end_of_epoch", Budget(epochs=2))
    outcome = train(task_of(tiny), rule, terms, seeds[:1], Clock(), batch_size=7)[0]
    assert outcome.history[-1].updates == 2 * math.ceil(tiny.problem.samples / 7)


@pytest.mark.cuda
def test_cuda_follows_the_cpu(rule, seeds):
    cpu = parameters(run_steps(rule, Tiny(), seeds, 3))
    gpu = parameters(run_steps(rule, Tiny(device="cuda"), seeds, 3))
    torch.testing.assert_close({k: v.cpu() for k, v in gpu.items()}, cpu, rtol=1e-9, atol=1e-11)
