"""Losses: the value that is reported, the signal that trains, and the levels to beat.

Shapes: z, a (R, K, N) pre-activations and outputs of R replicas for N samples; y (K, N), or
(R, K, N) where each replica has samples of its own. Values are (R,), a mean over samples of a sum
over the K outputs. The training signal is delta_L = dJ/dz_L, 1/N included, (R, K, N).

The option `signal: published` is what the original programs train with, `true` the value's own
derivative. Only bce and softmax_bce tell them apart: their value carries an epsilon that the
signal a - y ignores.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from gfopt.options import NonNegative, Options, Positive
from gfopt.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

losses: Registry[type[Loss]] = Registry("loss")

EPSILON = 1e-5  # inside the logarithms of the published losses (arXiv 2204.05312, its program)


class Loss(Options):
    """What a loss can do. The base is for losses of values with a linear output."""

    targets: ClassVar[Literal["classes", "values"]] = "values"
    outputs: ClassVar[int | None] = None  # 1: needs a single output unit

    @property
    def cosine(self) -> bool:
        """Whether its z_L are cosines of W_L and a_{L-1}: no b_L then."""
        return False

    @property
    def by_residual(self) -> bool:
        """Whether delta_L is a_L - y, times the same number for all outputs and samples."""
        return True

    def activate(self, z: Tensor) -> Tensor:
        """The network's outputs a_L from the last pre-activations z_L."""
        return z

    def value(self, z: Tensor, y: Tensor) -> Tensor:
        """The loss of each replica, (R,)."""
        return self.of_outputs(self.activate(z), y)

    @abstractmethod
    def of_outputs(self, a: Tensor, y: Tensor) -> Tensor:
        """The loss of given outputs a_L, (R,): also that of a constant output."""

    def delta(self, a: Tensor, y: Tensor) -> Tensor:
        """delta_L = dJ/dz_L from the outputs a_L, (R, K, N)."""
        return (a - y) / y.shape[-1]

    def chance(self, y: Tensor) -> float:
        """The loss of the output that knows nothing: uniform over classes, 0 for values."""
        outputs = y.shape[0]
        level = 0.0 if self.targets == "values" else 1 / max(2, outputs)
        return float(self.of_outputs((y * 0 + level)[None], y))

    def class_prior(self, y: Tensor) -> float:
        """The loss of the best constant output: the targets' mean."""
        return float(self.of_outputs((y * 0 + y.mean(-1, keepdim=True))[None], y))


def _two_sided(a: Tensor, y: Tensor) -> Tensor:
    """-(1/N) sum [y ln(a + e) + (1 - y) ln(1 - a + e)], summed over outputs."""
    terms = y * (a + EPSILON).log() + (1 - y) * (1 - a + EPSILON).log()
    return -terms.sum(-2).mean(-1)


def _two_sided_slope(a: Tensor, y: Tensor) -> Tensor:
    """The derivative of _two_sided with respect to a."""
    return ((1 - y) / (1 - a + EPSILON) - y / (a + EPSILON)) / y.shape[-1]


class _PublishedLoss(Loss):
    """A loss of arXiv 2204.05312: epsilon inside the logarithms, trained by a - y."""

    targets: ClassVar[Literal["classes", "values"]] = "classes"
    signal: Annotated[
        Literal["published", "true"],
        Field(
            description="published: a - y, as the program trains; true: the value's own derivative",
        ),
    ] = "published"

    @property
    def by_residual(self) -> bool:
        return self.signal == "published"

    def of_outputs(self, a: Tensor, y: Tensor) -> Tensor:
        return _two_sided(a, y)

    def delta(self, a: Tensor, y: Tensor) -> Tensor:
        return super().delta(a, y) if self.signal == "published" else self._true_delta(a, y)

    @abstractmethod
    def _true_delta(self, a: Tensor, y: Tensor) -> Tensor:
        """delta_L as the derivative of the value, its epsilon included."""


@losses.register("bce")
class BinaryCrossEntropy(_PublishedLoss):
    """Sigmoid output, -(1/N) sum [y ln(a + 1e-5) + (1 - y) ln(1 - a + 1e-5)], two classes.

    Source: arXiv 2204.05312 and its program (cat).
    """

    outputs: ClassVar[int | None] = 1

    def activate(self, z: Tensor) -> Tensor:
        return z.sigmoid()

    def _true_delta(self, a: Tensor, y: Tensor) -> Tensor:
        return _two_sided_slope(a, y) * (a * (1 - a))


@losses.register("softmax_bce")
class SoftmaxBinaryCrossEntropy(_PublishedLoss):
    """Softmax output, the two-sided cross-entropy of bce summed over the K outputs.

    Source: the program of arXiv 2204.05312 (mnist, cifar10), which trains with a - y.
    """

    def activate(self, z: Tensor) -> Tensor:
        return z.softmax(-2)  # shifted by the maximum

    def _true_delta(self, a: Tensor, y: Tensor) -> Tensor:
        slope = _two_sided_slope(a, y)
        return a * (slope - (a * slope).sum(-2, keepdim=True))


