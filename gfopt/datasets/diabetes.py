"""The 442 patients that come with scikit-learn: 10 measurements, disease progression a year on.

Source: Efron, Hastie, Johnstone & Tibshirani, "Least angle regression" (2004), as scikit-learn
ships it. scikit-learn centres each feature and scales it to length 1 when loading, so the
fingerprint is that of the unscaled table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gfopt.datasets.base import Arrays, Dataset, datasets
from gfopt.datasets.fingerprints import check_array

if TYPE_CHECKING:
    from pathlib import Path


@datasets.register("diabetes")
class Diabetes(Dataset):
    """Disease progression (25 to 346, as published) from 10 features; offline."""

    samples: ClassVar[int | None] = 442
    features: ClassVar[int | None] = 10
    published: ClassVar[dict[str, str]] = {  # of load_diabetes(scaled=False)
        "data": "6b93b2556c8942c79d8374838768047adf9d1f4044510b9f948ddace62567d75",
        "target": "4911e8747aff95aa1cd523fea86dd91cfd1cd14c1a8ead274f1913b14fa853c4",
    }

    def fingerprint(self) -> str:
        """The published fingerprint of the unscaled features and the target."""
        return "+".join(self.published.values())

    def arrays(self, folder: Path, *, offline: bool) -> Arrays:
        """x (442, 10) as scikit-learn scales it, y (442, 1); the folder is unused."""
        from sklearn.datasets import load_diabetes

        unscaled = load_diabetes(scaled=False)
        for part, digest in self.published.items():
            check_array(unscaled[part], digest, f"scikit-learn's diabetes ({part})")
        return Arrays(load_diabetes().data, unscaled.target[:, None])
