"""What many tests start from: tiny problems in float64, starts, real data where there is some."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest
import torch

from gfopt.activations import activations
from gfopt.initializers import initializers
from gfopt.losses import losses
from gfopt.problem import DenseProblem, State
from gfopt.rng import Draw

hypothesis.settings.register_profile("gfopt", deadline=None, derandomize=True, max_examples=40)
hypothesis.settings.load_profile("gfopt")


def pytest_collection_modifyitems(items):
    """Tests on real data skip with a reason where there is none; CUDA tests likewise."""
    data, cuda = os.environ.get("GFOPT_DATA"), torch.cuda.is_available()
    for item in items:
        if item.get_closest_marker("data") and not data:
            item.add_marker(pytest.mark.skip(reason="needs real data sets: set GFOPT_DATA"))
        if item.get_closest_marker("cuda") and not cuda:
            item.add_marker(pytest.mark.skip(reason="needs a GPU"))


@pytest.fixture(autouse=True)
def _kept_threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def real_data() -> Path:
    return Path(os.environ["GFOPT_DATA"])


class Tiny:
    """A dense network on a few samples of three separable classes; everything from a fixed seed."""

    def __init__(
        self,
        widths=(6, 5, 4, 3),
        activation="tanh",
        loss="cross_entropy",
        samples=24,
        dtype=torch.float64,
        device="cpu",
    ):
        draw = torch.Generator().manual_seed(7)
        self.widths, self.dtype, self.device = widths, dtype, torch.device(device)
        classes = max(widths[-1], 2)
        labels = torch.arange(samples) % classes
        centres = 2 * torch.randn(classes, widths[0], generator=draw, dtype=torch.float64)
        noise = torch.randn(samples, widths[0], generator=draw, dtype=torch.float64)
        x = centres[labels] + 0.3 * noise
        y = labels[:, None] if widths[-1] == 1 else torch.eye(classes)[labels]
        hidden = tuple(activations[activation] for _ in widths[2:])
        made = {} if isinstance(loss, str) else loss[1]
        loss = losses[loss if isinstance(loss, str) else loss[0]](**made)
        x, y = (t.to(self.device, dtype).mT for t in (x, y))
        self.problem = DenseProblem(hidden, loss, x, y, (widths[0],), fresh=self.fresh)

    def start(self, seeds) -> State:
        params = {}
        for l, (fan_in, fan_out) in enumerate(zip(self.widths, self.widths[1:], strict=False), 1):
            params[f"W{l}"] = torch.stack([self._draw(s, l, fan_out, fan_in) for s in seeds])
            params[f"b{l}"] = torch.stack([0.1 * self._draw(s, -l, fan_out, 1) for s in seeds])
        return params

    def fresh(self, seed, count) -> State:
        init = initializers["fan_in_normal"]()
        drawn = init.start(seed, self.widths, output_bias=True, leading=(count,))
        return {k: torch.as_tensor(a).to(self.device, self.dtype) for k, a in drawn.items()}

    def draw(self, seeds) -> Draw:
        return Draw(tuple(seeds), self.device, self.dtype)

    def _draw(self, seed, key, *shape):
        generator = torch.Generator().manual_seed(1000 * seed + key + 50)
        drawn = torch.randn(*shape, generator=generator, dtype=torch.float64) / shape[1] ** 0.5
        return drawn.to(self.device, self.dtype)


@pytest.fixture
def tiny() -> Tiny:
    return Tiny()


def run_steps(rule, tiny, seeds, steps, state=None):
    """The state after some full-data steps, from the start or from a given state."""
    with torch.no_grad():
        state = state or rule.init(tiny.problem, tiny.start(seeds), tiny.draw(seeds))
        for _ in range(steps):
            state = rule.step(tiny.problem, state, tiny.problem.forward(state))
    return state
