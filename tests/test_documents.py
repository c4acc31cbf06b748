"""What the documents show works: commands run, YAML loads, Python executes, names are complete."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gfopt.activations import activations
from gfopt.cli import app
from gfopt.config.experiment import load
from gfopt.datasets import datasets
from gfopt.initializers import initializers
from gfopt.losses import losses
from gfopt.optimizers import optimizers

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")]


def blocks(language, text=README):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def commands(program):
    lines = [
        line
        for path in DOCUMENTS
        for b in blocks("sh", path.read_text("utf-8"))
        for line in b.splitlines()
    ]
    return [line.split("#")[0].strip() for line in lines if line.startswith(program)]


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_race.yaml").write_text(blocks("yaml")[0])
    return tmp_path


def test_every_gfopt_command_of_the_documents_runs_in_order(in_folder):
    found = commands("gfopt ")
    assert len(found) >= 6
    for command in found:
        ran = CliRunner().invoke(app, shlex.split(command)[1:])
        assert ran.exit_code == 0, f"{command}\n{ran.output}"


def test_every_make_target_of_the_documents_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", "".join(p.read_text("utf-8") for p in DOCUMENTS)))
    assert named
    assert named <= targets


def test_the_yaml_of_the_readme_loads():
    assert [load(text, "readme.yaml", Path()).name for text in blocks("yaml")] == ["my_race"]


def test_the_python_of_the_readme_runs(in_folder):
    rule, module, session = blocks("python")
    (in_folder / "my_rule.py").write_text(rule)
    (in_folder / "my_module.py").write_text(module)
    (in_folder / "own.yaml").write_text("""
dataset: {name: digits, scale: unit}
model: {hidden: [16]}
loss: cross_entropy
optimizers:
  - {file: my_rule.py, label: mine, lr: 0.3}
  - {file: my_module.py, label: module, batch_size: 200}
target: {valid_accuracy: 0.9}
budget: {epochs: 100}
""")
    assert CliRunner().invoke(app, ["run", "own.yaml", "--require-target", "-q"]).exit_code == 0
    exec(compile(session, "README.md", "exec"), {})
    assert (in_folder / "results" / "digits" / "table.md").is_file()


@pytest.mark.parametrize(
    "registry", [optimizers, datasets, losses, initializers, activations], ids=lambda r: r.kind
)
def test_the_readme_names_everything_that_is_registered(registry):
    row = next(
        line
        for line in README.splitlines()
        if line.startswith(
            f"| {registry.kind.replace('dataset', 'data set')}s |".replace("losss", "losses")
        )
    )
    assert [name for name in registry if not re.search(rf"\b{name}\b", row)] == []


def test_links_and_pictures_of_the_documents_exist():
    for path in DOCUMENTS:
        links = re.findall(r"\]\(([^)#]+)\)", path.read_text("utf-8"))
        missing = [
            link for link in links if not link.startswith("http") and not (ROOT / link).exists()
        ]
        assert missing == []


def test_the_readmes_counts_are_those_of_the_committed_tables():
    """The published column is the paper's; gfopt's must be what its own tables hold."""
    import csv

    rows = re.findall(
        r"^\| ([^|]*)\| (\w+) \| (\d+) \| (\d+) \| ([\d.]+) \|$", README, re.MULTILINE
    )
    assert len(rows) == 6
    race = ""
    for name, rule, _, epochs, loss in rows:
        race = name.split(",")[0].strip() or race
        with (ROOT / "results" / f"{race}_poswise" / "table.csv").open(encoding="utf-8") as file:
            row = next(r for r in csv.DictReader(file) if r["optimizer"] == rule)
        assert (float(row["epochs"]), round(float(row["loss"]), 5)) == (float(epochs), float(loss))
