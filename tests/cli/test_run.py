"""gfopt run: due runs are run, the table goes to stdout, progress to stderr."""

import json

import numpy as np
import pytest

import gfopt as package
from gfopt.errors import UsageError

from .conftest import DATA

CONVOLUTION = """\
import torch
from torch import nn


def make_model(channels=2):
    return nn.Sequential(
        nn.Conv2d(1, channels, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36 * channels, 10)
    )


def train_step(model, batch, state):
    if "optimizer" not in state:
        state["optimizer"] = torch.optim.SGD(model.parameters(), lr=0.5)
    state["optimizer"].zero_grad()
    nn.functional.cross_entropy(model(batch.x), batch.y).backward()
    state["optimizer"].step()
"""


def test_the_table_is_on_stdout_and_progress_on_stderr(gfopt):
    done = gfopt("run", gfopt.config())
    assert done.exit_code == 0
    assert "gradient_descent" in done.stdout
    assert "to run" not in done.stdout
    assert "tiny: 1 to run, 0 cached" in done.stderr
    assert "gradient_descent seed 1: ended after 2 epochs" in done.stderr
    assert "results/tiny/table.md" in done.stderr


@pytest.mark.usefixtures("rendered")
def test_a_run_leaves_record_history_weights_table_and_picture(gfopt):
    gfopt("run", gfopt.config())
    results = gfopt.folder / "results" / "tiny"
    assert {path.name for path in results.iterdir()} == {
        "runs",
        "table.csv",
        "table.md",
        "costs.csv",
        "curves.png",
        "pairs.csv",
        "runs.csv",
    }
    assert (results / "curves.png").read_bytes().startswith(b"\x89PNG")
    (run,) = (results / "runs").iterdir()
    assert {path.name for path in run.iterdir()} == {
        "record.json",
        "history.csv",
        "weights.safetensors",
    }
    assert json.loads((run / "record.json").read_text())["id"] == run.name
    assert len((run / "history.csv").read_text().splitlines()) == 1 + 3  # epochs 0, 1, 2


def test_quiet_says_nothing_on_stderr(gfopt):
    done = gfopt("run", gfopt.config(), "--quiet")
    assert done.stderr == ""
    assert "gradient_descent" in done.stdout


def test_json_holds_table_and_records(gfopt):
    done = gfopt("run", gfopt.config(), "--json", "--seeds", "1,3")
    (found,) = json.loads(done.stdout)
    assert found["experiment"] == "tiny"
    assert [(r["label"], r["seed"], r["epochs"]) for r in found["records"]] == [
        ("gradient_descent", 1, 2.0),
        ("gradient_descent", 3, 2.0),
    ]
    assert len(found["table"]) > 0
    assert found["failed"] == []


def test_the_same_command_again_runs_nothing_and_says_so(gfopt):
    first = gfopt("run", gfopt.config())
    written = {p: p.stat().st_mtime_ns for p in gfopt.folder.rglob("*") if p.is_file()}
    again = gfopt("run", "tiny.yaml")
    assert "nothing to run" in again.stderr
    assert "--force" in again.stderr
    assert again.stdout == first.stdout
    assert {p: p.stat().st_mtime_ns for p in written} == written


def test_only_due_runs_are_run(gfopt):
    gfopt("run", gfopt.config())
    more = gfopt("run", "tiny.yaml", "--seeds", "1-2", "--set", "optimizers.0.label=gd")
    assert "tiny: 1 to run, 1 cached" in more.stderr
    assert "gd seed 2: ended after" in more.stderr


def test_force_repeats_all(gfopt):
    gfopt("run", gfopt.config())
    assert "1 to run, 0 cached" in gfopt("run", "tiny.yaml", "--force").stderr


def test_only_an_edited_optimizer_runs_again(gfopt):
    gfopt("run", gfopt.optimizer())
    rule = gfopt.folder / "mine.py"
    rule.write_text(rule.read_text().replace("self.lr *", "0.5 *"))
    again = gfopt("run", "tiny.yaml")
    assert "tiny: 1 to run, 1 cached" in again.stderr
    assert "runs your file mine.py" in again.stderr
    assert "mine seed 1: ended after" in again.stderr


def test_an_edit_of_an_optimizer_is_what_runs(gfopt):
    before = gfopt.records(gfopt.optimizer())["mine"]["loss"]
    rule = gfopt.folder / "mine.py"
    rule.write_text(rule.read_text().replace("float = 0.1", "float = 0.2"))  # of the same length
    assert gfopt.records("tiny.yaml")["mine"]["loss"] != before


def test_an_optimizer_written_out_does_what_the_built_in_does(gfopt):
    records = gfopt.records(gfopt.optimizer(), "--set", "optimizers.0.lr=0.5")
    assert records["mine"]["loss"] == records["gradient_descent"]["loss"]


def test_several_configs_run_one_after_the_other(gfopt):
    gfopt.config()
    gfopt.config(("name: tiny", "name: other"), name="other.yaml")
    found = json.loads(gfopt("run", "tiny.yaml", "other.yaml", "--json").stdout)
    assert [part["experiment"] for part in found] == ["tiny", "other"]


def test_results_go_where_out_says(gfopt):
    gfopt("run", gfopt.config(), "--out", "elsewhere")
    assert (gfopt.folder / "elsewhere" / "tiny" / "table.csv").is_file()
    assert not (gfopt.folder / "results").exists()


