"""gfopt tune: as many trials for every optimizer at the same cost, then all run with the best.

Most tests look at one tuning, which is run once and copied.
"""

import csv
import json
import shutil
import sys
from pathlib import Path

import pytest

from gfopt.config.packaged_configs import load_config
from gfopt.optimizers import optimizers
from gfopt.runner.identity import digest
from gfopt.studies.tune.trial_runner import TrialRunner

from .conftest import DATA, Gfopt, write_data

RACE = f"""\
name: tiny
dataset: {DATA}
model: {{hidden: [3]}}
loss: cross_entropy
optimizers:
  - {{name: gradient_descent, lr: 0.5, label: descent}}
  - {{name: adam, lr: 0.01}}
  - {{name: random_search, members: 4}}
target: {{train_loss: 2.2}}
budget: {{epochs: 8}}
seeds: 1-2
"""
TIMES = ("seconds",)  # what differs between two equal trials


def trials(folder):
    """trials.csv without what is a time."""
    with (folder / "tiny_tuned" / "trials.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]


@pytest.fixture
def tune(gfopt):
    gfopt.config(text=RACE)

    def command(*words, out="results"):
        return gfopt("tune", "tiny.yaml", "--trials", 4, "--out", out, *words)

    command.gfopt, command.folder = gfopt, gfopt.folder
    return command


@pytest.fixture(scope="module")
def once(tmp_path_factory, _render):
    """The folder of one tuning, with rendered figures, and its output."""
    folder = tmp_path_factory.mktemp("once")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("matplotlib.figure.Figure.savefig", _render)
        write_data(folder)
        (folder / "tiny.yaml").write_text(RACE)
        done = Gfopt(folder)("tune", "tiny.yaml", "--trials", 4)
    assert done.exit_code == 0, done.stderr
    return folder, done


@pytest.fixture
def tuned(tune, once):
    """The same in the test's own folder."""
    folder, tune.done = once
    shutil.copytree(folder, tune.folder, dirs_exist_ok=True)
    return tune


def test_it_leaves_table_config_curves_and_trials(tuned):
    assert "tiny_tuned · tiny · train_loss < 2.2" in tuned.done.stdout
    folder = tuned.folder / "results" / "tiny_tuned"
    for name in ("curves.png", "tuning.png"):
        picture = (folder / name).read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 10_000
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "config.yaml", "costs.csv", "curves.png", "pairs.csv", "runs",
        "runs.csv", "table.csv", "table.md", "trials.csv", "tuning.csv",
        "tuning.png", "tuning.sqlite3",
    }  # fmt: skip


def test_every_optimizer_has_as_many_trials_and_one_without_options_says_why_it_has_one(tuned):
    labels = [row["label"] for row in trials(tuned.folder / "results")]
    assert labels == ["descent"] * 4 + ["adam"] * 4 + ["random_search"]
    (line,) = [line for line in tuned.done.stderr.splitlines() if line.startswith("random_search:")]
    assert "nothing to tune" in line


def test_the_first_trial_is_the_configs_own_so_that_tuning_does_not_lose(tuned):
    rows = trials(tuned.folder / "results")
    for label in ("descent", "adam"):
        own, *others = [row for row in rows if row["label"] == label]
        assert own["options"] == "{}"
        assert all(json.loads(row["options"]).keys() == {"lr"} for row in others)


def test_no_trial_costs_more_than_its_budget(tune):
    assert tune("--budget", 6).exit_code == 0
    rows = trials(tune.folder / "results")
    by = {label: [r for r in rows if r["label"] == label] for label in ("descent", "random_search")}
    # 3 seeds, 6 passes: 3 epochs of a forward and a backward one; 2 generations of 4 members + 1
    cost = {(r["epochs"], r["passes"]) for r in by["descent"] if float(r["score"]) > 5 / 3}
    assert cost == {("9.0", "18.0")}  # a mean above 5 / 3: all three seeds missed
    assert [float(r["epochs"]) for r in by["random_search"]] == [6.0]


def test_the_config_it_writes_runs_on_its_own_and_has_nothing_left_to_do(tuned):
    path = tuned.folder / "results" / "tiny_tuned" / "config.yaml"
    assert path.read_text().startswith("# Made by `gfopt tune tiny.yaml --trials 4 --budget 16 ")
    again = tuned.gfopt("run", path)
    assert again.exit_code == 0
    assert "nothing to run" in again.stderr
    assert again.stdout == tuned.done.stdout


def test_that_config_has_the_conditions_of_the_one_it_came_from_and_the_best_options(tuned):
    folder = tuned.folder / "results" / "tiny_tuned"
    ours, given = load_config(str(folder / "config.yaml")), load_config("tiny.yaml")
    ran, asked = ours.conditions(), given.conditions()
    files = [Path(conditions["dataset"].pop("file")).resolve() for conditions in (ran, asked)]
    assert files == [tuned.folder / "tiny.npz"] * 2
    assert digest(ran) == digest(asked)
    assert (ours.name, ours.seeds) == ("tiny_tuned", given.seeds)
    for entry in ours.entries:
        rows = [r for r in trials(tuned.folder / "results") if r["label"] == entry.label]
        best = min(rows, key=lambda row: float(row["score"]))
        assert json.loads(best["options"]).items() <= entry.options.items()
        assert entry.tuned.trials == len(rows)
        assert entry.tuned.epochs == sum(float(row["epochs"]) for row in rows)
        assert entry.tuned.passes == pytest.approx(
            sum(float(row["passes"]) for row in rows), abs=1e-3
        )


