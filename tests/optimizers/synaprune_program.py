"""SynaPrune's equations once more: row vectors, weights (inputs, outputs)."""

from __future__ import annotations

import math

import numpy as np
import torch


def norm(v, floor=0.0):
    total = max(v.abs().sum(), floor)
    return v / total if total > 0 else v


def cosine(u, v):
    u, v = u - u.mean(), v - v.mean()
    size = u.square().sum().sqrt() * v.square().sum().sqrt()
    return (u * v).sum() / max(size, 1e-8)


def largest(e):
    return e.flatten()[e.abs().argmax()]


class Program:
    """A network that learns one sample, (1, n), at a time, each layer from its own I, O and e."""

    def __init__(self, optimizer, functions, weights, row=0):
        self.optimizer, self.functions = optimizer, functions
        self.W = [weights[f"W{l}"][row].T.clone() for l in self.layers()]
        self.b = [weights[f"b{l}"][row].T.clone() for l in self.layers()]
        self.t = [W.new_zeros(1, len(W)) for W in self.W]

    def layers(self):
        return range(1, len(self.functions) + 1)

    def outputs(self, x):
        a = [x]
        for W, b, f in zip(self.W, self.b, self.functions, strict=True):
            a.append(f(a[-1] @ W + b))
        return a

    def epoch(self, x, y):
        if self.optimizer.variant == "batch":
            return self.batch(x, y)
        for i in range(len(x)):
            for _ in range(
                self.optimizer.updates if self.optimizer.variant == "experimental" else 1
            ):
                a = self.outputs(x[i : i + 1])
                e = y[i : i + 1] - a[-1]
                steps = [self.change(l, a[l], a[l + 1], e) for l in range(len(self.W))]
                for l, (dW, db) in enumerate(steps):
                    self.W[l] = self.W[l] + dW
                    self.b[l] = self.b[l] + db
                    self.t[l] = a[l]
        return None

    def change(self, l, I, O, e):
        last, lr, variant = l == len(self.W) - 1, self.optimizer.lr, self.optimizer.variant
        if variant == "centred":
            I, O, m = I - I.mean(), O - O.mean(), O.shape[1]
            if last:
                return lr * m * norm(I).T @ e, lr * m * e * norm(O)
            c = math.exp(-1 / m)
            return lr * largest(e) * c * norm(I).T @ norm(O), lr * largest(e) * c * norm(O)
        floor = 1e-8 if variant == "experimental" else 0.0
        if variant == "experimental" and cosine(I, self.t[l]).abs() >= self.optimizer.threshold:
            I = I - self.t[l]
        if last and self.optimizer.output_error == "own":
            return lr * norm(I, floor).T @ e, lr * e
        rows = lr * largest(e) * norm(I, floor).T
        return rows @ norm(O, floor), lr * largest(e) * norm(O, floor)

    def batch(self, x, y):
        """All contributions of all samples side by side, and of each weight's the largest."""
        a = self.outputs(x)
        e = y - a[-1]
        for l in range(len(self.W)):
            rows = torch.stack([norm(v) for v in a[l]])
            O = torch.stack([norm(v) for v in a[l + 1]])
            right = e if l == len(self.W) - 1 else O * torch.stack([largest(v) for v in e])[:, None]
            every = (rows[:, :, None] * right[:, None, :]).numpy()
            where = np.abs(every).argmax(0)[None]
            chosen = np.take_along_axis(every, where, 0)[0]
            self.W[l] = self.W[l] + self.optimizer.lr * torch.from_numpy(chosen)

    def parameters(self):
        found = {f"W{l}": self.W[l - 1].T[None] for l in self.layers()}
        return found | {f"b{l}": self.b[l - 1].T[None] for l in self.layers()}
