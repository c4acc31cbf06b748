"""A tiny problem in float64 with initial weights and a task, and steps of an optimizer on it."""

from __future__ import annotations

import math

import torch

from gfopt.engine.task import Level, Task
from gfopt.model.activations import activations
from gfopt.model.dense import DenseProblem
from gfopt.model.initializers import initializers
from gfopt.model.losses import losses
from gfopt.model.state import State
from gfopt.numerics.draw import Draw


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

    def initial_weights(self, seeds) -> State:
        params = {}
        for l, (fan_in, fan_out) in enumerate(zip(self.widths, self.widths[1:], strict=False), 1):
            params[f"W{l}"] = torch.stack([self._draw(s, l, fan_out, fan_in) for s in seeds])
            params[f"b{l}"] = torch.stack([0.1 * self._draw(s, -l, fan_out, 1) for s in seeds])
        return params

    def task(self) -> Task:
        """The task of this problem without held-out samples; weights by fan_in_normal."""
        init = initializers["fan_in_normal"]()
        level, bias = {"train": Level(math.log(3), 1 / 3)}, not self.problem.loss.cosine
        return Task(
            train=self.problem,
            valid=None,
            widths=self.widths,
            draw_weights=lambda seed: init.initial_weights(seed, self.widths, output_bias=bias),
            classes=True,
            chance=level,
            class_prior=level,
        )

    def fresh(self, seed, count) -> State:
        init = initializers["fan_in_normal"]()
        drawn = init.initial_weights(seed, self.widths, output_bias=True, leading=(count,))
        return {k: torch.as_tensor(a).to(self.device, self.dtype) for k, a in drawn.items()}

    def draw(self, seeds) -> Draw:
        return Draw(tuple(seeds), self.device, self.dtype)

    def _draw(self, seed, key, *shape):
        generator = torch.Generator().manual_seed(1000 * seed + key + 50)
        drawn = torch.randn(*shape, generator=generator, dtype=torch.float64) / shape[1] ** 0.5
        return drawn.to(self.device, self.dtype)


def run_steps(optimizer, tiny, seeds, steps, state=None):
    """The state after some full-data steps, from the initial weights or from a given state."""
    with torch.no_grad():
        state = state or optimizer.init(tiny.problem, tiny.initial_weights(seeds), tiny.draw(seeds))
        for _ in range(steps):
            state = optimizer.step(tiny.problem, state, tiny.problem.forward(state))
    return state
