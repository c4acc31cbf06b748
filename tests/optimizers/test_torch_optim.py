"""The wrapper against torch's optimizers driven by autograd."""

from __future__ import annotations

import pytest
import torch

from gfopt.model.state import parameters
from gfopt.optimizers import optimizers
from gfopt.optimizers.torch_optim import NAMES
from tests.tiny import Tiny, run_steps

OPTIONS = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
    "Adam": {"lr": 0.02, "betas": [0.8, 0.95], "amsgrad": True},
    "RMSprop": {"lr": 0.01, "momentum": 0.5, "centered": True},
    "LBFGS": {"lr": 0.5, "max_iter": 4, "line_search_fn": "strong_wolfe"},
    "Muon": {"lr": 0.02},
    "Rprop": {"lr": 0.01},
}


def run_torch(name, tiny, seed, steps):
    """torch's own optimizer on a torch.nn.Sequential with the same initial weights."""
    weights = tiny.initial_weights((seed,))
    layers = []
    for l in range(1, len(tiny.widths)):
        layer = torch.nn.Linear(tiny.widths[l - 1], tiny.widths[l], dtype=torch.float64)
        layer.weight.data, layer.bias.data = (
            weights[f"W{l}"][0].clone(),
            weights[f"b{l}"][0, :, 0].clone(),
        )
        layers += [layer, torch.nn.Tanh()]
    net = torch.nn.Sequential(*layers[:-1])
    torchs = made(name, net)
    x, labels = tiny.problem.inputs.T, tiny.problem.targets.argmax(0)

    def closure():
        net.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(x), labels)
        loss.backward()
        return loss.detach()

    for _ in range(steps):
        closure()
        for one in torchs:
            one.step(closure) if name == "LBFGS" else one.step()
    return net


def made(name, net):
    options = {k: tuple(v) if isinstance(v, list) else v for k, v in OPTIONS.get(name, {}).items()}
    if name != "Muon":
        return [getattr(torch.optim, name)(net.parameters(), **options)]
    matrices = [p for p in net.parameters() if p.ndim == 2]
    biases = [p for p in net.parameters() if p.ndim == 1]
    return [
        torch.optim.Muon(matrices, **options),
        torch.optim.AdamW(biases, lr=0.02, weight_decay=0.1),
    ]


# Muon rounds to bfloat16 and enlarges what is left, up to 485 times: the last bits of a gradient,
# summed in another order by autograd, show from the third step on.
STEPS = dict.fromkeys(NAMES, 10) | {"Muon": 2}


@pytest.mark.parametrize("name", NAMES)
def test_steps_are_those_of_torchs_optimizer(name):
    tiny = Tiny()
    found = run_steps(optimizers[name.lower()](**OPTIONS.get(name, {})), tiny, (5,), STEPS[name])
    net = run_torch(name, tiny, 5, STEPS[name])
    for l in (1, 2, 3):
        layer = net[2 * (l - 1)]
        torch.testing.assert_close(found[f"W{l}"][0], layer.weight.data, rtol=1e-8, atol=1e-10)
        torch.testing.assert_close(found[f"b{l}"][0, :, 0], layer.bias.data, rtol=1e-8, atol=1e-10)


def test_every_optimizer_of_torch_is_offered_or_refused():
    there = {n for n, c in vars(torch.optim).items() if isinstance(c, type) and n != "Optimizer"}
    assert there == {*NAMES, "SparseAdam"}


def test_sparse_adam_is_refused_with_its_reason():
    with pytest.raises(ValueError, match="needs sparse gradients"):
        optimizers["sparseadam"]().check(2)


def test_torch_judges_the_options():
    with pytest.raises(ValueError, match=r"torch\.optim\.Adam refuses its options: .*'beta'"):
        optimizers["adam"](beta=0.5).check(2)
    with pytest.raises(ValueError, match=r"Invalid momentum value: -1"):
        optimizers["sgd"](momentum=-1).check(2)


@pytest.mark.parametrize(
    ("name", "options"),
    [("adam", {"betas": [0.9]}), ("adam", {"betas": 0.9}), ("lbfgs", {"line_search_fn": "wolfe"})],
)
def test_what_torch_would_stumble_over_later_is_refused_before_the_run(name, options):
    with pytest.raises(ValueError, match=r"torch\.optim\.\w+ refuses its options"):
        optimizers[name](**options).check(2)


def test_lr_of_the_state_is_the_one_that_counts():
    tiny, optimizer = Tiny(), optimizers["adam"](lr=0.5)
    state = optimizer.init(tiny.problem, tiny.initial_weights((1,)), tiny.draw((1,)))
    slow = run_steps(optimizer, tiny, (1,), 3, state | {"lr": state["lr"] * 0 + 0.01})
    other = run_steps(optimizers["adam"](lr=0.01), tiny, (1,), 3)
    assert all(torch.equal(slow[key], other[key]) for key in parameters(other))


def test_lbfgs_counts_the_passes_of_its_closures():
    from gfopt.engine.tally import Tally

    tiny = Tiny()
    optimizer, tally = optimizers["lbfgs"](max_iter=5), Tally(tiny.widths, tiny.problem.samples)
    problem = tiny.problem.with_watcher(tally)
    state = optimizer.init(problem, tiny.initial_weights((1,)), tiny.draw((1,)))
    with torch.no_grad():
        state = optimizer.step(problem, state, problem.forward(state))
    calls = int(state["W1#func_evals"])
    assert calls > 1
    assert tally.forward_passes == tally.backward_passes == calls * tiny.problem.samples