def test_interrupted_and_run_again_it_continues_with_the_same_trials(tuned, monkeypatch):
    made, whole = [], TrialRunner.run_trial

    def interrupted(self, entry, number, *rest):
        if len(made) == 6:
            raise KeyboardInterrupt
        made.append(number)
        return whole(self, entry, number, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(TrialRunner, "run_trial", interrupted)
        stopped = tuned(out="other")
    assert stopped.exit_code == 130
    assert "repeat the command to continue" in stopped.stderr
    again = tuned(out="other")
    assert "descent: 4 of 4 trials cached" in again.stderr
    assert "adam: 2 of 4 trials cached" in again.stderr
    assert trials(tuned.folder / "other") == trials(tuned.folder / "results")


def test_finished_trials_are_not_run_again(tuned, monkeypatch):
    monkeypatch.setattr(TrialRunner, "run_trial", lambda *_: pytest.fail("a trial was run"))
    again = tuned()
    assert again.exit_code == 0
    assert again.stdout == tuned.done.stdout


def test_a_trial_that_raises_is_the_worst_and_the_others_go_on(tune, monkeypatch):
    whole = optimizers["adam"].step

    def step(self, problem, state, at):
        if self.lr != 0.01:
            raise ArithmeticError("out of luck")
        return whole(self, problem, state, at)

    monkeypatch.setattr(optimizers["adam"], "step", step)
    done = tune()
    assert done.exit_code == 0
    rows = [r for r in trials(tune.folder / "results") if r["label"] == "adam"]
    assert [row["score"] for row in rows[1:]] == ["2.0"] * 3
    assert {row["error"] for row in rows[1:]} == {"ArithmeticError: out of luck"}
    assert load_config("results/tiny_tuned/config.yaml").entries[1].options["lr"] == 0.01


def test_controls_are_tuned_like_all_others_and_stay_controls(tune):
    alone = "name: position_wise, lr: 0.5, label: descent"
    tune.gfopt.config(
        ("seeds: 1-2\n", "seeds: 1\ncontrols: standard\n"),
        ("name: gradient_descent, lr: 0.5, label: descent", alone),
        ("{name: adam, lr: 0.01}", "adam"),
        text=RACE,
    )
    assert tune("--trials", 2).exit_code == 0
    given = load_config("tiny.yaml")
    ours = load_config("results/tiny_tuned/config.yaml")
    assert [bool(e.control_of) for e in given.entries] == [False, True, False, *[True] * 5]
    in_lr = ("rate x 1.5", "rate x 2")  # they differ only in lr from the one at the same rate
    kept = [e for e in given.entries if not e.label.endswith(in_lr)]
    new = {"gradient descent, lr 0.5": "gradient descent"}  # its lr is tuned
    assert [e.label for e in ours.entries] == [new.get(e.label, e.label) for e in kept]
    assert [e.control_of for e in ours.entries] == [e.control_of for e in kept]
    assert [e.frozen_hidden for e in ours.entries] == [e.frozen_hidden for e in kept]


def test_a_users_optimizer_is_tuned_and_found_from_the_folder_of_the_new_config(tune):
    config = tune.gfopt.optimizer()
    (tune.folder / config).write_text(
        (tune.folder / config).read_text() + "target: {train_loss: 2.2}\ntune: {lr: [0.05, 5]}\n"
    )
    done = tune("--trials", 3)
    assert done.exit_code == 0, done.stderr
    written = load_config("results/tiny_tuned/config.yaml")
    assert [e.file and e.file.resolve() for e in written.entries] == [
        (tune.folder / "mine.py").resolve(),
        None,
    ]
    tried = [json.loads(r["options"]) for r in trials(tune.folder / "results")][1:3]
    assert all(0.05 <= options["lr"] <= 5 for options in tried)


def test_quiet_json_is_that_of_run_with_the_tuning_of_each_optimizer_and_nothing_else(tune):
    done = tune("--json", "-q", "--trials", 2, "--seeds", 1)
    assert done.stderr == ""
    (values,) = json.loads(done.stdout)
    assert values["experiment"] == "tiny_tuned"
    assert [(tuning["label"], tuning["trials"]) for tuning in values["tuning"]] == [
        ("descent", 2),
        ("adam", 2),
        ("random_search", 1),
    ]
    records = {record["label"]: record for record in values["records"]}
    assert records["adam"]["tuned"]["trials"] == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--tuning-seeds", "2-4"), "--tuning-seeds: 2 also in the config's seeds"),
        (("--seeds", "1001"), "--tuning-seeds: 1001 also in the config's seeds"),
        (("--tuning-seeds", "a"), "--tuning-seeds: write seeds as 1, 1-100 or 1,2,5-9 (got 'a')"),
        (("--tuning-seeds", "7,7"), "--tuning-seeds: seeds must differ"),
        (("--tuning-seeds", "5000000000"), "--tuning-seeds: Input should be less than"),
        (("--budget", "0"), "--budget: must be > 0 (got 0)"),
        (("--set", "target="), "tiny: tuning needs a target"),
        (("--set", "tune.rl=[1, 2]"), "tune.rl: unknown option 'rl'. Did you mean 'lr'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_tuned_fairly_is_refused_before_the_first_trial(tune, words, message):
    done = tune(*words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tune.folder / "results").exists()


def test_without_optuna_it_says_what_to_install(tune, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    done = tune()
    assert done.exit_code == 2
    assert "pip install 'gfopt[tune]'" in done.stderr
