"""The two HDF5 files of cat: damage, foreign files, download."""

import hashlib
import io
from types import SimpleNamespace

import numpy as np
import pytest

from gfopt.datasets import datasets
from gfopt.datasets.fingerprints import digest_array
from gfopt.errors import DataError

pytestmark = pytest.mark.filterwarnings("error")

NAMES = {"train_set": "CatClassificationTrain.h5", "test_set": "CatClassificationVal.h5"}


def write(path, **arrays):
    import h5py

    with h5py.File(path, "w") as file:
        for key, array in arrays.items():
            file[key] = array


def read(folder, offline=True):
    return datasets["cat"]().arrays(folder, offline=offline)


@pytest.fixture
def cat(tmp_path, monkeypatch):
    """Made photographs, taken for the published ones."""
    random, published, md5 = np.random.RandomState(0), {}, {}
    (tmp_path / "cat").mkdir()
    for part, count in (("train_set", 5), ("test_set", 3)):
        made = {
            f"{part}_x": random.randint(0, 256, (count, 64, 64, 3)).astype(np.uint8),
            f"{part}_y": np.arange(count) % 2,
        }
        path = tmp_path / "cat" / NAMES[part]
        write(path, **made, list_classes=np.array([b"non-cat", b"cat"]))
        published |= {key: digest_array(array) for key, array in made.items()}
        md5[path.name] = hashlib.md5(path.read_bytes()).hexdigest()
    monkeypatch.setattr(datasets["cat"], "published", published)
    monkeypatch.setattr(datasets["cat"], "files", md5)
    return tmp_path


def test_the_held_out_part_is_that_of_the_second_file(cat):
    arrays = read(cat)
    assert (arrays.x.shape, arrays.x_valid.shape) == ((5, 64, 64, 3), (3, 64, 64, 3))
    assert arrays.y.tolist() == [0, 1, 0, 1, 0]
    assert arrays.y_valid.tolist() == [0, 1, 0]
    assert arrays.y.dtype == np.int64


@pytest.mark.parametrize("name", NAMES.values())
@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[: len(whole) // 2],
        lambda whole: b"404: Not Found",
        lambda whole: whole[:8] + bytes(200) + whole[208:],
    ],
)
def test_a_damaged_file_is_named(cat, name, damage):
    path = cat / "cat" / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match="empty, damaged or not an HDF5 file") as caught:
        read(cat, offline=False)
    assert str(path) in str(caught.value)


def test_a_missing_key_is_named_with_the_keys_that_are_there(cat):
    path = cat / "cat" / NAMES["train_set"]
    write(path, images=np.zeros(3), train_set_y=np.zeros(3))
    facts = r"no key 'train_set_x'\. It has images, train_set_y"
    with pytest.raises(DataError, match=facts) as caught:
        read(cat)
    assert str(path) in str(caught.value)


def test_a_file_without_keys_is_refused(cat):
    write(cat / "cat" / NAMES["test_set"])
    with pytest.raises(DataError, match=r"no key 'test_set_x'\. It has none"):
        read(cat)


@pytest.mark.parametrize("foreign", [np.zeros((5, 64, 64, 3), np.uint8), ["a", "b"], b"text", 7])
def test_foreign_arrays_are_refused(cat, foreign):
    path = cat / "cat" / NAMES["train_set"]
    write(path, train_set_x=foreign, train_set_y=np.zeros(5))
    with pytest.raises(DataError, match=r"\(train_set_x\): not the published data") as caught:
        read(cat)
    assert str(path) in str(caught.value)


def test_a_group_in_place_of_an_array_is_refused(cat):
    write(cat / "cat" / NAMES["train_set"], **{"train_set_x/inner": np.zeros(2)})
    with pytest.raises(DataError, match="damaged"):
        read(cat)


def served(files):
    """An urlopen that answers with these files."""

    def answer(request):
        body = io.BytesIO(files[request.full_url.rsplit("/", 1)[1]])
        return _Response(url=request.full_url, length=len(body.getvalue()), read=body.read)

    return answer


class _Response(SimpleNamespace):
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return False


def test_missing_files_are_downloaded_once(cat, monkeypatch):
    files = {path.name: path.read_bytes() for path in (cat / "cat").iterdir()}
    for name in files:
        (cat / "cat" / name).unlink()
    monkeypatch.setattr("urllib.request.urlopen", served(files))
    assert len(read(cat, offline=False).x) == 5
    assert {path.name: path.read_bytes() for path in (cat / "cat").iterdir()} == files
    monkeypatch.setattr("urllib.request.urlopen", None)
    assert len(read(cat, offline=False).x) == 5


def test_a_download_that_is_not_the_published_file_is_not_taken(cat, monkeypatch):
    path = cat / "cat" / NAMES["train_set"]
    path.unlink()
    monkeypatch.setattr("urllib.request.urlopen", served({path.name: b"<html>"}))
    with pytest.raises(DataError, match="the download from https"):
        read(cat, offline=False)
    assert not path.exists()


def test_only_the_missing_file_is_named(cat):
    path = cat / "cat" / NAMES["test_set"]
    path.unlink()
    with pytest.raises(DataError, match="missing") as caught:
        read(cat)
    assert str(path) in str(caught.value)
    assert str(path.with_name(NAMES["train_set"])) not in str(caught.value)
