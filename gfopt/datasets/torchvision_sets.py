"""MNIST, Fashion-MNIST and CIFAR-10, read and downloaded by torchvision's own classes.

Source: LeCun, Cortes & Burges, http://yann.lecun.com/exdb/mnist/ (CC BY-SA 3.0); Xiao, Rasul &
Vollgraf, arXiv 1708.07747 (Zalando, MIT); Krizhevsky, "Learning multiple layers of features from
tiny images" (2009; no licence stated). gfopt ships none of them. Fingerprints: SHA-256 of the
published images and labels.

`validation: n` holds out n training samples; the published test samples are then evaluated once, at
the end of a run. `validation: test` holds out the test samples instead: report them, but never
choose by them.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from gfopt.datasets.base import Arrays, Dataset, datasets
from gfopt.datasets.fetching import Source
from gfopt.datasets.fingerprints import check_array
from gfopt.datasets.torchvision_files import cifar_layout, idx_layout, open_part
from gfopt.datasets.torchvision_import import torchvision_datasets

if TYPE_CHECKING:
    from pathlib import Path

    from gfopt.numerics.array import Array


class _Published(Dataset):
    """The common part of the three sets: 8-bit images of ten classes."""

    validation: Annotated[
        Annotated[int, Field(ge=1)] | Literal["test"] | None,
        Field(
            description="training samples held out, the last of a fixed permutation; or `test`: "
            "the published test samples"
        ),
    ] = None  # type: ignore[assignment]

    classes: ClassVar[int | None] = 10
    largest: ClassVar[float] = 255.0
    source: ClassVar[Source]
    published: ClassVar[dict[str, str]]  # images and labels, training and test

    @property
    def holds_out_test(self) -> bool:
        """Whether the config says validation: test."""
        return self.validation == "test"

    @property
    def _reads_test(self) -> bool:
        """Whether the test samples are read."""
        return self.validation is not None

    def fingerprint(self) -> str:
        """Digests of the training images and labels, and of the test samples if they are used."""
        digests = list(self.published.values())
        return "+".join(digests if self._reads_test else digests[:2])

    def arrays(self, folder: Path, *, offline: bool) -> Arrays:
        """Training images and labels; with `validation` the test samples too."""
        training = self._read_part(folder, offline=offline, train=True)
        if not self._reads_test:
            return Arrays(*training)
        test = self._read_part(folder, offline=offline, train=False)
        return Arrays(*training, *(test if self.holds_out_test else (None, None, *test)))

    @abstractmethod
    def _read_part(self, folder: Path, *, offline: bool, train: bool) -> tuple[Array, Array]:
        """Images and labels of the training or the test samples, checked."""

    def _check(
        self, images: Array, labels: Array, places: tuple[Path, Path], *, train: bool
    ) -> None:
        """Raise DataError unless these are the published arrays; `places` are the files."""
        digests = list(self.published.values())[:2] if train else list(self.published.values())[2:]
        for array, place, digest in zip((images, labels), places, digests, strict=True):
            check_array(array, digest, f"{self.source.name}: {place}")


class _Idx(_Published):
    """A set in the layout of torchvision's MNIST."""

    samples: ClassVar[int | None] = 60000
    features: ClassVar[int | None] = 784
    sample_shape: ClassVar[tuple[int, ...] | None] = (1, 28, 28)
    kind: ClassVar[str]  # name of torchvision's class and of the folder

    def _read_part(self, folder: Path, *, offline: bool, train: bool) -> tuple[Array, Array]:
        """Images (N, 28, 28) and labels of <kind>/raw in the folder."""
        kind = getattr(torchvision_datasets(), self.kind)
        opened = open_part(
            kind, idx_layout(kind), folder, self.source, offline=offline, train=train
        )
        images, labels = opened.data.numpy(), opened.targets.numpy()
        raw, part = folder / self.kind / "raw", "train" if train else "t10k"
        places = raw / f"{part}-images-idx3-ubyte", raw / f"{part}-labels-idx1-ubyte"
        self._check(images, labels, places, train=train)
        return images, labels


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
        "test images": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        "test labels": "2fd8de6bdb8d11780b4b96dc57847bcfe6953f7c32aa48bfcd8237c3b7847243",
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
        "test images": "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
        "test labels": "d51d859896c55775b9e9e219b77ff03bcec1b6ac322f313544dc3f9e7bc94fae",
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
        "test images": "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04",
        "test labels": "cbb7365de8ed11f05cc4c3a1e7f78144127c5e851efd83762fb18202461230bb",
    }

    def _read_part(self, folder: Path, *, offline: bool, train: bool) -> tuple[Array, Array]:
        """Images (N, 3, 32, 32), in the order of the files, and labels."""
        kind: Any = torchvision_datasets().CIFAR10
        layout = cifar_layout(kind)
        opened = open_part(kind, layout, folder, self.source, offline=offline, train=train)
        labels = np.array(opened.targets, np.int64)
        batches = folder / kind.base_folder
        # the fingerprint is that of torchvision's array, channels last
        self._check(opened.data, labels, (batches, batches), train=train)
        return opened.data.transpose(0, 3, 1, 2), labels
