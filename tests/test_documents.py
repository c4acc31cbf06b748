"""What the documents show works: commands run, YAML loads, Python executes, names are complete."""

from __future__ import annotations

import csv
import math
import re
import shlex
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from gfopt.cli import app
from gfopt.config.loading import load
from gfopt.datasets import datasets
from gfopt.model.activations import activations
from gfopt.model.initializers import initializers
from gfopt.model.losses import losses
from gfopt.optimizers import optimizers
from gfopt.studies.reproduce.loading import PACKAGED, load_claims

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


@pytest.fixture(scope="module")
def gfopt_script():
    """Run the installed console script."""

    def run(*words):
        script = Path(sys.executable).with_name("gfopt")
        return subprocess.run([script, *words], capture_output=True, text=True, check=True)

    return run


def test_the_documents_run_every_command_that_the_help_lists(gfopt_script):
    listed = re.findall(r"^  ([a-z]+)  +[A-Z]", gfopt_script("--help").stdout, re.MULTILINE)
    assert sorted(listed) == sorted(typer.main.get_command(app).commands)
    assert {command.split()[1] for command in commands("gfopt ")} == set(listed)


@pytest.mark.long
def test_every_gfopt_command_of_the_documents_runs_in_order(in_folder, gfopt_script):
    """The first one by the installed script, all others in this process."""
    first, *others = commands("gfopt ")
    shown = gfopt_script(*shlex.split(first)[1:]).stdout
    assert shown.count("\n") > 5
    (run, *_) = sorted((in_folder / "results/digits/runs").iterdir())
    for command in others:
        words = [run.name if word == "RUN" else word for word in shlex.split(command)[1:]]
        ran = CliRunner().invoke(app, words)
        assert ran.exit_code == 0, f"{command}\n{ran.output}"
    assert (in_folder / "weights.npz").is_file()


def test_every_make_target_of_the_documents_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", "".join(p.read_text("utf-8") for p in DOCUMENTS)))
    assert named
    assert named <= targets


def test_the_yaml_of_the_readme_loads():
    assert [load(text, "readme.yaml", Path()).name for text in blocks("yaml")] == ["my_race"]


@pytest.mark.long
def test_the_python_of_the_readme_runs(in_folder):
    optimizer, module, session = blocks("python")
    (in_folder / "my_optimizer.py").write_text(optimizer)
    (in_folder / "my_module.py").write_text(module)
    (in_folder / "own.yaml").write_text("""
dataset: {name: digits, scale: unit}
model: {hidden: [16]}
loss: cross_entropy
optimizers:
  - {file: my_optimizer.py, label: mine, lr: 0.3}
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


@pytest.mark.parametrize("page", ["controls", "leaderboard"])
def test_a_page_of_several_races_is_made_of_their_own_tables(page):
    text = "\n" + (ROOT / "results" / f"{page}.md").read_text("utf-8")
    found = re.findall(r"^# (\w+)\n\n(.*?)(?=\n^# |\Z)", text, re.MULTILINE | re.DOTALL)
    assert len(found) >= 2
    for race, section in found:
        assert section == (ROOT / "results" / race / "table.md").read_text("utf-8")


COMMITTED = sorted(path.parent for path in (ROOT / "results").glob("*/runs.csv"))


def lines(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("folder", COMMITTED, ids=lambda folder: folder.name)
def test_a_committed_table_is_that_of_its_runs(folder):
    """Counted here from runs.csv alone; a miss is infinite."""
    runs = [run for run in lines(folder / "runs.csv") if run["repeat"] == "1"]
    for row in lines(folder / "table.csv"):
        own = [run for run in runs if all(run[key] == row[key] for key in ("label", "target"))]
        epochs = [float(r["epochs"]) if r["status"] == "reached" else math.inf for r in own]
        assert len(own) == int(row["seeds"]) > 0
        assert sum(map(math.isfinite, epochs)) == int(row["reached"])
        assert statistics.median(epochs) == float(row["epochs"])


def reproduction():
    """The committed report's rows, by claim."""
    return {row["id"]: row for row in lines(ROOT / "results" / "reproduction.csv")}


def test_the_readmes_counts_and_verdicts_are_those_of_the_committed_report():
    """The published column is the paper's; gfopt's must be what its own report holds."""
    found = re.findall(r"^\| (\w*) \| (\w+) \| (\d+) \| (\d+) \| ([^|]+) \|$", README, re.MULTILINE)
    assert len(found) == 6
    race = ""
    for name, optimizer, published, epochs, verdict in found:
        race = name or race
        row = reproduction()[f"{race}-epochs-{optimizer.replace('_', '-')}"]
        assert (row["published"], float(row["ours"])) == (published, float(epochs))
        assert row["claim_supported"] == verdict


def test_the_committed_report_judges_every_packaged_claim():
    claims = load_claims(PACKAGED).claims
    assert list(reproduction()) == [claim.id for claim in claims]
    unjudged = [k for k, row in reproduction().items() if "not run" in row["claim_supported"]]
    assert unjudged == []


def test_the_readme_tells_as_many_verdicts_of_each_kind_as_the_report_holds():
    counts = Counter(row["claim_supported"] for row in reproduction().values())
    told = re.search(r"^(\d+) claims: (.+?)\.$", README, re.MULTILINE | re.DOTALL)
    assert int(told[1]) == counts.total()
    words = re.findall(r"(\d+) ([a-z -]+)", told[2].replace("\n", " "))
    assert {name.strip(): int(count) for count, name in words} == dict(counts)
