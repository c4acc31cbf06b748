"""What every loss promises, on every backend that takes it: a new file is a tested file."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

import gfopt
from gfopt.backends import Job, backends
from gfopt.config.loading import load
from gfopt.engine.budget import Budget
from gfopt.engine.clock import Clock
from gfopt.engine.loop import train
from gfopt.engine.terms import Terms
from gfopt.errors import UsageError
from gfopt.model.losses import Loss, losses
from gfopt.model.losses.mse import MeanSquaredError
from gfopt.optimizers import optimizers
from gfopt.runner.backend_choice import choose_backend
from tests.model.test_losses import sample
from tests.tiny import Tiny

OPTIMIZERS = {
    "gradient_descent": {"lr": 0.1, "momentum": 0.5},
    "position_wise": {"lr": 0.1},
    "adam": {"lr": 0.02},
    "evolution_strategy": {"members": 12},  # at larger steps rounding grows between generations
    "parameter_search": {},
}
EPOCHS = dict.fromkeys(OPTIMIZERS, 30) | {"parameter_search": 5}
OUTPUTS = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "softmax": lambda z: z.softmax(-2),
}


def list_variants():
    """Every registered loss, with each of its signals if it has some."""
    return [
        pytest.param((name, options), id="-".join([name, *options.values()]))
        for name, kind in losses.items()
        for options in (
            [{"signal": s} for s in ("published", "true")] if has_signal(kind) else [{}]
        )
    ]


def has_signal(kind):
    return "signal" in kind.model_fields


def make(variant):
    name, options = variant
    return losses[name](**options)


@pytest.fixture(params=list_variants())
def loss(request):
    return make(request.param)


@pytest.fixture(params=list(losses))
def exact(request):
    """Every loss with its value's own derivative."""
    kind = losses[request.param]
    return kind(signal="true") if has_signal(kind) else kind()


def test_delta_is_the_derivative_of_the_value_by_autograd(exact):
    z, y = sample(exact)
    z.requires_grad_()
    exact.value(z, y).sum().backward()
    delta = exact.delta(exact.activate(z.detach()), y)
    torch.testing.assert_close(delta, z.grad, rtol=1e-9, atol=1e-12)


def test_delta_is_the_derivative_of_the_value_by_finite_differences(exact):
    z, y = sample(exact, n=3)
    delta, h = exact.delta(exact.activate(z), y), 1e-6
    for k in range(z.shape[1]):
        shift = torch.zeros_like(z)
        shift[:, k, 1] = h
        slope = (exact.value(z + shift, y) - exact.value(z - shift, y)) / (2 * h)
        torch.testing.assert_close(delta[:, k, 1], slope, rtol=1e-5, atol=1e-8)


# -- declarations


