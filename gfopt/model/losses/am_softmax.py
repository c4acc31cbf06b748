"""-(1/N) sum ln p_class, p = softmax(s (z - m y)): margin m lowers the right class's z.

Normalised, z_k = cos(w_k, h) of the output's weights and inputs; else z = W h + b. The margin
is in the loss alone: accuracy depends on z. If all z are equal, the loss is
ln(1 + (K-1) e^(s m)).

Source: Wang, Liu, Liu & Cheng, "Additive margin softmax for face verification",
arXiv 1801.05599.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from gfopt.model.losses.base import Loss, losses
from gfopt.options import NonNegative, Positive

if TYPE_CHECKING:
    from torch import Tensor


@losses.register("am_softmax")
class AdditiveMarginSoftmax(Loss):
    """Additive-margin softmax."""

    targets: ClassVar[Literal["classes", "values"]] = "classes"
    scale: Annotated[Positive, Field(description="s, the factor of z - m y")] = 30.0
    margin: Annotated[NonNegative, Field(description="m, subtracted from the right class's z")] = (
        0.35
    )
    normalised: Annotated[
        bool,
        Field(description="z are cosines of the output layer's weights and inputs"),
    ] = True

    @property
    def cosine(self) -> bool:
        return self.normalised

    def of_outputs(self, a: Tensor, y: Tensor) -> Tensor:
        return -(y * self._compute_logits(a, y).log_softmax(-2)).sum(-2).mean(-1)

    def delta(self, a: Tensor, y: Tensor) -> Tensor:
        return self.scale * (self._compute_logits(a, y).softmax(-2) - y) / y.shape[-1]

    def class_prior(self, y: Tensor) -> float:
        """The loss of the best constant z, by convex minimisation; cosines are between -1 and 1."""
        import torch
        from scipy.optimize import minimize

        shares, each = y.mean(-1), torch.eye(len(y), dtype=y.dtype, device=y.device)

        def value_and_slope(logits: Any) -> Any:
            z = (torch.as_tensor(logits).to(y) / self.scale)[:, None].expand_as(each)
            terms = -self._compute_logits(z, each).log_softmax(-2).diagonal()
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

    def _compute_logits(self, z: Tensor, y: Tensor) -> Tensor:
        """s (z - m y)."""
        return self.scale * (z - self.margin * y)
