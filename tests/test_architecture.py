"""The architecture as tests: imports point one way, the reading side needs no torch, rules cite."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gfopt
from gfopt.optimizers import optimizers

PACKAGE = Path(gfopt.__file__).parent
# From what everything may use to what uses everything. A module imports only from lines above its
# own, or from its own line.
LAYERS = [
    ["errors", "registry", "options", "space"],
    [
        "activations",
        "losses",
        "cosine",
        "rng",
        "device_noise",
        "initializers",
        "clock",
        "target",
        "records",
    ],
    ["problem", "outcomes", "progress", "tally", "batches", "datasets", "kernels"],
    ["optimizers"],
    ["compiled", "graphs"],
    ["config"],
    ["paths"],
    ["environment", "surroundings", "identity", "task"],
    ["frozen", "readings"],
    ["engine"],
    ["plans", "recording", "tryout"],
    ["runs"],
    ["probe", "statistics", "timing", "rows"],
    ["costs", "pairs"],
    ["cautions", "findings"],
    ["notes"],
    ["tables", "formats", "pictures", "plots"],
    ["terminal", "race"],
    ["api", "reproduction", "benchmark", "comparing", "checking", "tuning"],
    ["cli"],
    ["__init__", "__main__"],
]
RANK = {name: i for i, layer in enumerate(LAYERS) for name in layer}


def modules():
    return sorted(p for p in PACKAGE.rglob("*.py") if "templates" not in p.parts)


def part(path):
    """The top-level part of gfopt that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    """The parts of gfopt that a file imports, wherever in the file; type-checking imports aside."""
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in typing_only:
            names = (
                [f"{node.module}.{a.name}" for a in node.names]
                if node.module == "gfopt"
                else [node.module]
            )
            yield from (n.split(".")[1] for n in names if n and n.startswith("gfopt."))


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    own = part(path)
    upward = [name for name in imported(path) if name in RANK and RANK[name] > RANK[own]]
    assert upward == []


def test_every_part_of_the_package_has_its_layer():
    assert {part(path) for path in modules()} == set(RANK)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_are_short_and_say_what_they_are(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 300
    assert ast.get_docstring(ast.parse(text)) or not text


@pytest.mark.parametrize("name", list(optimizers))
def test_every_rule_cites_its_source_and_says_its_cost(name):
    text = inspect.getdoc(sys.modules[optimizers[name].__module__])
    assert re.search(r"^Source: ", text, re.MULTILINE)
    assert "Cost per" in text


READING_SIDE = [
    "gfopt.cli.app", "gfopt.config.finding", "gfopt.plans", "gfopt.runs", "gfopt.race",
    "gfopt.tables", "gfopt.formats", "gfopt.plots", "gfopt.optimizers.gradient_descent",
    "gfopt.optimizers.torch_optim", "gfopt.comparing.command", "gfopt.comparing.document",
]  # fmt: skip


def loaded_after(code):
    """The top-level packages that a fresh interpreter has loaded after some code."""
    show = "import sys; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}\n{show}"], capture_output=True, text=True, check=True
    )
    return set(ran.stdout.split())


@pytest.mark.parametrize("module", READING_SIDE)
def test_what_only_reads_loads_neither_torch_nor_matplotlib(module):
    assert not loaded_after(f"import {module}") & {"torch", "matplotlib", "sklearn", "torchvision"}


def test_looking_up_every_registered_name_loads_no_torch():
    code = """
from gfopt.optimizers import optimizers
from gfopt.datasets import datasets
from gfopt.losses import losses
from gfopt.initializers import initializers
assert all(map(len, (optimizers, datasets, losses, initializers)))
"""
    assert "torch" not in loaded_after(code)


def test_only_the_command_line_prints_or_exits():
    offenders = [
        path.name
        for path in modules()
        if part(path) not in ("cli", "terminal")
        and re.search(r"\bprint\(|sys\.exit|typer\.Exit", path.read_text("utf-8"))
    ]
    assert offenders == []
