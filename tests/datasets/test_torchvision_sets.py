"""Damage to the files of mnist, fashion_mnist and cifar10, and their archives."""

import hashlib
import pickle
import tarfile

import numpy as np
import pytest

from gfopt.datasets import datasets, prepare
from gfopt.datasets.fingerprints import digest_array
from gfopt.datasets.torchvision_import import torchvision_datasets
from gfopt.errors import DataError

pytestmark = pytest.mark.filterwarnings("error")

IMAGES = "FashionMNIST/raw/train-images-idx3-ubyte"
LABELS = "FashionMNIST/raw/train-labels-idx1-ubyte"


def read(name, folder, offline=True):
    return datasets[name]().arrays(folder, offline=offline)


def test_a_made_fashion_mnist_is_read_in_torchvisions_layout(fashion, idx_arrays):
    arrays = read("fashion_mnist", fashion)
    images, labels = idx_arrays()
    assert np.array_equal(arrays.x, images)
    assert arrays.x.dtype == np.uint8
    assert np.array_equal(arrays.y, labels.astype(np.int64))
    assert arrays.y.dtype == np.int64
    assert arrays.x_valid is None


def test_unit_scale_divides_by_255_and_validation_holds_out(fashion, idx_arrays):
    dataset = datasets["fashion_mnist"](scale="unit", validation=2)
    data = prepare(dataset, fashion, precision="float32", offline=True)
    order = np.random.RandomState(0).permutation(6)
    assert np.array_equal(data.y_valid, order[-2:])
    expected = idx_arrays()[0].reshape(6, -1).astype(np.float32) / np.float32(255)
    assert np.array_equal(data.x, expected[order[:-2]])
    assert data.sample_shape == (1, 28, 28)


def test_the_test_samples_are_held_out_where_the_config_says_so_and_only_there(
    fashion, idx_bytes, idx_arrays, monkeypatch
):
    images, labels = (array[:3] for array in idx_arrays())
    for file, array in ((IMAGES, images), (LABELS, labels)):
        (fashion / file.replace("train", "t10k")).write_bytes(idx_bytes(array))
    kind = datasets["fashion_mnist"]
    digests = {
        "test images": digest_array(images),
        "test labels": digest_array(labels.astype(np.int64)),
    }
    monkeypatch.setattr(kind, "published", kind.published | digests)
    both = kind(validation="test").arrays(fashion, offline=True)
    assert np.array_equal(both.x, idx_arrays()[0])
    assert np.array_equal(both.x_valid, images)
    assert np.array_equal(both.y_valid, labels)
    assert read("fashion_mnist", fashion).x_valid is None
    assert kind(validation="test").fingerprint() == "+".join(kind.published.values())
    assert kind(validation="test").fingerprint() != kind().fingerprint()


def test_foreign_test_samples_are_named(fashion, idx_bytes, idx_arrays):
    images = 255 - idx_arrays()[0]
    (fashion / IMAGES.replace("train", "t10k")).write_bytes(idx_bytes(images))
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte: not the published data"):
        datasets["fashion_mnist"](validation="test").arrays(fashion, offline=True)


@pytest.mark.parametrize("file", [IMAGES, LABELS])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda whole: b"", "is empty"),
        (lambda whole: whole[:3], "is not an idx"),
        (lambda whole: whole[:-2], "but its header says"),
        (lambda whole: whole + b"\0", "but its header says"),
        (lambda whole: b"<!DOCTYPE html><html>Not found</html>", "is not an idx"),
        (lambda whole: b"\x1f\x8b" + whole[2:], "is not an idx"),
        (lambda whole: whole[:-1] + b"\x07", "not the published data"),
    ],
)
def test_a_damaged_idx_file_is_named(fashion, file, damage, said):
    path = fashion / file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError) as caught:
        read("fashion_mnist", fashion, offline=False)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_the_test_images_in_place_of_the_training_images_are_refused(
    fashion, idx_arrays, idx_bytes
):
    images, _ = idx_arrays(4)
    (fashion / IMAGES).write_bytes(idx_bytes(images))
    with pytest.raises(DataError, match="train-images-idx3-ubyte: not the published data"):
        read("fashion_mnist", fashion)


def test_a_missing_file_is_the_only_one_named(fashion):
    (fashion / LABELS).unlink()
    with pytest.raises(DataError, match="missing") as caught:
        read("fashion_mnist", fashion)
    assert str(fashion / LABELS) in str(caught.value)
    assert str(fashion / IMAGES) not in str(caught.value)


