"""Initializers: a seed and the layers' sizes give the initial weights, drawn in float64.

`stream: numpy` is numpy.random.RandomState(seed), bit for bit what np.random.seed(seed) draws;
`torch` is a torch.Generator with that seed. Layers are drawn in the order 1..L, weights then
biases. Initial weights don't depend on the optimizer: all optimizers of a table begin with the same
ones.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import numpy as np
from pydantic import Field, model_validator

from gfopt.options import Options, Positive
from gfopt.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gfopt.numerics.array import Array

initializers: Registry[type[Initializer]] = Registry("init")


class NumberSource(Protocol):
    """The random numbers of an initializer."""

    def __init__(self, seed: int) -> None: ...

    def normal(self, *shape: int) -> Array: ...

    def uniform(self, *shape: int) -> Array: ...


class NumpySource:
    """numpy.random.RandomState, the legacy generator of np.random.seed."""

    def __init__(self, seed: int) -> None:
        self._state = np.random.RandomState(seed)

    def normal(self, *shape: int) -> Array:
        """Standard normal."""
        return self._state.randn(*shape)

    def uniform(self, *shape: int) -> Array:
        """Uniform in [0, 1)."""
        return self._state.rand(*shape)


class TorchSource:
    """A torch.Generator on the CPU, so that every device gets the same numbers."""

    def __init__(self, seed: int) -> None:
        import torch

        self._generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int) -> Array:
        """Standard normal, drawn in float64."""
        import torch

        return torch.randn(*shape, generator=self._generator, dtype=torch.float64).numpy()

    def uniform(self, *shape: int) -> Array:
        """Uniform in [0, 1), drawn in float64."""
        import torch

        return torch.rand(*shape, generator=self._generator, dtype=torch.float64).numpy()


SOURCES: dict[str, type[NumberSource]] = {"numpy": NumpySource, "torch": TorchSource}


class Initializer(Options):
    """Options shared by all schemes."""

    stream: Annotated[
        Literal["numpy", "torch"], Field(description="the generator that is seeded")
    ] = "numpy"
    biases: Annotated[
        Literal["zeros", "drawn"],
        Field(description="zeros, or drawn by the scheme right after the layer's weights"),
    ] = "zeros"

    @abstractmethod
    def draw(
        self, source: NumberSource, shape: tuple[int, ...], fan_in: int, fan_out: int
    ) -> Array:
        """One tensor of a layer with fan_in inputs and fan_out units, float64."""

    def initial_weights(
        self, seed: int, widths: Sequence[int], *, output_bias: bool, leading: tuple[int, ...] = ()
    ) -> dict[str, Array]:
        """W_l (n_l, n_{l-1}) and b_l (n_l, 1), float64, l = 1..L, for widths n_0..n_L.

        With leading dimensions, many initial weights of one stream: each tensor is drawn at once.
        """
        source, params = SOURCES[self.stream](seed), {}
        depth = len(widths) - 1
        for l, (fan_in, fan_out) in enumerate(pairwise(widths), start=1):
            params[f"W{l}"] = self.draw(source, (*leading, fan_out, fan_in), fan_in, fan_out)
            if l < depth or output_bias:
                drawn = self.biases == "drawn"
                shape = (*leading, fan_out, 1)
                params[f"b{l}"] = (
                    self.draw(source, shape, fan_in, fan_out) if drawn else np.zeros(shape)
                )
        return params


@initializers.register("fan_in_normal")
class FanInNormal(Initializer):
    """N(0, 1 / n_{l-1}), as in the program of arXiv 2204.05312."""

    def draw(
        self, source: NumberSource, shape: tuple[int, ...], fan_in: int, fan_out: int
    ) -> Array:
        return source.normal(*shape) / math.sqrt(fan_in)


@initializers.register("xavier_normal")
class XavierNormal(Initializer):
    """N(0, 2 / (n_l + n_{l-1})). Source: Glorot & Bengio, AISTATS 2010."""

    def draw(
        self, source: NumberSource, shape: tuple[int, ...], fan_in: int, fan_out: int
    ) -> Array:
        return source.normal(*shape) * math.sqrt(2 / (fan_in + fan_out))


@initializers.register("uniform")
class Uniform(Initializer):
    """U(low, high), the same for every layer."""

    low: float = -1.0
    high: float = 1.0

    @model_validator(mode="after")
    def _check_bounds(self) -> Uniform:
        if self.low >= self.high:
            raise ValueError(f"low must be under high (got {self.low:g} and {self.high:g})")
        return self

    def draw(
        self, source: NumberSource, shape: tuple[int, ...], fan_in: int, fan_out: int
    ) -> Array:
        return self.low + (self.high - self.low) * source.uniform(*shape)


@initializers.register("normal")
class Normal(Initializer):
    """N(0, std^2), the same for every layer."""

    std: Positive = 1.0

    def draw(
        self, source: NumberSource, shape: tuple[int, ...], fan_in: int, fan_out: int
    ) -> Array:
        return self.std * source.normal(*shape)


@initializers.register("torch")
class TorchDefault(Initializer):
    """U(-1/sqrt(n_{l-1}), 1/sqrt(n_{l-1})) for weights and biases: torch.nn.Linear's default."""

    stream: Literal["numpy", "torch"] = "torch"
    biases: Literal["zeros", "drawn"] = "drawn"

    def draw(
        self, source: NumberSource, shape: tuple[int, ...], fan_in: int, fan_out: int
    ) -> Array:
        return (2 * source.uniform(*shape) - 1) / math.sqrt(fan_in)
