"""The folder of real data, and made files in its layout."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from gfopt.datasets import datasets
from gfopt.datasets.fingerprints import digest_array

IDX_NAMES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


@pytest.fixture(scope="session")
def real_folder():
    """The folder that GFOPT_DATA names."""
    if "GFOPT_DATA" not in os.environ:
        pytest.skip("GFOPT_DATA doesn't name a folder with the real data")
    return Path(os.environ["GFOPT_DATA"])


@pytest.fixture
def no_network(monkeypatch):
    """Every address fails as if there were no network."""
    from urllib.error import URLError

    def refuse(*args, **kwargs):
        raise URLError("no network here")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


def _idx_bytes(array):
    """An idx file of bytes."""
    head = bytes([0, 0, 8, array.ndim])
    return head + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def _idx_arrays(count=6):
    """Images and labels such as train-images-idx3-ubyte holds."""
    random = np.random.RandomState(0)
    images = random.randint(0, 256, (count, 28, 28)).astype(np.uint8)
    return images, (np.arange(count) % 10).astype(np.uint8)


@pytest.fixture
def idx_bytes():
    return _idx_bytes


@pytest.fixture
def idx_arrays():
    return _idx_arrays


@pytest.fixture
def fashion(tmp_path, monkeypatch):
    """A folder with six made samples of fashion_mnist, taken for the published ones."""
    images, labels = _idx_arrays()
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name, array in zip(IDX_NAMES, (images, labels, images, labels), strict=True):
        (raw / f"{name}-ubyte").write_bytes(_idx_bytes(array))
    digests = digest_array(images), digest_array(labels.astype(np.int64))
    names = ("images", "labels", "test images", "test labels")
    published = dict(zip(names, digests * 2, strict=True))
    monkeypatch.setattr(datasets["fashion_mnist"], "published", published)
    return tmp_path


@pytest.fixture
def packed(fashion, monkeypatch):
    """The same folder with the archives only."""
    from gfopt.datasets.torchvision_import import torchvision_datasets

    resources = []
    for name in IDX_NAMES:
        path = fashion / "FashionMNIST" / "raw" / f"{name}-ubyte"
        archive = gzip.compress(path.read_bytes())
        path.with_name(f"{name}-ubyte.gz").write_bytes(archive)
        path.unlink()
        resources.append((f"{name}-ubyte.gz", hashlib.md5(archive).hexdigest()))
    monkeypatch.setattr(torchvision_datasets().FashionMNIST, "resources", resources)
    return fashion
