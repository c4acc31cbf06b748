"""Photographs with or without a cat: 209 for training, 50 for validation, 64 x 64 x 3.

Source: repository thisisamirv/Position-wise-optimizer, branch main (arXiv 2204.05312). No licence
is stated: gfopt downloads the files and doesn't ship them. 72 of the 209 are cats.

The published results use each photograph flattened row by row, the three colours of a pixel side by
side. gfopt keeps that order, so a sample's shape is (64, 64, 3), channels last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from gfopt.datasets.base import Arrays, Dataset, datasets
from gfopt.datasets.fetching import Source, describe_error, download_from, make_missing_error
from gfopt.datasets.fingerprints import check_array
from gfopt.datasets.torchvision_import import torchvision_datasets
from gfopt.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from gfopt.numerics.array import Array

ADDRESS = "https://raw.githubusercontent.com/thisisamirv/Position-wise-optimizer/main/"


@datasets.register("cat")
class Cat(Dataset):
    """Cat or no cat, 209 + 50 photographs of 12288 values, 2 classes; 3 MB to download."""

    samples: ClassVar[int | None] = 209
    features: ClassVar[int | None] = 12288
    classes: ClassVar[int | None] = 2
    own_validation: ClassVar[bool] = True
    largest: ClassVar[float] = 255.0
    source: ClassVar[Source] = Source(
        "cat", ADDRESS, 3.2, "CatClassificationTrain.h5 and CatClassificationVal.h5", "cat"
    )
    files: ClassVar[dict[str, str]] = {  # -> md5
        "CatClassificationTrain.h5": "7ae153172cf0e4872f49a801f0c76c3d",
        "CatClassificationVal.h5": "7214e326ef4178b6a71af105ddaf3dbd",
    }
    published: ClassVar[dict[str, str]] = {
        "train_set_x": "5a22f47625d19c47045c085a17fdb1a263bae0fa9c67020fd40112e19dadc2c3",
        "train_set_y": "217e8c93aff2ec2a3f6137ab9f997236d8382a26856546b1fbf30ccd4bf7610e",
        "test_set_x": "c23d288e4a7ad7ab5b8b8e69e1aaefc683de77cbd020598fd6b4acdccbebabf3",
        "test_set_y": "7bfaabd03cfd57ee3f50dc1569bf1b72c548f7877d2f7ed9611ec69e697b8909",
    }

    def fingerprint(self) -> str:
        """The published fingerprint of both parts."""
        return "+".join(self.published.values())

    def arrays(self, folder: Path, *, offline: bool) -> Arrays:
        """Both parts from <folder>/cat, images (N, 64, 64, 3) as published."""
        paths = [folder / "cat" / name for name in self.files]
        absent = [path for path in paths if not path.is_file()]
        if absent and offline:
            raise make_missing_error(self.source, absent, folder)
        for path in absent:
            self._fetch(path, folder)
        x, y = (self._read(paths[0], f"train_set_{part}") for part in "xy")
        x_valid, y_valid = (self._read(paths[1], f"test_set_{part}") for part in "xy")
        return Arrays(x, y.astype(np.int64), x_valid, y_valid.astype(np.int64))

    def _fetch(self, path: Path, folder: Path) -> None:
        """Download one file; an interrupted download leaves only a .part behind."""
        with download_from(self.source, folder):
            utils = torchvision_datasets().utils
            part = path.with_name(path.name + ".part")
            utils.download_url(
                ADDRESS + path.name, str(path.parent), part.name, self.files[path.name]
            )
            part.replace(path)

    def _read(self, path: Path, key: str) -> Array:
        """One array of a file, compared with the published one."""
        return check_array(_read_array(path, key), self.published[key], f"cat: {path} ({key})")


def _read_array(path: Path, key: str) -> Array:
    """An array of an HDF5 file. Raises DataError; h5py raises errors of many kinds."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            keys = sorted(file)
            if key in keys:
                return np.asarray(file[key][()])
    except Exception as error:
        raise DataError(
            f"cat: {path} is empty, damaged or not an HDF5 file ({describe_error(error)}). "
            "Remove it and let gfopt download it again."
        ) from error
    raise DataError(
        f"cat: {path} has no key {key!r}. It has {', '.join(keys) or 'none'}. "
        "Put the published file there."
    )
