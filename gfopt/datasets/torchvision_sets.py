"""MNIST, Fashion-MNIST and CIFAR-10, read and downloaded by torchvision's own classes.

Source: LeCun, Cortes & Burges, http://yann.lecun.com/exdb/mnist/ (CC BY-SA 3.0); Xiao, Rasul &
Vollgraf, arXiv 1708.07747 (Zalando, MIT); Krizhevsky, "Learning multiple layers of features from
tiny images" (2009; no licence stated). gfopt ships none of them. Fingerprints: SHA-256 of the
published training images and labels.

Only the training samples are used: a config holds out some of them with `validation: n`, and the
test samples are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from gfopt.datasets.base import Arrays, Dataset, datasets
from gfopt.datasets.fetching import Source
from gfopt.datasets.fingerprints import checked
from gfopt.datasets.torchvision_files import cifar_layout, idx_layout, opened
from gfopt.datasets.torchvision_import import torchvision_datasets

if TYPE_CHECKING:
    from pathlib import Path

    from gfopt.datasets.base import Array


class _Published(Dataset):
    """What the three sets have in common: 8-bit images of ten classes."""

    classes: ClassVar[int | None] = 10
    largest: ClassVar[float] = 255.0
    source: ClassVar[Source]
    published: ClassVar[dict[str, str]]

    def fingerprint(self) -> str:
        """The published fingerprint of the training images and labels."""
        return "+".join(self.published.values())

    def _checked(self, images: Array, labels: Array, places: tuple[Path, Path]) -> None:
        """Raise unless these are the published arrays; the places name where they were read."""
        for array, place, digest in zip(
            (images, labels), places, self.published.values(), strict=True
        ):
            checked(array, digest, f"{self.source.name}: {place}")


class _Idx(_Published):
    """A set in the layout of torchvision's MNIST."""

    samples: ClassVar[int | None] = 60000
    features: ClassVar[int | None] = 784
    sample_shape: ClassVar[tuple[int, ...] | None] = (1, 28, 28)
    kind: ClassVar[str]  # torchvision's class, and the folder's name

    def arrays(self, folder: Path, *, offline: bool) -> Arrays:
        """The training images (60000, 28, 28) and labels of <kind>/raw in the folder."""
        kind = getattr(torchvision_datasets(), self.kind)
        found = opened(kind, idx_layout(kind), folder, self.source, offline=offline)
        images, labels = found.data.numpy(), found.targets.numpy()
        raw = folder / self.kind / "raw"
        places = raw / "train-images-idx3-ubyte", raw / "train-labels-idx1-ubyte"
        self._checked(images, labels, places)
        return Arrays(images, labels)


@datasets.register("mnist")
class Mnist(_Idx):
    """Handwritten digits, 60000 x 784, 10 classes; 12 MB to download."""

    kind: ClassVar[str] = "MNIST"
    source: ClassVar[Source] = Source(
        "mnist",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        11.6,
        "the four files {train,t10k}-{images-idx3,labels-idx1}-ubyte(.gz)",
        "MNIST/raw",
    )
    published: ClassVar[dict[str, str]] = {
        "images": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        "labels": "e474323ac02fc156161b0bbb1f8c9cfeb327a74bcd9f9680a8385269a24f566c",
    }


@datasets.register("fashion_mnist")
class FashionMnist(_Idx):
    """Articles of clothing in the form of mnist, 60000 x 784, 10 classes; 31 MB to download."""

    kind: ClassVar[str] = "FashionMNIST"
    source: ClassVar[Source] = Source(
        "fashion_mnist",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        30.9,
        "the four files {train,t10k}-{images-idx3,labels-idx1}-ubyte(.gz)",
        "FashionMNIST/raw",
    )
    published: ClassVar[dict[str, str]] = {
        "images": "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
        "labels": "e3245b63f7c40d1c8b652835f19744d970c1613b40ddac6bcfc87b9c46e16a0b",
    }


@datasets.register("cifar10")
class Cifar10(_Published):
    """Small colour photographs, 50000 x 3072 channel first, 10 classes; 170 MB to download."""

    samples: ClassVar[int | None] = 50000
    features: ClassVar[int | None] = 3072
    sample_shape: ClassVar[tuple[int, ...] | None] = (3, 32, 32)
    source: ClassVar[Source] = Source(
        "cifar10",
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        170.5,
        "cifar-10-python.tar.gz, or its folder cifar-10-batches-py,",
    )
    published: ClassVar[dict[str, str]] = {
        "images": "47af8b02cfcfb6cdf3dbbd1969ad7f1b70f4413f6f80f437b020ee4e5bc8304a",
        "labels": "f5cfe00b0f00968c0cc5ff3b1d2de51b10e33efa277c2986f4e0fa63e58c9f4f",
    }

    def arrays(self, folder: Path, *, offline: bool) -> Arrays:
        """The training images (50000, 3, 32, 32), in the order of the files, and labels."""
        kind: Any = torchvision_datasets().CIFAR10
        found = opened(kind, cifar_layout(kind), folder, self.source, offline=offline)
        labels = np.array(found.targets, np.int64)
        batches = folder / kind.base_folder
        self._checked(
            found.data, labels, (batches, batches)
        )  # channels last, as torchvision has it
        return Arrays(found.data.transpose(0, 3, 1, 2), labels)
