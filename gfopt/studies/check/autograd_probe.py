"""What a step does besides its arithmetic: backward passes by autograd, and random numbers."""

from __future__ import annotations

import pickle
import random
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gfopt.numerics import streams
from gfopt.numerics.array import Array

_UNUSUAL = 870_365_271  # a seed that no optimizer gives: a generator that starts from it is unused


class AutogradProbe(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A context that notices what torch is asked to do.

    `backward`: an operation ran inside a backward pass of autograd's engine, whoever started it
    (Tensor.backward, torch.autograd.grad, torch.func.grad). `drawn`: numbers came from one of
    torch's generators, from gfopt's noise, or from the global generators of NumPy and Python.
    Not detected: forward-mode derivatives, derivatives written out, generators that NumPy or
    Python made for the optimizer, other libraries.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.backward = self.drawn = False

    def __enter__(self) -> AutogradProbe:
        self._outside, self._normal = (np.random.get_state(), random.getstate()), streams.normal
        np.random.seed(_UNUSUAL)
        random.seed(_UNUSUAL)
        self._states = _read_generators()
        streams.normal = self._notice_noise  # where gfopt.noise looks it up
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)  # type: ignore[no-untyped-call]
        streams.normal = self._normal
        self.drawn = self.drawn or self._states != _read_generators()
        np.random.set_state(self._outside[0])
        random.setstate(self._outside[1])

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Look at an operation before it runs."""
        if torch._C._current_graph_task_id() != -1:  # noqa: SLF001 - what autograd itself asks
            self.backward = True
        if torch.Tag.nondeterministic_seeded in func.tags:
            self.drawn = True
        return func(*args, **(kwargs or {}))

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: nothing is compiled here, and importing torch's compiler takes a second."""
        return False

    def _notice_noise(self, seed: int, step: int, member: int, size: int) -> Array:
        self.drawn = True
        return self._normal(seed, step, member, size)


def _read_generators() -> tuple[Any, ...]:
    """The states of the global generators that torch doesn't know."""
    return pickle.dumps(np.random.get_state()), random.getstate()