def test_a_folder_in_place_of_a_file_counts_as_missing(fashion):
    (fashion / LABELS).unlink()
    (fashion / LABELS).mkdir()
    with pytest.raises(DataError, match="missing"):
        read("fashion_mnist", fashion)


def test_archives_in_the_folder_are_extracted_while_offline(packed, idx_arrays):
    assert np.array_equal(read("fashion_mnist", packed).x, idx_arrays()[0])


def test_archives_beside_extracted_files_need_no_network(packed, no_network):
    read("fashion_mnist", packed)
    raw = packed / "FashionMNIST/raw"
    for name in ("train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"):
        (raw / name).unlink()
    assert len(read("fashion_mnist", packed, offline=False).x) == 6


def test_a_damaged_archive_is_named_while_offline(packed):
    archive = packed / f"{IMAGES}.gz"
    archive.write_bytes(archive.read_bytes()[:-5])
    with pytest.raises(DataError) as caught:
        read("fashion_mnist", packed)
    assert f"The archive {archive} is damaged" in str(caught.value)
    assert f"missing {packed / IMAGES}" in str(caught.value)


def test_what_torchvision_cannot_read_for_another_reason_is_a_data_error(fashion, monkeypatch):
    def stop(*args, **kwargs):
        raise AssertionError

    monkeypatch.setattr(torchvision_datasets().FashionMNIST, "_load_data", stop)
    with pytest.raises(DataError, match=r"torchvision can't read .*AssertionError"):
        read("fashion_mnist", fashion)


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """Two made samples per batch, taken for the published ones."""
    kind, folder = torchvision_datasets().CIFAR10, tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    random, rows = np.random.RandomState(0), []
    for listing in ("train_list", "test_list"):
        made = []
        for name, _ in getattr(kind, listing):
            batch = random.randint(0, 256, (2, 3072)).astype(np.uint8)
            made.append([name, _write(folder / name, {"data": batch, "labels": [1, 2]})])
            rows.append(batch)
        monkeypatch.setattr(kind, listing, made)
    md5 = _write(folder / "batches.meta", {"label_names": list("abcdefghij")})
    monkeypatch.setitem(kind.meta, "md5", md5)
    x = np.concatenate(rows[:5]).reshape(-1, 3, 32, 32)
    published = {
        "images": digest_array(x.transpose(0, 2, 3, 1)),
        "labels": digest_array(np.array([1, 2] * 5)),
    }
    monkeypatch.setattr(datasets["cifar10"], "published", published)
    return tmp_path, x


def _write(path, content):
    path.write_bytes(pickle.dumps(content))
    return hashlib.md5(path.read_bytes()).hexdigest()


def test_a_made_cifar10_keeps_the_channels_first(cifar):
    folder, x = cifar
    arrays = read("cifar10", folder)
    assert np.array_equal(arrays.x, x)
    assert arrays.y.tolist() == [1, 2] * 5


@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda whole: b"", "is empty"),
        (lambda whole: whole[:-40], "is damaged"),
        (lambda whole: pickle.dumps("another"), "is damaged"),
    ],
)
def test_a_damaged_cifar10_file_is_the_one_that_is_named(cifar, name, damage, said):
    path = cifar[0] / "cifar-10-batches-py" / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError) as caught:
        read("cifar10", cifar[0])
    assert f"{path} {said}" in str(caught.value)
    assert "data_batch_1" not in str(caught.value)


def test_foreign_cifar10_batches_are_refused_by_their_fingerprint(cifar, monkeypatch):
    monkeypatch.undo()
    with pytest.raises(DataError, match="data_batch_1 is damaged or not the published file"):
        read("cifar10", cifar[0])


def test_the_cifar10_archive_is_extracted_while_offline(cifar, monkeypatch):
    folder, x = cifar
    archive, batches = folder / "cifar-10-python.tar.gz", folder / "cifar-10-batches-py"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(batches, batches.name)
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(torchvision_datasets().CIFAR10, "tgz_md5", md5)
    (batches / "data_batch_2").unlink()
    assert np.array_equal(read("cifar10", folder).x, x)


@pytest.mark.data
def test_a_truncated_copy_of_the_real_mnist_is_named(real_folder, tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in (real_folder / "MNIST" / "raw").iterdir():
        (raw / path.name).write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataError, match="train-images-idx3-ubyte has 5000 bytes"):
        read("mnist", tmp_path)