def test_threads_are_recorded_and_change_no_id(gfopt):
    record = gfopt.records(gfopt.config(), "--threads", "1")["gradient_descent"]
    assert record["environment"]["threads"] == 1
    assert "nothing to run" in gfopt("run", "tiny.yaml", "--threads", "2").stderr


def test_a_reached_target_ends_a_run(gfopt):
    target = ("budget: {epochs: 2}", "target: {valid_accuracy: 0.2}\nbudget: {epochs: 50}")
    record = gfopt.records(gfopt.config(target), "--require-target")["gradient_descent"]
    assert record["status"] == "reached"
    assert record["valid_accuracy"] >= 0.2
    assert record["epochs"] < 50


def test_a_required_target_that_is_missed_exits_with_4(gfopt):
    config = gfopt.config(("loss: ", "target: {train_loss: 0.001}\nloss: "))
    done = gfopt("run", config, "--require-target")
    assert done.exit_code == 4
    assert "target not reached by gradient_descent seed 1 (budget)" in done.stderr
    assert gfopt("run", config).exit_code == 0


def test_a_required_target_needs_one(gfopt):
    done = gfopt("run", gfopt.config(), "--require-target")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: --require-target: tiny has no target: ")


def test_adam_in_mini_batches_is_evaluated_between_epochs(gfopt):
    config = gfopt.config(
        ("{name: gradient_descent, lr: 0.5}", "{name: adam, lr: 0.01, batch_size: 4}"),
        ("budget: {epochs: 2}", "budget: {epochs: 2}\nevaluate_every: 10 updates"),
    )
    record = gfopt.records(config)["adam"]
    history = next(gfopt.folder.rglob("history.csv")).read_text().splitlines()[1:]
    assert [float(line.split(",")[0]) for line in history] == pytest.approx(
        [0, 10 / 15, 20 / 15, 2]
    )
    assert record["updates"] == 30
    assert float(history[-1].split(",")[2]) < float(history[0].split(",")[2])


def test_a_module_with_a_convolution_races_beside_the_built_ins(gfopt):
    (gfopt.folder / "conv.py").write_text(CONVOLUTION)
    entry = "  - {file: conv.py, channels: 3, batch_size: 8, label: conv}\n"
    records = gfopt.records(gfopt.config(("optimizers:\n", "optimizers:\n" + entry)))
    assert records["conv"]["status"] == "budget"
    assert records["conv"]["updates"] == 2 * 8  # the last batch has 4 of 60 samples
    assert records["conv"]["loss"] < 2.302
    assert records["conv"]["forward_passes"] is None  # its passes are its own: not counted
    assert records["gradient_descent"]["forward_passes"] == 2 * 60


def test_an_own_npz_is_a_data_set(gfopt):
    x = np.random.RandomState(0).standard_normal((20, 3))
    np.savez(gfopt.folder / "mine.npz", x=x, y=(x[:, 0] > 0).astype(int))
    config = gfopt.config((DATA, "{file: mine.npz, validation: 5}"))
    record = gfopt.records(config)["gradient_descent"]
    assert record["dataset"] == "mine"
    assert record["valid_accuracy"] in [n / 5 for n in range(6)]


def test_an_own_csv_is_a_data_set(gfopt):
    (gfopt.folder / "mine.csv").write_text("a,price,b\n1,0.5,2\n2,1.5,1\n3,2.5,5\n")
    data = (DATA, "{file: mine.csv, target: price, scale: standard}")
    record = gfopt.records(gfopt.config(data, ("cross_entropy", "mse")))["gradient_descent"]
    assert record["train_accuracy"] is None
    assert np.isfinite(record["loss"])


def test_without_a_config_the_digits_are_raced(gfopt):
    done = gfopt("run", "--seeds", "1", "--set", "budget.epochs=1", "--json")
    (found,) = json.loads(done.stdout)
    assert found["experiment"] == "digits"
    assert len(found["records"]) == 7


OLD_AND_NEW = [("numba", "numba"), ("compiled", "numba"), ("plain", "plain"), ("auto", "plain")]


@pytest.mark.parametrize(("given", "backend"), OLD_AND_NEW)
@pytest.mark.parametrize("option", ["--backend", "--path"])
def test_a_backend_has_an_old_name_and_so_has_its_option(
    gfopt, monkeypatch, option, given, backend
):
    """A plan names the backend; the plain run is cached. Nothing is compiled here."""
    monkeypatch.setattr("gfopt.runner.probe.probe_epochs", lambda *_: [])
    gfopt("run", gfopt.config())
    done = gfopt("plan", "tiny.yaml", option, given, "--set", "optimizers.0.label=gd")
    assert f"backend: {backend} (" in done.stdout
    assert f"tiny: {int(backend != 'plain')} to run" in done.stdout


@pytest.mark.parametrize(("given", "backend"), OLD_AND_NEW)
def test_a_backend_from_python_has_an_old_name_too(monkeypatch, given, backend):
    asked = []
    monkeypatch.setattr("gfopt.api.run_experiment", lambda _, settings, __: asked.append(settings))
    package.run("digits", backend=given)
    package.run("digits", path=given)
    expected = given if given == "auto" else backend
    assert [settings.backend for settings in asked] == [expected, expected]


@pytest.mark.parametrize("given", [{"backend": "x"}, {"path": "x"}])
def test_an_unknown_backend_from_python_is_an_error_before_anything_runs(gfopt, given):
    config = gfopt.config()
    with pytest.raises(UsageError, match=r"unknown backend 'x'\. Known: auto, cuda_graph, numba"):
        package.run(config, **given)
    assert not (gfopt.folder / "results").exists()
