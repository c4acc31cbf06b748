"""What a step does beside its arithmetic: backward passes by autograd, and draws."""

from __future__ import annotations

import pickle
import random
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gfopt import rng

_UNUSUAL = 870_365_271  # a seed that no rule gives: a generator that starts from it is unused


class Watching(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A context that notices what torch is asked to do.

    `backward`: an operation ran inside a backward pass of autograd's engine, whoever started it
    (Tensor.backward, torch.autograd.grad, torch.func.grad). `drawn`: numbers came from one of
    torch's generators, from gfopt's noise, or from the global generators of NumPy and Python.
    Not seen: forward-mode derivatives, derivatives written out, generators that NumPy or Python
    made for the rule, other libraries.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.backward = self.drawn = False

    def __enter__(self) -> Watching:
        self._outside, self._normal = (np.random.get_state(), random.getstate()), rng.normal
        np.random.seed(_UNUSUAL)
        random.seed(_UNUSUAL)
        self._states = _states()
        rng.normal = self._noticed  # where gfopt.noise looks it up
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)  # type: ignore[no-untyped-call]
        rng.normal = self._normal
        self.drawn = self.drawn or self._states != _states()
        np.random.set_state(self._outside[0])
        random.setstate(self._outside[1])

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Look at an operation on its way."""
        if torch._C._current_graph_task_id() != -1:  # noqa: SLF001 - what autograd itself asks
            self.backward = True
        if torch.Tag.nondeterministic_seeded in func.tags:
            self.drawn = True
        return func(*args, **(kwargs or {}))

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: nothing is compiled here, and importing torch's compiler takes a second."""
        return False

    def _noticed(self, seed: int, step: int, member: int, size: int) -> rng.Array:
        self.drawn = True
        return self._normal(seed, step, member, size)


def _states() -> tuple[Any, ...]:
    """The states of the global generators that torch doesn't know."""
    return pickle.dumps(np.random.get_state()), random.getstate()
