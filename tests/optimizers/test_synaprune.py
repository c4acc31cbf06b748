"""SynaPrune against its equations written once more, sample by sample, in torch's operations."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gfopt.engine.tally import Tally
from gfopt.errors import UsageError
from gfopt.model.activations import activations
from gfopt.model.dense import DenseProblem
from gfopt.model.losses import losses
from gfopt.model.state import parameters
from gfopt.optimizers import optimizers
from tests.optimizers.synaprune_program import Program
from tests.tiny import Tiny, run_steps

OPTIMIZER = optimizers["synaprune"]
VARIANTS = {
    "rule": {},
    "rule to the letter": {"output_error": "largest"},
    "centred": {"variant": "centred"},
    "experimental": {"variant": "experimental"},
    "batch": {"variant": "batch"},
}
EXACT = {"rtol": 1e-12, "atol": 1e-12}


@pytest.fixture(params=list(VARIANTS))
def options(request):
    return VARIANTS[request.param]


FUNCTIONS = {
    "identity": lambda z: z,
    "relu": torch.relu,
    "negative_part": lambda z: -torch.relu(-z),
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "softmax": lambda z: z.softmax(1),
}
OUTPUTS = {"sigmoid_mse": "sigmoid", "cross_entropy": "softmax", "mse": "identity"}


def programmed(optimizer, tiny, seed, epochs, functions=("tanh", "tanh", "softmax")):
    program = Program(
        optimizer, [FUNCTIONS[name] for name in functions], tiny.initial_weights((seed,))
    )
    for _ in range(epochs):
        program.epoch(tiny.problem.inputs.mT, tiny.problem.targets.mT)
    return program.parameters()


NETWORKS = [  # each activation, and each loss; all pairs: nightly
    pytest.param(
        activation,
        loss,
        marks=[] if activation == "sigmoid" or loss == "cross_entropy" else pytest.mark.nightly,
    )
    for activation in activations
    for loss in OUTPUTS
]


@pytest.mark.parametrize(("activation", "loss"), NETWORKS)
def test_the_compiled_loop_is_the_plain_one(options, activation, loss):
    tiny, optimizer = Tiny(activation=activation, loss=loss), OPTIMIZER(lr=0.003, **options)
    functions = (activation, activation, OUTPUTS[loss])
    found = parameters(run_steps(optimizer, tiny, (4,), 3))
    expected = programmed(optimizer, tiny, 4, 3, functions)
    torch.testing.assert_close(found, expected, **EXACT)


def test_with_the_authors_learning_rate_too(options):
    tiny, optimizer = Tiny(activation="sigmoid", loss="sigmoid_mse"), OPTIMIZER(lr=1, **options)
    expected = programmed(optimizer, tiny, 2, 4, ("sigmoid",) * 3)
    torch.testing.assert_close(parameters(run_steps(optimizer, tiny, (2,), 4)), expected, **EXACT)


def test_every_seed_is_trained_as_if_alone(options, tiny):
    optimizer = OPTIMIZER(**options)
    together = parameters(run_steps(optimizer, tiny, (1, 2), 3))
    for row, seed in enumerate((1, 2)):
        alone = {key: tensor[row : row + 1] for key, tensor in together.items()}
        torch.testing.assert_close(alone, programmed(optimizer, tiny, seed, 3), **EXACT)


def test_a_mini_batch_is_gone_through_in_the_order_given(options, tiny):
    optimizer, numbers = OPTIMIZER(**options), torch.tensor([[5, 2, 9, 0], [7, 7, 1, 3]])
    state = optimizer.init(tiny.problem, tiny.initial_weights((1, 2)), tiny.draw((1, 2)))
    found = parameters(optimizer.step(tiny.problem.on(numbers), state, None))
    for row, seed in enumerate((1, 2)):
        problem = tiny.problem
        x, y = (t[:, numbers[row]] for t in (problem.inputs, problem.targets))
        program = Program(
            optimizer, [torch.tanh, torch.tanh, FUNCTIONS["softmax"]], tiny.initial_weights((seed,))
        )
        program.epoch(x.T, y.T)
        one = {key: tensor[row : row + 1] for key, tensor in found.items()}
        torch.testing.assert_close(one, program.parameters(), **EXACT)


# What the equations promise of a single update.


def single(tiny, **problem):
    """The problem on one sample of a sigmoid network, changed as said."""
    one = replace(
        tiny.problem, inputs=tiny.problem.inputs[:, :1], targets=tiny.problem.targets[:, :1]
    )
    return replace(one, **problem)


@pytest.fixture
def sigmoid():
    return Tiny(activation="sigmoid", loss="sigmoid_mse")


def change(optimizer, tiny, problem, params=None):
    """dW and db of one step, and e (n_L,) before it."""
    params = params or tiny.initial_weights((6,))
    state = optimizer.init(problem, params, tiny.draw((6,)))
    after = optimizer.step(problem, state, None)
    e = (problem.targets - problem.forward(params).a[-1])[0, :, 0]
    return {key: after[key] - params[key] for key in params}, e


ONE_UPDATE = [{}, {"output_error": "largest"}, {"variant": "experimental", "updates": 1}]


@pytest.mark.parametrize("options", [*ONE_UPDATE, {"variant": "batch"}])
def test_a_layers_weights_move_by_lr_times_the_error_in_all(options, sigmoid):
    moved, e = change(OPTIMIZER(lr=0.7, **options), sigmoid, single(sigmoid))
    own = OPTIMIZER(**options).output_error == "own"
    expected = [e.abs().max()] * 2 + [e.abs().sum() if own else e.abs().max()]
    found = torch.stack([moved[f"W{l}"].abs().sum() for l in (1, 2, 3)])
    torch.testing.assert_close(found, 0.7 * torch.stack(expected), **EXACT)


@pytest.mark.parametrize("options", [*ONE_UPDATE, {"variant": "centred"}, {"variant": "batch"}])
def test_a_longer_input_moves_the_weights_no_further(options, sigmoid):
    optimizer, problem, params = (
        OPTIMIZER(lr=0.7, **options),
        single(sigmoid),
        sigmoid.initial_weights((6,)),
    )
    moved, _ = change(optimizer, sigmoid, problem)
    longer = replace(problem, inputs=37 * problem.inputs)
    again, _ = change(optimizer, sigmoid, longer, params | {"W1": params["W1"] / 37})
    torch.testing.assert_close(again, moved, **EXACT)


def test_without_an_error_nothing_moves(options, sigmoid):
    problem = single(sigmoid)
    answered = replace(problem, targets=problem.forward(sigmoid.initial_weights((6,))).a[-1][0])
    moved, _ = change(OPTIMIZER(lr=1, **options), sigmoid, answered)
    zero = {key: torch.zeros_like(tensor) for key, tensor in moved.items()}
    torch.testing.assert_close(moved, zero, **EXACT)


def test_with_one_positive_output_both_forms_of_the_rule_are_the_same():
    tiny = Tiny(widths=(6, 5, 4, 1), activation="sigmoid", loss="sigmoid_mse")
    own, letter = (run_steps(OPTIMIZER(output_error=o), tiny, (1,), 5) for o in ("own", "largest"))
    torch.testing.assert_close(own, letter, **EXACT)


def test_the_rule_to_the_letter_moves_all_outputs_the_same_way(sigmoid):
    moved, _ = change(OPTIMIZER(lr=1, output_error="largest"), sigmoid, single(sigmoid))
    assert len(moved["b3"].sign().unique()) == 1
    moved, _ = change(OPTIMIZER(lr=1), sigmoid, single(sigmoid))
    assert len(moved["b3"].sign().unique()) == 2


def test_centring_a_single_output_leaves_its_bias_alone():
    tiny = Tiny(widths=(6, 5, 1), activation="sigmoid", loss="sigmoid_mse")
    moved, _ = change(OPTIMIZER(variant="centred"), tiny, single(tiny))
    assert not moved["b2"].any()
    assert moved["W2"].isfinite().all()


def test_an_input_of_zeros_moves_biases_only(options, sigmoid):
    problem = single(sigmoid, inputs=torch.zeros(6, 1, dtype=torch.float64))
    moved, _ = change(OPTIMIZER(**options), sigmoid, problem)
    assert not moved["W1"].any()
    assert moved["W2"].any()
    assert moved["b1"].any() != (OPTIMIZER(**options).variant == "batch")


def test_repeating_a_sample_moves_only_the_first_layers_biases(sigmoid):
    """From the second update on I = t: the similarity is 1 and the difference 0."""
    both = (OPTIMIZER(variant="experimental", updates=n) for n in (1, 5))
    once, often = (change(optimizer, sigmoid, single(sigmoid))[0] for optimizer in both)
    assert torch.equal(once["W1"], often["W1"])
    assert not torch.equal(once["b1"], often["b1"])


def test_a_threshold_that_no_cosine_reaches_is_the_rule_several_times(sigmoid):
    never = OPTIMIZER(variant="experimental", updates=1, threshold=1.5)
    one, other = (run_steps(optimizer, sigmoid, (1,), 3) for optimizer in (never, OPTIMIZER()))
    torch.testing.assert_close(parameters(one), parameters(other), **EXACT)


def test_the_memory_is_the_last_input_of_each_layer(sigmoid):
    optimizer, problem = OPTIMIZER(variant="experimental", updates=1), single(sigmoid)
    weights = sigmoid.initial_weights((6,))
    made = problem.forward(weights)
    state = optimizer.step(problem, optimizer.init(problem, weights, sigmoid.draw((6,))), None)
    for l in (1, 2, 3):
        a = made.a[l - 1].reshape(1, -1)
        torch.testing.assert_close(state[f"t{l}"], a, **EXACT)


@pytest.mark.parametrize("frozen", VARIANTS.values(), ids=VARIANTS)
def test_frozen_hidden_layers_keep_every_bit(frozen, tiny):
    state, weights = (
        run_steps(OPTIMIZER(frozen_hidden=True, **frozen), tiny, (1, 2), 3),
        tiny.initial_weights((1, 2)),
    )
    kept = {key for key in weights if torch.equal(state[key], weights[key])}
    biases = {"b3"} if frozen.get("variant") == "batch" else set()
    assert kept == {"W1", "b1", "W2", "b2"} | biases


def test_a_frozen_network_of_one_layer_is_the_rule():
    tiny = Tiny(widths=(6, 3))
    one, other = (run_steps(OPTIMIZER(frozen_hidden=f), tiny, (1,), 3) for f in (True, False))
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_equal_magnitudes_go_to_the_first_sample():
    problem = DenseProblem(
        (),
        losses["mse"](),
        torch.tensor([[1.0, 1.0]], dtype=torch.float64),
        torch.tensor([[2.0, -2.0]], dtype=torch.float64),
    )
    tiny, params = Tiny(widths=(1, 1)), {"W1": torch.zeros(1, 1, 1), "b1": torch.zeros(1, 1, 1)}
    params = {key: tensor.double() for key, tensor in params.items()}
    moved, _ = change(OPTIMIZER(variant="batch", lr=1), tiny, problem, params)
    assert float(moved["W1"]) == 2


@pytest.mark.parametrize(
    ("options", "passes"),
    [({}, 24), ({"variant": "experimental"}, 120), ({"variant": "batch"}, 24)],
)
def test_passes_are_counted_to_the_sample(options, passes, tiny):
    tally = Tally(tiny.widths, tiny.problem.samples, seeds=2)
    optimizer, problem = OPTIMIZER(**options), tiny.problem.with_watcher(tally)
    optimizer.step(
        problem, optimizer.init(problem, tiny.initial_weights((1, 2)), tiny.draw((1, 2))), None
    )
    assert tally.forward_passes == passes


@pytest.mark.parametrize("stray", [{"threshold": 0.6}, {"updates": 2}])
def test_an_option_of_another_variant_is_refused(stray):
    with pytest.raises(ValueError, match=f"{next(iter(stray))}: only for variant: experimental"):
        OPTIMIZER(variant="centred", **stray).check(2)
    OPTIMIZER(variant="experimental", **stray).check(2)


def test_an_activation_that_the_loop_does_not_know_is_refused(tiny):
    strange = replace(tiny.problem, hidden=(activations["tanh"], replace(_relu(), value=_strange)))
    with pytest.raises(UsageError, match="synaprune: compiled loops don't know this activation"):
        run_once(strange, tiny)


def test_a_loss_of_cosines_is_refused():
    tiny = Tiny(loss="am_softmax")
    with pytest.raises(UsageError, match="cosines"):
        run_once(tiny.problem, tiny)


def _relu():
    return activations["relu"]


def _strange(z):
    return z.sin()


def run_once(problem, tiny):
    optimizer = OPTIMIZER()
    return optimizer.step(
        problem, optimizer.init(problem, tiny.initial_weights((1,)), tiny.draw((1,))), None
    )
