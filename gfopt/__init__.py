"""gfopt: race neural-network training rules to a common target, with evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gfopt.api import run
    from gfopt.optimizers.base import Optimizer
    from gfopt.options import Count, Fraction, NonNegative, Positive
    from gfopt.problem import descend
    from gfopt.rng import noise

__version__ = "0.1.0"
__all__ = [
    "Count", "Fraction", "NonNegative", "Optimizer", "Positive", "descend", "noise", "run",
]  # fmt: skip

_HOMES = {
    "run": "gfopt.api",
    "Optimizer": "gfopt.optimizers.base",
    "descend": "gfopt.problem",
    "noise": "gfopt.rng",
} | dict.fromkeys(("Count", "Fraction", "NonNegative", "Positive"), "gfopt.options")


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: `gfopt --help` needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'gfopt' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
