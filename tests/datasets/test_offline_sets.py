"""The sets that come with scikit-learn or are drawn."""

import numpy as np
import pytest

from gfopt.datasets import datasets, prepare
from gfopt.errors import DataError, UsageError

pytestmark = pytest.mark.filterwarnings("error")


def test_quadratic_is_drawn_by_its_seed_from_the_frozen_stream(tmp_path):
    quadratic = datasets["quadratic"]
    arrays = quadratic(seed=3, count=5).arrays(tmp_path, offline=True)
    s = np.random.RandomState(3).randn(5)[:, None]
    assert np.array_equal(arrays.x, s)
    assert np.array_equal(arrays.y, 2 * s**2 + 5)
    assert quadratic().arrays(tmp_path, offline=True).x.shape == (10000, 1)


def test_quadratic_says_what_it_draws_in_its_fingerprint():
    quadratic = datasets["quadratic"]
    assert quadratic().fingerprint() == '{"quadratic":{"count":10000,"seed":0}}'
    assert quadratic(scale="standard").fingerprint() == quadratic().fingerprint()


def test_diabetes_is_scaled_and_its_target_is_not(tmp_path):
    arrays = datasets["diabetes"]().arrays(tmp_path, offline=True)
    assert np.allclose((arrays.x**2).sum(0), 1)
    assert arrays.y.var() == pytest.approx(5929.88, abs=0.01)


@pytest.mark.parametrize("name", ["diabetes", "digits"])
def test_another_scikit_learn_with_other_data_is_refused(name, tmp_path, monkeypatch):
    other = dict.fromkeys(datasets[name].published, "0" * 64)
    monkeypatch.setattr(datasets[name], "published", other)
    with pytest.raises(DataError, match=f"scikit-learn's {name}"):
        datasets[name]().arrays(tmp_path, offline=True)


def test_more_held_out_than_there_are_is_refused(tmp_path):
    digits = datasets["digits"](validation=1797)
    with pytest.raises(UsageError, match=r"dataset\.validation: must be under the 1797 samples"):
        prepare(digits, tmp_path, precision="float32", offline=True)
