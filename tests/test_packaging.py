"""The wheel: what travels in it, and what doesn't."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names of the files in a wheel built from a copy of the sources."""
    pytest.importorskip("hatchling", reason="needs the build backend: pip install hatchling")
    place = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, place)
    for name in ("gfopt", "configs"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = "from hatchling.build import build_wheel; print(build_wheel('.'))"
    subprocess.run([sys.executable, "-c", build], cwd=place, check=True, capture_output=True)
    return next(place.glob("*.whl"))


def test_every_file_of_the_package_and_every_config_travel_in_the_wheel(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    package = {
        str(path.relative_to(ROOT)) for path in (ROOT / "gfopt").rglob("*") if path.is_file()
    }
    package = {name for name in package if "__pycache__" not in name}
    configs = {f"gfopt/configs/{path.name}" for path in (ROOT / "configs").glob("*.yaml")}
    assert {"gfopt/py.typed", "gfopt/configs/digits.yaml"} <= package | configs
    assert {"gfopt/templates/compare.yml", "gfopt/studies/reproduce/claims.yaml"} <= package
    assert package | configs <= names


def test_data_tests_and_results_do_not_travel(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if not name.startswith(("gfopt/", "gfopt-"))]


def test_an_installed_wheel_finds_its_configs_by_name(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    ran = subprocess.run(
        [sys.executable, "-m", "gfopt", "list", "configs"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "mnist_poswise" in ran.stdout