@losses.register("cross_entropy")
class CrossEntropy(Loss):
    """Softmax output, -(1/N) sum ln a_class, as torch.nn.functional.cross_entropy."""

    targets: ClassVar[Literal["classes", "values"]] = "classes"

    def activate(self, z: Tensor) -> Tensor:
        return z.softmax(-2)

    def value(self, z: Tensor, y: Tensor) -> Tensor:
        """From z by log-softmax: the logarithm of a softmax would lose the small outputs."""
        return -(y * z.log_softmax(-2)).sum(-2).mean(-1)

    def of_outputs(self, a: Tensor, y: Tensor) -> Tensor:
        return -(y * a.clamp(min=1e-300 if a.element_size() == 8 else 1e-38).log()).sum(-2).mean(-1)


@losses.register("mse")
class MeanSquaredError(Loss):
    """Linear output, (1/N) sum (a - y)^2, summed over outputs."""

    def of_outputs(self, a: Tensor, y: Tensor) -> Tensor:
        return (a - y).square().sum(-2).mean(-1)

    def delta(self, a: Tensor, y: Tensor) -> Tensor:
        return 2 * (a - y) / y.shape[-1]


@losses.register("nmse")
class NormalisedMeanSquaredError(Loss):
    """Linear output, sum (a - y)^2 / sum y^2: 1 is the zero output's.

    Source: "How to train neural networks without gradient descent" (its reward is 1/NMSE).
    """

    def of_outputs(self, a: Tensor, y: Tensor) -> Tensor:
        return (a - y).square().sum((-2, -1)) / y.square().sum((-2, -1))

    def delta(self, a: Tensor, y: Tensor) -> Tensor:
        return 2 * (a - y) / y.square().sum((-2, -1), keepdim=True)


@losses.register("sigmoid_mse")
class SigmoidMeanSquaredError(MeanSquaredError):
    """Sigmoid output, (1/N) sum (a - y)^2, summed over outputs: classes, or values from 0 to 1."""

    @property
    def by_residual(self) -> bool:
        return False

    def activate(self, z: Tensor) -> Tensor:
        return z.sigmoid()

    def delta(self, a: Tensor, y: Tensor) -> Tensor:
        return super().delta(a, y) * (a * (1 - a))


@losses.register("am_softmax")
class AdditiveMarginSoftmax(Loss):
    """-(1/N) sum ln p_class, p = softmax(s (z - m y)): the right class's z counts as m less.

    Normalised, z_k = cos(w_k, h) of the output's weights and inputs; else z = W h + b. The margin
    is in the loss alone: accuracy goes by z. All z alike, the loss is ln(1 + (K-1) e^(s m)).

    Source: Wang, Liu, Liu & Cheng, "Additive margin softmax for face verification",
    arXiv 1801.05599.
    """

    targets: ClassVar[Literal["classes", "values"]] = "classes"
    scale: Annotated[Positive, Field(description="s, by which z - m y is multiplied")] = 30.0
    margin: Annotated[
        NonNegative, Field(description="m, what the right class must be ahead by")
    ] = 0.35
    normalised: Annotated[
        bool,
        Field(description="z are cosines: weights and inputs of the output count by direction"),
    ] = True

    @property
    def cosine(self) -> bool:
        return self.normalised

    @property
    def by_residual(self) -> bool:
        return False

    def of_outputs(self, a: Tensor, y: Tensor) -> Tensor:
        return -(y * self._logits(a, y).log_softmax(-2)).sum(-2).mean(-1)

    def delta(self, a: Tensor, y: Tensor) -> Tensor:
        return self.scale * (self._logits(a, y).softmax(-2) - y) / y.shape[-1]

    def class_prior(self, y: Tensor) -> float:
        """The loss of the best constant z, a convex minimum; cosines stay between -1 and 1."""
        import torch
        from scipy.optimize import minimize

        shares, each = y.mean(-1), torch.eye(len(y), dtype=y.dtype, device=y.device)

        def value_and_slope(logits: Any) -> Any:
            z = (torch.as_tensor(logits).to(y) / self.scale)[:, None].expand_as(each)
            terms = -self._logits(z, each).log_softmax(-2).diagonal()
            slopes = self.delta(z, each) @ shares * len(y) / self.scale
            return float(shares @ terms), slopes.cpu().numpy()

        largest = self.scale if self.normalised else None
        found = minimize(
            value_and_slope,
            [0.0] * len(y),
            jac=True,
            method="L-BFGS-B",
            bounds=[(largest and -largest, largest)] * len(y),
            tol=1e-14,
        )
        return float(found.fun)

    def _logits(self, z: Tensor, y: Tensor) -> Tensor:
        """s (z - m y)."""
        return self.scale * (z - self.margin * y)
