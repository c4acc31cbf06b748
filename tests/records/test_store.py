"""Records on disk: whole or not at all; a broken one counts as missing."""

from __future__ import annotations

import pytest

from gfopt.records.atomic import replace_folder, write_atomically
from gfopt.records.evaluation import Evaluation
from gfopt.records.store import find_folders, read_history, read_record, write_history, write_record
from tests.record_factory import record


def test_a_record_comes_back_as_it_was_written(tmp_path):
    made = record(seconds=0.1 + 0.2, loss=float("inf"))
    write_record(tmp_path, made)
    assert read_record(tmp_path) == made


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"record_schema": 1}', '{"record_schema": 0}']
)
def test_a_broken_or_foreign_record_is_no_record(tmp_path, text):
    (tmp_path / "record.json").write_text(text)
    assert read_record(tmp_path) is None


def test_a_history_comes_back_to_the_last_bit(tmp_path):
    rows = [
        Evaluation(1 / 3, 7, 0.1 + 0.2, None, None, None, 1e-9, 0.5, 1.000915, None, None),
        Evaluation(1.0, 8, 2.5, 0.25, 0.5, 0.75, 1, 1, 2, 3, 2),
    ]
    write_history(tmp_path, rows)
    assert read_history(tmp_path) == rows


def test_a_folder_that_fails_half_way_is_not_there(tmp_path):
    def fill(folder):
        (folder / "one").write_text("1")
        raise RuntimeError

    with pytest.raises(RuntimeError), replace_folder(tmp_path / "run") as folder:
        fill(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_replaces_an_older_one(tmp_path):
    for text in ("old", "new"):
        with replace_folder(tmp_path / "run") as folder:
            (folder / text).write_text(text)
    assert [path.name for path in tmp_path.rglob("*")] == ["run", "new"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "table.md"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "\ud800")
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


def test_unfinished_folders_hold_no_records(tmp_path):
    for name in (".making-x", "run"):
        (tmp_path / name).mkdir()
        write_record(tmp_path / name, record())
    assert [folder.name for folder in find_folders(tmp_path)] == ["run"]
