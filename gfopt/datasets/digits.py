"""The 1797 handwritten digits that come with scikit-learn, 8 x 8, values 0 to 16.

Source: Alpaydin & Kaynak, "Optical recognition of handwritten digits" (1998), UCI repository; the
test part, as scikit-learn ships it. In file order the last samples come from other writers,
so the held-out 360 are the last of RandomState(0).permutation(1797).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gfopt.datasets.base import Arrays, Dataset, HeldOut, datasets
from gfopt.datasets.fingerprints import check_array

if TYPE_CHECKING:
    from pathlib import Path


@datasets.register("digits")
class Digits(Dataset):
    """Handwritten digits, 64 features, 10 classes; offline."""

    validation: HeldOut = 360

    samples: ClassVar[int | None] = 1797
    features: ClassVar[int | None] = 64
    classes: ClassVar[int | None] = 10
    largest: ClassVar[float] = 16.0
    sample_shape: ClassVar[tuple[int, ...] | None] = (1, 8, 8)
    published: ClassVar[dict[str, str]] = {
        "images": "20def7f70a702f0af9732fbba4375e147a7d54fe70d8c45569b8e7c1c7010c10",
        "labels": "a3c91c262eddcf7ba8f0e37507c30284493c9b20412ffe4af30d536401f7ba21",
    }

    def fingerprint(self) -> str:
        """The published fingerprint of the images and labels."""
        return "+".join(self.published.values())

    def arrays(self, folder: Path, *, offline: bool) -> Arrays:
        """The arrays that scikit-learn ships; the folder is unused."""
        from sklearn.datasets import load_digits

        digits = load_digits()
        for array, (part, digest) in zip(
            (digits.data, digits.target), self.published.items(), strict=True
        ):
            check_array(array, digest, f"scikit-learn's digits ({part})")
        return Arrays(digits.data, digits.target)
