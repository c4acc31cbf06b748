"""Activations of hidden layers: the value f(z) and the slope f'(z), by tensor methods alone.

f'(0) = 0 at the kinks of relu and negative_part, as in the published programs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gfopt.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

activations: Registry[Activation] = Registry("activation")


@dataclass(frozen=True)
class Activation:
    """An elementwise function.

    value: f(z), the shape of z.
    chain: (delta, z, a) -> delta * f'(z) with a = f(z), for back-propagation.
    """

    value: Callable[[Tensor], Tensor]
    chain: Callable[[Tensor, Tensor, Tensor], Tensor]


activations.register("relu")(Activation(lambda z: z.relu(), lambda delta, z, a: delta * (z > 0)))
activations.register("negative_part")(
    Activation(lambda z: z.clamp(max=0), lambda delta, z, a: delta * (z < 0))
)
activations.register("sigmoid")(
    Activation(lambda z: z.sigmoid(), lambda delta, z, a: delta * (a * (1 - a)))
)
activations.register("tanh")(
    Activation(lambda z: z.tanh(), lambda delta, z, a: delta * (1 - a * a))
)
activations.register("identity")(Activation(lambda z: z, lambda delta, z, a: delta))
