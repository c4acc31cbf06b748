"""What every optimizer promises, each taken from the registry: a new file is a tested file."""

from __future__ import annotations

import math

import pytest
import torch

from gfopt.config.entries import Entry
from gfopt.engine.budget import Budget
from gfopt.engine.clock import Clock
from gfopt.engine.loop import train
from gfopt.engine.target import Target
from gfopt.engine.terms import Terms
from gfopt.errors import UsageError
from gfopt.model.state import parameters
from gfopt.optimizers import optimizers
from tests.tiny import Tiny, run_steps

SEEDS = (3, 1, 2)
STEPS = 4


def usable():
    """Every registered optimizer except those that refuse every network."""
    for name, optimizer in optimizers.items():
        try:
            optimizer().check(3)
        except ValueError:
            continue
        yield name


@pytest.fixture(params=list(usable()))
def optimizer(request):
    return optimizers[request.param]()


@pytest.fixture
def seeds(optimizer):
    return SEEDS if optimizer.batches_seeds else SEEDS[:1]


def same_bits(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_every_option_has_a_default_that_works(optimizer):
    optimizer.check(3)


def test_every_tensor_of_the_state_leads_with_the_seed(optimizer, tiny, seeds):
    state = run_steps(optimizer, tiny, seeds, 2)
    assert {key: len(tensor) for key, tensor in state.items()} == dict.fromkeys(state, len(seeds))


def test_the_state_holds_the_parameters_in_their_shapes(optimizer, tiny, seeds):
    initial = tiny.initial_weights(seeds)
    state = run_steps(optimizer, tiny, seeds, 2)
    assert {k: v.shape for k, v in parameters(state).items()} == {
        k: v.shape for k, v in initial.items()
    }


def test_the_state_holds_the_learning_rate(optimizer, tiny, seeds):
    if "lr" in type(optimizer).model_fields:
        assert run_steps(optimizer, tiny, seeds, 1)["lr"].shape == (len(seeds),)
    else:
        assert "lr" not in optimizer.model_dump()


def test_a_step_changes_every_weight_matrix_that_the_optimizer_says_it_trains(
    optimizer, tiny, seeds
):
    initial, state = tiny.initial_weights(seeds), run_steps(optimizer, tiny, seeds, 2)
    kept = [k for k in initial if k[0] == "W" and torch.equal(initial[k], state[k])]
    assert kept == ([] if optimizer.trains == "all" else ["W1", "W2"])


def test_the_state_keeps_its_keys_and_types_from_the_second_step_on(optimizer, tiny, seeds):
    two, three = (run_steps(optimizer, tiny, seeds, n) for n in (2, 3))
    assert {k: v.dtype for k, v in two.items()} == {k: v.dtype for k, v in three.items()}


def test_a_step_leaves_the_state_it_was_given_as_it_was(optimizer, tiny, seeds):
    given = run_steps(optimizer, tiny, seeds, 2)
    before = {key: tensor.clone() for key, tensor in given.items()}
    run_steps(optimizer, tiny, seeds, 1, given)
    assert same_bits(given, before)


def test_init_leaves_the_parameters_it_was_given_as_they_were(optimizer, tiny, seeds):
    params = tiny.initial_weights(seeds)
    state = optimizer.init(tiny.problem, params, tiny.draw(seeds))
    with torch.no_grad():
        optimizer.step(tiny.problem, state, tiny.problem.forward(state))
    assert same_bits(params, tiny.initial_weights(seeds))


def test_the_same_seeds_give_the_same_bits(optimizer, tiny, seeds):
    assert same_bits(*(run_steps(optimizer, tiny, seeds, STEPS) for _ in range(2)))


def test_saved_and_resumed_equals_run_on(optimizer, tiny, seeds, tmp_path):
    from safetensors.torch import load_file, save_file

    half = run_steps(optimizer, tiny, seeds, STEPS)
    save_file({k: v.contiguous() for k, v in half.items()}, tmp_path / "state")
    resumed = run_steps(optimizer, tiny, seeds, STEPS, load_file(tmp_path / "state"))
    assert same_bits(resumed, run_steps(optimizer, tiny, seeds, 2 * STEPS))


def test_a_seed_steps_the_same_alone_or_among_others(optimizer, tiny, seeds):
    many = run_steps(optimizer, tiny, seeds, STEPS)
    for i, seed in enumerate(seeds):
        alone = run_steps(optimizer, tiny, (seed,), STEPS)
        one = {key: tensor[i : i + 1] for key, tensor in many.items()}
        torch.testing.assert_close(one, alone, rtol=1e-10, atol=1e-12)


def test_a_batch_of_seeds_ends_at_the_counts_of_single_runs(optimizer, tiny, seeds):
    terms = Terms((Target(train_loss=1.0),), "end_of_epoch", Budget(epochs=300))
    run = lambda s: train(tiny.task(), optimizer, terms, s, Clock())  # noqa: E731
    together = [(o.seed, o.status, o.history[-1].epoch) for o in run(seeds)]
    alone = [(o.seed, o.status, o.history[-1].epoch) for s in seeds for o in run((s,))]
    assert together == alone


@pytest.mark.long  # with kernels of float32
def test_float32_follows_float64(optimizer, seeds):
    """The two ends lie closer together than a hundredth of the way from the initial weights."""
    ends = [run_steps(optimizer, Tiny(dtype=d), seeds, 1) for d in (torch.float32, torch.float64)]
    low, high = (parameters(state) for state in ends)
    assert all(tensor.dtype == torch.float32 for tensor in low.values())
    initial = Tiny().initial_weights(seeds)
    apart = sum((low[k].double() - high[k]).square().sum() for k in high).sqrt()
    way = sum((initial[k] - high[k]).square().sum() for k in high).sqrt()
    assert apart < 0.01 * way


def test_the_loss_falls_on_an_easy_problem(optimizer, tiny, seeds):
    with torch.no_grad():
        first = tiny.problem.losses(tiny.problem.forward(tiny.initial_weights(seeds)))
        last = tiny.problem.losses(tiny.problem.forward(run_steps(optimizer, tiny, seeds, 60)))
    assert (last < first).all()


def test_a_network_of_one_layer_is_trained_too(optimizer, seeds):
    tiny = Tiny(widths=(6, 3))
    with torch.no_grad():
        first = tiny.problem.losses(tiny.problem.forward(tiny.initial_weights(seeds)))
        last = tiny.problem.losses(tiny.problem.forward(run_steps(optimizer, tiny, seeds, 30)))
    assert (last < first).all()


def test_an_output_without_bias_stays_without(optimizer, tiny, seeds):
    params = tiny.initial_weights(seeds)
    del params["b3"]
    with torch.no_grad():
        state = optimizer.init(tiny.problem, params, tiny.draw(seeds))
        state = optimizer.step(tiny.problem, state, tiny.problem.forward(state))
    assert parameters(state).keys() == params.keys()


def test_passes_are_counted_or_declared_uncounted(optimizer, tiny, seeds):
    terms = Terms((), "end_of_epoch", Budget(epochs=2))
    row = train(tiny.task(), optimizer, terms, seeds[:1], Clock())[0].history[-1]
    assert row.forward_passes is None or row.forward_passes >= tiny.problem.samples


def test_mini_batches_are_taken_or_refused_by_declaration(optimizer, tiny, seeds):
    if optimizer.takes == "full":
        with pytest.raises(UsageError, match="takes the full data only"):
            Entry("its name", "its label", {}, batch_size=7, optimizer=optimizer).make_optimizer(3)
        return
    terms = Terms((), "end_of_epoch", Budget(epochs=2))
    outcome = train(tiny.task(), optimizer, terms, seeds[:1], Clock(), batch_size=7)[0]
    assert outcome.history[-1].updates == 2 * math.ceil(tiny.problem.samples / 7)


@pytest.mark.cuda
def test_cuda_follows_the_cpu(optimizer, seeds):
    cpu = parameters(run_steps(optimizer, Tiny(), seeds, 3))
    gpu = parameters(run_steps(optimizer, Tiny(device="cuda"), seeds, 3))
    torch.testing.assert_close({k: v.cpu() for k, v in gpu.items()}, cpu, rtol=1e-9, atol=1e-11)
