"""What every registered data set promises."""

import json
import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from gfopt.datasets import Data, datasets, prepare
from gfopt.errors import DataError

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(params=list(datasets))
def name(request):
    return request.param


@pytest.fixture
def dataset(name):
    return datasets[name]()


@pytest.fixture
def loaded(dataset, tmp_path):
    """The arrays of a set that needs no files."""
    try:
        return dataset.arrays(tmp_path, offline=True)
    except DataError:
        pytest.skip("needs files")


def agrees(dataset, arrays):
    """The declared metadata are those of the arrays."""
    assert dataset.samples in (None, len(arrays.x))
    assert dataset.features == arrays.x[0].size
    if dataset.classes is None:
        assert arrays.y.dtype.kind == "f"
        assert arrays.y.ndim == 2
    else:
        assert arrays.y.dtype == np.int64
        assert np.array_equal(np.unique(arrays.y), np.arange(dataset.classes))
    if dataset.sample_shape:
        assert np.prod(dataset.sample_shape) == dataset.features
    if dataset.scale != "standard" and arrays.x.dtype.kind == "u":
        assert arrays.x.max() <= dataset.largest
    return True


def test_the_fingerprint_needs_no_files_and_is_the_same_twice(name):
    assert datasets[name]().fingerprint() == datasets[name]().fingerprint() != ""


def test_two_sets_never_share_a_fingerprint():
    prints = {name: datasets[name]().fingerprint() for name in datasets}
    assert len(set(prints.values())) == len(prints)


def test_the_metadata_of_a_set_without_files_agree_with_its_arrays(dataset, loaded):
    assert agrees(dataset, loaded)


def test_a_set_without_its_files_names_the_missing_paths_while_offline(dataset, tmp_path):
    try:
        dataset.arrays(tmp_path, offline=True)
    except DataError as error:
        message = str(error)
    else:
        pytest.skip("needs no files")
    assert "missing " + str(tmp_path) in message
    assert "--offline" in message
    assert "http" in message
    assert list(tmp_path.iterdir()) == []


def test_a_failed_download_says_so_and_how_to_do_without(dataset, tmp_path, no_network):
    try:
        dataset.arrays(tmp_path, offline=False)
    except DataError as error:
        message = str(error)
    else:
        pytest.skip("needs no files")
    assert "the download from http" in message
    assert "no network here" in message
    assert f"put them into {tmp_path}" in message
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_download_is_announced_with_size_and_source(dataset, tmp_path, no_network, caplog):
    caplog.set_level("INFO", logger="gfopt")
    try:
        dataset.arrays(tmp_path, offline=False)
    except DataError:
        assert "MB from http" in caplog.text
    else:
        assert caplog.text == ""


def test_options_refuse_what_they_do_not_know(name):
    for wrong in ({"scael": "raw"}, {"scale": "half"}, {"validation": 0}):
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            datasets[name](**wrong)


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_prepared_data_are_flat_and_in_the_precision_asked_for(
    dataset, loaded, precision, tmp_path
):
    data = prepare(dataset, tmp_path, precision=precision, offline=True)
    assert data.x.dtype == precision
    assert data.x.shape == (len(data.y), dataset.features)
    assert np.prod(data.sample_shape) == dataset.features


def test_standard_scale_is_that_of_the_training_samples(dataset, loaded, tmp_path):
    dataset = type(dataset)(scale="standard", validation=len(loaded.x) // 3)
    data = prepare(dataset, tmp_path, precision="float64", offline=True)
    spread = data.x.std(0)
    assert np.abs(data.x.mean(0)).max() < 1e-9
    assert np.all(np.isclose(spread, 1) | (spread == 0))
    assert not np.allclose(data.x_valid.mean(0), 0, atol=1e-6)


def test_the_held_out_and_the_training_samples_are_all_samples_once(dataset, loaded, tmp_path):
    count = min(100, len(loaded.x) - 1)
    data = prepare(type(dataset)(validation=count), tmp_path, precision="float64", offline=True)
    together = np.concatenate([data.x, data.x_valid])
    assert len(data.x_valid) == len(data.y_valid) == count
    assert np.array_equal(
        np.sort(together, axis=0), np.sort(loaded.x.reshape(len(loaded.x), -1), axis=0)
    )


def test_importing_and_fingerprinting_every_set_loads_no_heavy_package():
    program = (
        "import json, sys; from gfopt.datasets import datasets\n"
        "[entry().fingerprint() for entry in datasets.values()]\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not {"torch", "torchvision", "h5py", "sklearn"} & set(json.loads(done.stdout))


@pytest.mark.data
def test_a_real_set_loads_agrees_and_leaves_the_folder_as_it_was(dataset, real_folder):
    before = _listing(real_folder)
    try:
        arrays = dataset.arrays(real_folder, offline=True)
    except DataError as error:
        if "missing" not in str(error):
            raise
        pytest.skip(f"not in the folder: {error}")
    assert agrees(dataset, arrays)
    assert _listing(real_folder) == before


def _listing(folder):
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


@pytest.mark.data
def test_cat_comes_with_its_own_held_out_part_in_the_published_order(real_folder):
    dataset = datasets["cat"](scale="unit")
    data = prepare(dataset, real_folder, precision="float64", offline=True)
    arrays = dataset.arrays(real_folder, offline=True)
    assert isinstance(data, Data)
    assert (data.x.shape, data.x_valid.shape) == ((209, 12288), (50, 12288))
    assert data.sample_shape == (64, 64, 3)
    assert data.y.sum() == 72
    assert np.array_equal(data.x[3], arrays.x[3].ravel() / 255)


@pytest.mark.data
@pytest.mark.long
def test_cifar10_is_fed_in_the_order_of_its_files(real_folder):
    import pickle

    arrays = datasets["cifar10"]().arrays(real_folder, offline=True)
    with (real_folder / "cifar-10-batches-py" / "data_batch_1").open("rb") as file:
        rows = pickle.load(file, encoding="latin1")["data"]
    assert arrays.x.shape == (50000, 3, 32, 32)
    assert np.array_equal(arrays.x[:10000].reshape(10000, -1), rows)


@pytest.mark.data
@pytest.mark.parametrize("name", ["mnist", pytest.param("cifar10", marks=pytest.mark.long)])
def test_the_real_test_samples_are_those_published(real_folder, name):
    arrays = datasets[name](validation="test").arrays(real_folder, offline=True)
    assert (len(arrays.x_valid), len(arrays.y_valid)) == (10000, 10000)
    assert set(arrays.y_valid.tolist()) == set(range(10))
