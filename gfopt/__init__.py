"""gfopt: race neural-network optimizers to a common target, with evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gfopt.api import run
    from gfopt.model.state import descend
    from gfopt.numerics.noise import noise
    from gfopt.optimizers.base import Optimizer
    from gfopt.options import Count, Fraction, NonNegative, Positive

__version__ = "0.1.0"
__all__ = [
    "Count", "Fraction", "NonNegative", "Optimizer", "Positive", "descend", "noise", "run",
]  # fmt: skip

PUBLIC = {  # each public name's module
    "run": "gfopt.api",
    "Optimizer": "gfopt.optimizers.base",
    "descend": "gfopt.model.state",
    "noise": "gfopt.numerics.noise",
} | dict.fromkeys(("Count", "Fraction", "NonNegative", "Positive"), "gfopt.options")


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: `gfopt --help` needs none of them."""
    if name not in PUBLIC:
        raise AttributeError(f"module 'gfopt' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(PUBLIC[name]), name)
