"""The architecture as tests: allowed imports, no circle, no torch where records are read."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import gfopt
from gfopt.optimizers import optimizers

PACKAGE = Path(gfopt.__file__).parent
CONTRIBUTING = PACKAGE.parent / "CONTRIBUTING.md"


def modules():
    return sorted(p for p in PACKAGE.rglob("*.py") if "templates" not in p.parts)


def name_of(path):
    """gfopt.a.b of a file."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in modules()}


def imports_of(path):
    """The modules of gfopt that a file imports, anywhere in it, TYPE_CHECKING imports included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in FILES else node.module for name in inner}
    return {name for name in found if name in FILES}


IMPORTS = {name: imports_of(path) for name, path in FILES.items()}


def package_of(module):
    """A module's row in the table: its first folder (of studies the first two), or its name."""
    parts = module.split(".")[1:]
    if not parts:
        return "__init__"
    return "/".join(parts[:2]) if parts[0] == "studies" and len(parts) > 1 else parts[0]


def read_table():
    """Package -> packages that it may import, from the table in CONTRIBUTING.md."""
    text = CONTRIBUTING.read_text("utf-8").partition("## Where things are")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([\w/]+)` \|[^|]*\|([^|]*)\|$", text, re.MULTILINE)
    return {package: {n.strip() for n in names.split(",") if n.strip()} for package, names in rows}


ALLOWED = read_table()
ROOT = {
    "errors",
    "options",
    "registry",
    "search_space",
}  # for everyone; they import only each other
TOP = {"__init__", "__main__", "studies"}


def test_the_table_has_every_package():
    packages = {package_of(name) for name in FILES} - ROOT - TOP
    assert packages == set(ALLOWED)


@pytest.mark.parametrize("package", sorted({package_of(name) for name in FILES} - TOP))
def test_a_package_imports_only_what_its_row_allows(package):
    allowed = ROOT if package in ROOT else ALLOWED[package] | ROOT | {package}
    if "everything" in allowed:
        return
    # gfopt itself has the version and its folder; its public names are imported on demand
    forbidden = [
        f"{module} imports {name}"
        for module, found in IMPORTS.items()
        if package_of(module) == package
        for name in found - {"gfopt"}
        if package_of(name) not in allowed
    ]
    assert forbidden == []


def test_a_row_allows_no_import_that_nobody_needs():
    used = {package: set() for package in ALLOWED}
    for module, found in IMPORTS.items():
        if package_of(module) in used:
            used[package_of(module)] |= {package_of(name) for name in found}
    spare = {p: allowed - used[p] - {"everything"} for p, allowed in ALLOWED.items()}
    assert {package: names for package, names in spare.items() if names} == {}


def test_no_imports_run_in_a_circle():
    """At file level, imports inside functions and for type checking included.

    A package's __init__ stands for its own names only, so importing a sibling is no circle.
    """
    graph = {
        name: {other for other in found if not name.startswith(f"{other}.")}
        for name, found in IMPORTS.items()
        if name != "gfopt"
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"circle: {' -> '.join(error.args[1])}")


def test_the_packages_have_an_order():
    """No package is above another in one file and below it in the next."""
    graph = {}
    for module, found in IMPORTS.items():
        own = package_of(module)
        if own not in TOP:
            graph.setdefault(own, set()).update({package_of(n) for n in found} - {own} - TOP)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"circle: {' -> '.join(error.args[1])}")


def test_every_file_says_what_it_is():
    texts = {name: path.read_text("utf-8") for name, path in FILES.items()}
    assert [name for name, text in texts.items() if not ast.get_docstring(ast.parse(text))] == []


def test_no_file_imports_tests():
    pattern = re.compile(r"import_module\(\"tests|from tests|import tests")
    assert [n for n, path in FILES.items() if pattern.search(path.read_text("utf-8"))] == []


def test_no_class_has_the_name_of_another():
    homes = {}
    for name, path in FILES.items():
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, []).append(name)
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_every_optimizer_cites_its_source_and_says_its_cost():
    texts = {n: inspect.getdoc(sys.modules[kind.__module__]) for n, kind in optimizers.items()}
    assert [n for n, text in texts.items() if not re.search(r"^Source: ", text, re.M)] == []
    assert [n for n, text in texts.items() if "Cost per" not in text] == []


WITHOUT_TORCH = [
    "gfopt.cli.app", "gfopt.config.packaged_configs", "gfopt.runner.plan", "gfopt.runner.execute",
    "gfopt.runner.race", "gfopt.api", "gfopt.optimizers.gradient_descent",
    "gfopt.optimizers.torch_optim", "gfopt.studies.compare.run_compare",
    "gfopt.studies.compare.document",
    *(name for name in FILES if package_of(name) in ("analysis", "records", "report")),
]  # fmt: skip
HEAVY = {"torch", "matplotlib", "sklearn", "torchvision"}


def loaded_after(code):
    """The top-level packages that a fresh interpreter has loaded after some code."""
    show = "import sys; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True
    )
    return set(ran.stdout.split())


def test_what_only_reads_loads_neither_torch_nor_matplotlib():
    assert not loaded_after("\n".join(f"import {module}" for module in WITHOUT_TORCH)) & HEAVY


def test_looking_up_every_registered_name_loads_no_torch():
    code = """
from gfopt.backends import backends
from gfopt.optimizers import optimizers
from gfopt.datasets import datasets
from gfopt.model.losses import losses
from gfopt.model.initializers import initializers
assert all(map(len, (backends, optimizers, datasets, losses, initializers)))
"""
    assert "torch" not in loaded_after(code)


def test_only_the_command_line_prints_or_exits():
    offenders = [
        path.name
        for path in modules()
        if package_of(name_of(path)) != "cli"
        and path.name != "terminal.py"
        and re.search(r"\bprint\(|sys\.exit|typer\.Exit", path.read_text("utf-8"))
    ]
    assert offenders == []