@pytest.mark.parametrize(
    "variant", [v for v in list_variants() if make(*v.values).declared_residual()]
)
def test_a_declared_residual_is_what_delta_computes(variant):
    """delta_L is one number times a_L - y, and a_L is the declared function of z_L."""
    loss = make(variant)
    z, y = sample(loss)
    a = loss.activate(z)
    assert torch.equal(a, OUTPUTS[loss.declared_residual()](z))
    delta = loss.delta(a, y)
    factor = (delta * (a - y)).sum() / (a - y).square().sum()
    torch.testing.assert_close(delta, factor * (a - y), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", list(losses))
def test_a_subclass_never_inherits_a_declaration(name):
    class Derived(losses[name]):
        """The same loss under another class, which might change anything."""

    class Declaring(losses[name]):
        """A class that declares for itself."""

        residual_output = "identity"

    assert Derived().declared_residual() is None
    assert Declaring().declared_residual() == "identity"


# -- backends


def describe_job(name, loss, device_kind):
    return Job(
        label=name,
        name=name,
        optimizer=optimizers[name](**OPTIMIZERS[name]),
        batch_size=None,
        schedule=None,
        frozen_hidden=False,
        activations=("tanh", "tanh"),
        loss=loss,
        device_kind=device_kind,
    )


def takes(backend, name, loss, device_kind="cpu"):
    return not list(backends[backend]().find_refusals(describe_job(name, loss, device_kind)))


def list_cases(device_kind):
    """Every loss with each optimizer and each backend, apart from the plain one, that take it."""
    cases = []
    for backend in [name for name in backends if name != "plain"]:
        for variant in list_variants():
            loss = make(*variant.values)
            for name in OPTIMIZERS:
                fits = not (loss.cosine and optimizers[name].affine_output)
                if fits and takes(backend, name, loss, device_kind):
                    case = (backend, name, *variant.values)
                    cases.append(pytest.param(*case, id=f"{backend}-{name}-{variant.id}"))
    return cases


def run(backend, name, variant, device):
    """The outcomes of two seeds on a tiny problem."""
    widths = (6, 5, 4, make(variant).outputs or 3)
    task = Tiny(widths, "tanh", variant, samples=40, device=device).task()
    terms = Terms((), "end_of_epoch", Budget(epochs=EPOCHS[name]))
    optimizer = optimizers[name](**OPTIMIZERS[name])
    with backends[backend]().prepare(task, optimizer) as prepared:
        return train(*prepared, terms, (1, 2), Clock())


def assert_same_training(backend, name, variant, device):
    ours, theirs = (run(b, name, variant, device) for b in (backend, "plain"))
    for one, other in zip(ours, theirs, strict=True):
        assert one.weights.keys() == other.weights.keys()
        for key, w in other.weights.items():
            assert float((one.weights[key] - w).norm() / w.norm().clamp(min=1e-300)) < 1e-9
        losses_of = [[row.loss for row in outcome.history] for outcome in (one, other)]
        assert losses_of[0] == pytest.approx(losses_of[1], rel=1e-9)
        assert all(map(math.isfinite, losses_of[0]))


@pytest.mark.parametrize(("backend", "name", "variant"), list_cases("cpu"))
def test_every_backend_trains_a_loss_as_the_plain_one_does(backend, name, variant):
    assert_same_training(backend, name, variant, "cpu")


@pytest.mark.cuda
@pytest.mark.parametrize(("backend", "name", "variant"), list_cases("cuda"))
def test_every_backend_trains_a_loss_as_the_plain_one_does_on_a_gpu(backend, name, variant):
    assert_same_training(backend, name, variant, "cuda")


def test_numba_descends_on_the_losses_that_declare_a_residual_and_on_no_other(loss):
    for name in ("gradient_descent", "position_wise", "adam"):
        assert takes("numba", name, loss) is bool(loss.declared_residual())


# -- a loss from outside, derived from one that is compiled


class HuberError(MeanSquaredError):
    """r^2/2 for |r| <= 1, else |r| - 1/2, with r = a - y. Its delta is no multiple of r."""

    def of_outputs(self, a, y):
        r = (a - y).abs()
        return torch.where(r <= 1, r * r / 2, r - 0.5).sum(-2).mean(-1)

    def delta(self, a, y):
        return (a - y).clamp(-1, 1) / y.shape[-1]


CONFIG = {
    "name": "diabetes",
    "dataset": "diabetes",
    "model": {"hidden": [8]},
    "loss": "huber",
    "optimizers": [{"name": "gradient_descent", "lr": 0.05}],
    "budget": {"epochs": 200},
    "precision": "float64",
    "seeds": [1],
}


@pytest.fixture
def registered():
    """Register the loss for the length of a test."""
    with losses.register_temporarily("huber", HuberError):
        yield


@pytest.mark.usefixtures("registered")
def test_a_loss_derived_from_a_compiled_one_trains_as_its_own_file_states(tmp_path):
    """On the numba backend it was trained by the squared error's derivative, and diverged."""
    (auto,) = gfopt.run(CONFIG, out=tmp_path / "auto").records
    (plain,) = gfopt.run(CONFIG, out=tmp_path / "plain", backend="plain").records
    assert auto.backend == "plain"
    assert auto.loss == plain.loss == pytest.approx(train_by_autograd(), rel=1e-9)


@pytest.mark.usefixtures("registered")
def test_auto_takes_numba_for_the_compiled_loss_and_not_for_the_derived_one():
    derived, compiled = (
        load(json.dumps(CONFIG | {"loss": name}), "diabetes.yaml", Path())
        for name in ("huber", "mse")
    )
    assert choose_backend(derived, "cpu").backend == "plain"
    assert choose_backend(compiled, "cpu").backend == "numba"
    with pytest.raises(UsageError, match=r"numba.*loss"):
        choose_backend(derived, "cpu", "numba")


def train_by_autograd():
    """The last loss of the same run, by torch's own Huber loss and SGD."""
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    x, y = torch.tensor(data.data), torch.tensor(data.target)[:, None]
    generator = torch.Generator().manual_seed(1)
    net = torch.nn.Sequential(torch.nn.Linear(10, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    net = net.double()
    for layer in (net[0], net[2]):
        for tensor in (layer.weight, layer.bias):
            drawn = torch.rand(tensor.shape, generator=generator, dtype=torch.float64)
            tensor.data = (2 * drawn - 1) / math.sqrt(layer.in_features)
    optimizer, loss_of = torch.optim.SGD(net.parameters(), lr=0.05), torch.nn.HuberLoss()
    for _ in range(200):
        optimizer.zero_grad()
        loss_of(net(x), y).backward()
        optimizer.step()
    return float(loss_of(net(x), y).detach())


def test_a_loss_without_a_delta_of_its_own_is_refused():
    class Unfinished(Loss):
        """A loss that states its value only."""

        def of_outputs(self, a, y):
            return (a - y).abs().sum(-2).mean(-1)

    with pytest.raises(TypeError, match="delta"):
        Unfinished()
