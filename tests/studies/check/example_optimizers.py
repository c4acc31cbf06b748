"""Optimizers that keep all promises but one: a file's text, put together from pieces."""

from __future__ import annotations

from textwrap import dedent, indent

HEAD = """\
from typing import ClassVar

import torch

import gfopt
from gfopt import Optimizer, descend

COUNT = [0]
"""
INIT = 'return params | {"lr": draw.full(self.lr)}'
STEP = "return descend(state, problem.gradient(state, at))"


def write_optimizer(*, init: str = INIT, step: str = STEP, says: str = "", lr: str = "0.1") -> str:
    """The text of a file: class variables and other methods, then the bodies of init and step."""
    parts = [
        indent(dedent(says), "    "),
        f"    lr: float = {lr}\n\n    def init(self, problem, params, draw):",
        indent(dedent(init), " " * 8),
        "\n    def step(self, problem, state, at):",
        indent(dedent(step), " " * 8),
    ]
    return f"{HEAD}\n\nclass Mine(Optimizer):\n" + "\n".join(parts) + "\n"
