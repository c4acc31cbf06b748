"""The parameter search as a brute-force loop in NumPy, and cases to compare the two on."""

from __future__ import annotations

import numpy as np

from gfopt.model.dense import Pass
from gfopt.model.state import parameters
from gfopt.optimizers.parameter_search import SearchNetwork
from tests.optimizers import searching

FUNCTIONS = {"identity": lambda z: z, "relu": lambda z: np.maximum(z, 0), "tanh": np.tanh}


def mse(z, y):
    return ((z - y) ** 2).sum(0).mean()


def cross_entropy(z, y):
    shifted = z - z.max(0)
    return -(y * (shifted - np.log(np.exp(shifted).sum(0)))).sum(0).mean()


class Brute:
    """A network of one seed in NumPy; every loss is that of a full forward pass."""

    def __init__(self, problem, names, loss, state, r=0):
        self.x, self.y = (t.double().numpy() for t in (problem.inputs, problem.targets))
        self.functions, self.loss_of = [FUNCTIONS[name] for name in names], loss
        self.params = {k: p[r].double().numpy().copy() for k, p in parameters(state).items()}
        self.depth = len(names) + 1

    def outputs(self):
        a = self.x
        for l in range(1, self.depth + 1):
            z = self.params[f"W{l}"] @ a + self.params.get(f"b{l}", 0)
            a = self.functions[l - 1](z) if l < self.depth else z
        return a

    def loss(self):
        return self.loss_of(self.outputs(), self.y)

    def places(self):
        for l in range(1, self.depth + 1):
            for key in (f"W{l}", f"b{l}"):
                if key in self.params:
                    rows, columns = self.params[key].shape
                    yield from ((key, i, j) for i in range(rows) for j in range(columns))

    def visit(self, place, values):
        """Try the values one by one and keep the first with the lowest loss; NaN is never lower."""
        key, i, j = place
        best, least = self.params[key][i, j], np.inf
        for value in values:
            self.params[key][i, j] = value
            loss = self.loss()
            if loss < least:
                best, least = value, loss
        self.params[key][i, j] = best

    def sweep(self, values):
        for place in self.places():
            self.visit(place, values)


class Case(searching.Case):
    """A case with its loss in NumPy."""

    def __init__(self, widths, names, loss="mse", **more):
        super().__init__(widths, names, loss, **more)
        self.numpy_loss = {"mse": mse, "cross_entropy": cross_entropy}[loss]

    def brute(self, state, r=0):
        return Brute(self.problem, self.names, self.numpy_loss, state, r)

    def network(self):
        at = self.problem.forward(self.params)
        z, a = ([t.clone() for t in part] for part in (at.z, at.a))
        params = {key: p.clone() for key, p in self.params.items()}
        return SearchNetwork(self.problem, params, Pass(z, a))
