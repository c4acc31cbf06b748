"""The numba backend: optimizers as compiled loops on the CPU, one file for each."""

from gfopt.backends.numba.backend import NumbaBackend
from gfopt.backends.numba.base import Loops, compiled_loops

__all__ = ["Loops", "NumbaBackend", "compiled_loops"]
