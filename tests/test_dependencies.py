"""What gfopt imports is what it says that it needs."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import gfopt

PACKAGE = Path(gfopt.__file__).parent
PROJECT = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text("utf-8"))["project"]


def imported():
    """The top-level names of all packages that some file of gfopt imports."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.split(".")[0]


def named(requirements):
    """The distributions of requirements, those of extras left out."""
    lines = [line for line in requirements if "extra ==" not in line]
    return {normal(re.match(r"[\w.-]+", line)[0]) for line in lines}


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_that_is_imported_is_declared_or_comes_with_one_that_is():
    declared = named([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["tune"]])
    known = declared | {own for name in declared for own in named(requires(name) or [])}
    foreign = set(imported()) - set(sys.stdlib_module_names) - {"gfopt"}
    distributions = packages_distributions()
    missing = {n for n in foreign if not {normal(d) for d in distributions.get(n, [n])} & known}
    assert missing == set()
