"""Finding a config by path or by name."""

import pytest

from gfopt.config.packaged_configs import find_config, find_packaged_configs, load_config
from gfopt.errors import UsageError

from .conftest import TINY


def test_a_path_is_taken_before_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config("digits") == find_packaged_configs()["digits"]
    (tmp_path / "digits").write_text(TINY)
    assert load_config("digits").name == "tiny"


@pytest.mark.parametrize("name", sorted(find_packaged_configs()))
def test_every_packaged_config_is_right_and_bears_its_name(name):
    assert load_config(name).name == name


@pytest.mark.parametrize(
    ("given", "near"), [("digit", "digits"), ("configs/cat_poswis.yaml", "cat_poswise")]
)
def test_a_missing_config_gets_the_nearest_name(given, near):
    with pytest.raises(UsageError) as caught:
        find_config(given)
    assert str(caught.value).startswith(
        f"{given}: no such file, and no packaged config of that name"
    )
    assert f"Did you mean {near!r}?" in str(caught.value)


def test_a_folder_is_reported_to_be_one(tmp_path):
    with pytest.raises(UsageError, match="is a folder: give a YAML file in it"):
        find_config(str(tmp_path))


def test_a_file_that_is_no_text_is_reported_to_be_none(tmp_path):
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe\x00name")
    with pytest.raises(UsageError, match=r"c\.yaml: can't be read as text"):
        load_config(str(tmp_path / "c.yaml"))


def test_messages_call_a_file_as_it_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(TINY.replace("0.5}", "-1}", 1))
    with pytest.raises(UsageError) as caught:
        load_config("./c.yaml")
    assert str(caught.value) == "./c.yaml:7:34: optimizers.0.lr: must be > 0 (got -1)"
