"""What tests of the parameter search start from: a small problem and initial weights."""

from __future__ import annotations

import numpy as np
import torch

from gfopt.model.activations import activations
from gfopt.model.dense import DenseProblem
from gfopt.model.initializers import initializers
from gfopt.model.losses import losses
from gfopt.numerics.draw import Draw

ANY = ("mse", "nmse", "sigmoid_mse")  # losses of targets that need not be classes


class Case:
    """A regression or classification problem; samples are no multiple of anything."""

    def __init__(self, widths, names, loss="mse", samples=37, seeds=(3, 1, 2), dtype=torch.float64):
        self.names, self.seeds, self.widths = names, seeds, widths
        draw = torch.Generator().manual_seed(5)
        x = torch.randn(widths[0], samples, generator=draw, dtype=torch.float64)
        y = torch.randn(widths[-1], samples, generator=draw, dtype=torch.float64) + x[:1] * x[1:2]
        if loss not in ANY:
            one = (y > 0).double()
            y = torch.eye(widths[-1]).double()[y.argmax(0)].mT if widths[-1] > 1 else one
        hidden = tuple(activations[name] for name in names)
        x, y = x.to(dtype), y.contiguous().to(dtype)
        self.problem = DenseProblem(hidden, losses[loss](), x, y)
        init = initializers["uniform"](low=-2, high=2, biases="drawn")
        drawn = [init.initial_weights(seed, widths, output_bias=True) for seed in seeds]
        self.params = {
            key: torch.as_tensor(np.stack([s[key] for s in drawn])).to(dtype) for key in drawn[0]
        }

    def begin(self, optimizer):
        draw = Draw(self.seeds, torch.device("cpu"), self.params["W1"].dtype)
        return optimizer.init(self.problem, self.params, draw)

    def sweeps(self, optimizer, count, state=None):
        with torch.no_grad():
            state = state or self.begin(optimizer)
            for _ in range(count):
                state = optimizer.step(self.problem, state, self.problem.forward(state))
        return state

    def losses(self, state):
        return self.problem.losses(self.problem.forward(state))
