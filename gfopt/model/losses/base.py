"""A loss: its value, its derivative for training, and the levels of trivial predictors.

Shapes: z, a (R, K, N) pre-activations and outputs of R seeds for N samples; y (K, N), or (R, K, N)
if each seed has its own samples. Values are (R,), a mean over samples of a sum over the K outputs.
Training uses delta_L = dJ/dz_L, 1/N included, (R, K, N).

A faster backend may assume of a loss only what the loss's own class declares. Declarations are
never inherited: a loss without one is computed as its file states it.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from gfopt.options import Options
from gfopt.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

losses: Registry[type[Loss]] = Registry("loss", "gfopt.model.losses")

Output = Literal["identity", "sigmoid", "softmax"]


class Loss(Options):
    """A loss of a network's outputs. By default the output is linear and targets are values."""

    targets: ClassVar[Literal["classes", "values"]] = "values"
    outputs: ClassVar[int | None] = None  # 1: needs a single output unit

    # Declares that delta_L is a_L - y times one number, the same for all outputs and samples, and
    # that a_L is this function of z_L. It counts for the class that declares it only.
    residual_output: ClassVar[Output | None] = None

    @property
    def cosine(self) -> bool:
        """Whether z_L are cosines of W_L and a_{L-1}, without b_L."""
        return False

    def declared_residual(self) -> Output | None:
        """The `residual_output` that this very class declares; None without a declaration."""
        return vars(type(self)).get("residual_output")

    def activate(self, z: Tensor) -> Tensor:
        """The network's outputs a_L from the last pre-activations z_L."""
        return z

    def value(self, z: Tensor, y: Tensor) -> Tensor:
        """The loss of each seed, (R,)."""
        return self.of_outputs(self.activate(z), y)

    @abstractmethod
    def of_outputs(self, a: Tensor, y: Tensor) -> Tensor:
        """The loss of given outputs a_L, (R,)."""

    @abstractmethod
    def delta(self, a: Tensor, y: Tensor) -> Tensor:
        """delta_L = dJ/dz_L from the outputs a_L, (R, K, N)."""

    def chance(self, y: Tensor) -> float:
        """The loss at chance level: the same output for all classes, 0 for values."""
        outputs = y.shape[0]
        level = 0.0 if self.targets == "values" else 1 / max(2, outputs)
        return float(self.of_outputs((y * 0 + level)[None], y))

    def class_prior(self, y: Tensor) -> float:
        """The loss of the constant-predictor baseline: its output is the targets' mean."""
        return float(self.of_outputs((y * 0 + y.mean(-1, keepdim=True))[None], y))
