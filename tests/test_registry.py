"""Registries: one claim to a name, nearest names for a miss, packages by entry point."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest

from gfopt.errors import GfoptError, UsageError
from gfopt.registry import Registry


@pytest.fixture
def registry():
    made = Registry("rule")
    made.register("position_wise")(int)
    return made


def test_a_second_claim_to_a_name_is_an_error(registry):
    with pytest.raises(GfoptError, match="two rules have the name"):
        registry.register("position_wise")(str)


def test_a_miss_names_the_nearest_entry_and_all_of_them(registry):
    with pytest.raises(
        UsageError, match=r"unknown rule 'position_wis'\. Did you mean 'position_wise'"
    ):
        registry["position_wis"]


def test_a_miss_is_a_key_error_too(registry):
    assert registry.get("nothing") is None
    assert "nothing" not in registry


def test_an_entry_can_be_registered_for_the_length_of_a_block(registry):
    with registry.register_temporarily("mine", str):
        assert registry["mine"] is str
        with pytest.raises(GfoptError), registry.register_temporarily("mine", int):
            pass
        assert registry["mine"] is str
    assert list(registry) == ["position_wise"]


def test_an_installed_package_joins_by_its_entry_point(monkeypatch, tmp_path):
    (tmp_path / "somebodys.py").write_text("class Rule: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("theirs", "somebodys:Rule", "gfopt.rules")
    monkeypatch.setattr(
        "gfopt.registry.entry_points", lambda group: [point] if group == "gfopt.rules" else []
    )
    registry = Registry("rule")
    assert list(registry) == ["theirs"]
    assert registry["theirs"] is sys.modules["somebodys"].Rule


def test_a_file_in_the_package_is_registered_by_being_there(monkeypatch, tmp_path):
    (tmp_path / "rules_here").mkdir()
    (tmp_path / "rules_here" / "__init__.py").write_text(
        "from gfopt.registry import Registry\nrules = Registry('rule', 'rules_here')\n"
    )
    (tmp_path / "rules_here" / "one.py").write_text(
        "from rules_here import rules\n\n@rules.register('one')\nclass One: pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from rules_here import rules

    assert list(rules) == ["one"]
