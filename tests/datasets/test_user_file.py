"""The user's own .npz and .csv files."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from gfopt.datasets import UserFile, datasets, prepare
from gfopt.errors import DataError

pytestmark = pytest.mark.filterwarnings("error")

X = np.arange(12.0).reshape(4, 3) - 20


def npz(folder, **arrays):
    np.savez(folder / "mine.npz", **arrays)
    return str(folder / "mine.npz")


def csv(folder, text, **options):
    path = folder / "mine.csv"
    path.write_text(text, encoding="utf-8")
    return UserFile(file=str(path), **options).arrays(folder, offline=True)


def read(file, **options):
    return UserFile(file=file, **options).arrays(None, offline=True)


def test_whole_numbers_are_classes(tmp_path):
    for y in (np.array([0, 2, 1, 0], np.uint8), np.array([[0], [2], [1], [0]])):
        arrays = read(npz(tmp_path, x=X, y=y))
        assert arrays.y.dtype == np.int64
        assert arrays.y.tolist() == [0, 2, 1, 0]


def test_decimals_are_values(tmp_path):
    arrays = read(npz(tmp_path, x=X, y=np.array([0.5, 1, 2, 3])))
    assert arrays.y.tolist() == [[0.5], [1], [2], [3]]
    assert arrays.x_valid is None


def test_the_task_decides_where_it_is_given(tmp_path):
    file = npz(tmp_path, x=X, y=np.array([250000, 1, 2, 3]))
    assert read(file, task="values").y.tolist() == [[250000.0], [1.0], [2.0], [3.0]]
    file = npz(tmp_path, x=X, y=np.array([0.0, 1.0, 1.0, 0.0]))
    assert read(file, task="classes").y.tolist() == [0, 1, 1, 0]


def test_the_held_out_part_is_read(tmp_path):
    y = np.array([0, 1, 1, 0])
    arrays = read(npz(tmp_path, x=X, y=y, x_valid=X[:2], y_valid=y[:2]))
    assert np.array_equal(arrays.x_valid, X[:2])
    assert arrays.y_valid.tolist() == [0, 1]


def test_images_keep_their_shape_and_single_features_get_one(tmp_path):
    y = np.zeros(4, int)
    for x, shape in ((np.zeros((4, 1, 5, 5)), (1, 5, 5)), (np.zeros(4), (1,))):
        user = UserFile(file=npz(tmp_path, x=x, y=y))
        data = prepare(user, tmp_path, precision="float32", offline=True)
        assert data.sample_shape == shape
        assert data.x.ndim == 2


def test_unit_scale_divides_by_the_largest_absolute_training_value(tmp_path):
    y = np.zeros(4)
    user = UserFile(file=npz(tmp_path, x=X, y=y, x_valid=X * 2, y_valid=y), scale="unit")
    data = prepare(user, tmp_path, precision="float64", offline=True)
    assert np.array_equal(data.x, X / 20)
    assert np.array_equal(data.x_valid, X * 2 / 20)
    user = UserFile(file=npz(tmp_path, x=X * 0, y=y), scale="unit")
    assert not prepare(user, tmp_path, precision="float64", offline=True).x.any()


def test_a_value_beyond_the_precision_is_refused(tmp_path):
    user = UserFile(file=npz(tmp_path, x=X * 1e300, y=np.zeros(4)))
    with pytest.raises(DataError, match="beyond float32: use precision: float64"):
        prepare(user, tmp_path, precision="float32", offline=True)


def test_the_fingerprint_is_that_of_the_file(tmp_path):
    file = npz(tmp_path, x=X, y=np.zeros(4))
    with Path(file).open("rb") as content:
        expected = hashlib.sha256(content.read()).hexdigest()
    assert expected == UserFile(file=file).fingerprint()


def test_no_name_is_registered_for_it():
    assert UserFile not in datasets.values()


GOOD = {"x": X, "y": np.array([0, 1, 0, 1])}


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": X}, "no key 'y'. It has x"),
        ({"data": X, "target": X}, "no key 'x'. It has data, target"),
        ({}, "no key 'x'. It has none"),
        (GOOD | {"x_valid": X}, "no key 'y_valid'. It has x, x_valid, y"),
        (GOOD | {"y_valid": X}, "no key 'x_valid'"),
        (GOOD | {"y": np.zeros(3)}, "x has 4 samples and y 3"),
        (
            GOOD | {"x": np.array([[1, np.nan]] * 4)},
            r"x\[0, 1\] is nan; every value must be finite",
        ),
        (GOOD | {"y": np.array([1, 2, np.inf, 4])}, r"y\[2\] is inf"),
        (GOOD | {"x": np.array([["a"]] * 4)}, "x must hold numbers"),
        (GOOD | {"y": np.array(["a"] * 4)}, "y must hold numbers"),
        (GOOD | {"x": np.zeros((4, 2), complex)}, "x must hold numbers"),
        (GOOD | {"x": np.array([None] * 4)}, "not a .npz of plain arrays"),
        (GOOD | {"x": np.zeros((0, 3)), "y": np.zeros(0)}, r"x has shape \(0, 3\)"),
        (GOOD | {"x": np.zeros((4, 0))}, r"x has shape \(4, 0\)"),
        (GOOD | {"y": np.int64(3)}, r"y has shape \(\)"),
        (GOOD | {"y": np.array([0, -1, 2, 1])}, "y holds -1; class numbers are whole"),
        (GOOD | {"y": np.array([0, 250000, 2, 1])}, "y holds 250000; .* set task: values"),
        (GOOD | {"y": np.zeros((4, 2), int)}, r"class numbers must be \(N,\)"),
        (GOOD | {"y": np.zeros((4, 2, 2))}, r"must be \(N,\) or \(N, k\)"),
        (GOOD | {"x_valid": X[:, :2], "y_valid": GOOD["y"]}, "x_valid holds float64 of shape"),
        (GOOD | {"x_valid": X, "y_valid": np.zeros(4)}, "all samples must be alike"),
    ],
)
def test_a_wrong_npz_is_named_with_what_is_wrong(tmp_path, arrays, said):
    file = npz(tmp_path, **arrays)
    with pytest.raises(DataError, match=said) as caught:
        read(file)
    assert file in str(caught.value)


def test_classes_asked_for_must_be_whole(tmp_path):
    with pytest.raises(DataError, match=r"y holds 0.5; class numbers are whole"):
        read(npz(tmp_path, x=X, y=np.array([0, 0.5, 1, 1])), task="classes")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("mine.npz", b"", "is empty"),
        ("mine.csv", b"", "is empty"),
        ("mine.npz", b"PK\x03\x04 broken", "damaged or not a .npz"),
        ("mine.npz", b"plain text", "damaged or not a .npz"),
        ("mine.npz", b"\x93NUMPY\x01\x00", "damaged or not a .npz"),
        ("mine.csv", b"a,b\n\xff\xfe,1\n", "comma-separated text file in UTF-8"),
        ("mine.txt", b"a,b\n1,2\n", "must end in .npz or .csv"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=said) as caught:
        read(str(path))
    assert str(path) in str(caught.value)


def test_a_truncated_npz_and_a_npy_in_its_place_are_named(tmp_path):
    file = npz(tmp_path, **GOOD)
    with Path(file).open("rb+") as content:
        content.truncate(300)
    with pytest.raises(DataError, match=r"damaged or not a \.npz"):
        read(file)
    with Path(file).open("wb") as content:
        np.save(content, X)
    with pytest.raises(DataError, match=r"damaged or not a \.npz"):
        read(file)


def test_a_file_that_is_not_there_is_named_also_by_the_fingerprint(tmp_path):
    user = UserFile(file=str(tmp_path / "none.csv"))
    for ask in (user.fingerprint, lambda: user.arrays(tmp_path, offline=True)):
        with pytest.raises(DataError, match=r"none\.csv: there is no such file"):
            ask()


def test_the_last_column_is_the_target_by_default(tmp_path):
    arrays = csv(tmp_path, "a,b,price\n1,2,3.5\n4,5e-1,6\n")
    assert arrays.x.tolist() == [[1, 2], [4, 0.5]]
    assert arrays.y.tolist() == [[3.5], [6]]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("yes no yes", [1, 0, 1]),
        ("10 9 10", [1, 0, 1]),
        ("2 b 10", [1, 2, 0]),
        ("1 1.0 0", [1, 1, 0]),
    ],
)
def test_text_and_whole_numbers_become_numbered_classes(tmp_path, cells, expected):
    rows = "".join(f"{cell},{index}\n" for index, cell in enumerate(cells.split()))
    arrays = csv(tmp_path, "kind,size\n" + rows, target="kind")
    assert arrays.y.tolist() == expected
    assert arrays.y.dtype == np.int64
    assert arrays.x.tolist() == [[0], [1], [2]]


def test_the_task_of_a_csv_decides_where_it_is_given(tmp_path):
    text = "a,y\n1,7\n2,9\n"
    assert csv(tmp_path, text, task="values").y.tolist() == [[7.0], [9.0]]
    assert csv(tmp_path, text).y.tolist() == [0, 1]
    assert csv(tmp_path, "a,y\n1,0.5\n2,0.2\n", task="classes").y.tolist() == [1, 0]


def test_a_mark_blank_lines_spaces_and_quotes_do_not_disturb(tmp_path):
    arrays = csv(tmp_path, '\ufeffa, "b" ,y\r\n\r\n 1 ,"2", 0.5\r\n,,\r\n')
    assert arrays.x.tolist() == [[1, 2]]
    assert arrays.y.tolist() == [[0.5]]


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("a,b,y\n1,2,0\n3,x,1\n", {}, "line 3, column 'b': must be a finite number .got 'x'"),
        ("a,b,y\n\n1,,0\n", {}, "line 3, column 'b': must be a finite number .got ''"),
        ("a,b,y\n1,nan,0\n", {}, "line 2, column 'b': must be a finite number .got 'nan'"),
        ("a,y\n1,0.5\n2,inf\n", {}, "line 3, column 'y': must be a finite number"),
        ("a,y\n1,0.5\n2,many\n", {}, "line 3, column 'y': must be a finite number .got 'many'"),
        ("a,y\n1,2\n2,nan\n", {}, "line 3, column 'y': must be a finite number"),
        ("a,y\n1,yes\n2,\n", {}, "line 3, column 'y': must be the name or number of a class"),
        ("a,y\n1,yes\n", {"task": "values"}, "line 2, column 'y': must be a finite number"),
        ("a,y\n1,2\n1\n", {}, "line 3 has 1 cells, the header 2"),
        ("a,y\n", {}, "needs a header row, samples below it"),
        ("\n\n", {}, "needs a header row"),
        ("a;y\n1;2\n", {}, "two or more columns separated by commas"),
        ("1,2\n3,4\n", {}, "the first row must name the columns"),
        ("age,y\n1,2\n", {"target": "agr"}, "unknown column 'agr'. Did you mean 'age'"),
        ("y,y\n1,2\n", {"target": "y"}, "2 columns are named 'y'"),
    ],
)
def test_a_wrong_csv_is_named_with_line_and_column(tmp_path, text, options, said):
    with pytest.raises(DataError, match=said) as caught:
        csv(tmp_path, text, **options)
    assert str(tmp_path / "mine.csv") in str(caught.value)


def test_a_target_is_for_csv_only(tmp_path):
    with pytest.raises(DataError, match=r"target names a column of a \.csv"):
        read(npz(tmp_path, **GOOD), target="y")
