"""The compiled path: rules as compiled loops, which must equal their statements."""

from gfopt.compiled.base import Loops, compiled

__all__ = ["Loops", "compiled"]
