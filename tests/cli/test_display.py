"""Progress on stderr: refreshed now and then, and a line for each end."""

import io
import time

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from gfopt.cli.display import LiveLines, PlainLines, Throttle, describe_work
from gfopt.config.packaged_configs import load_config
from gfopt.runner.plan import plan_runs
from gfopt.runner.settings import RunSettings
from tests.record_factory import history, missed


@pytest.fixture
def clock(monkeypatch):
    """The seconds that time.monotonic gives, in a list of one."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def runs(gfopt):
    """The experiment of the tiny config, and its one run."""
    experiment = load_config(gfopt.config())
    return experiment, plan_runs(experiment, RunSettings(device="cpu"))


def test_a_throttle_lets_through_once_in_its_interval(clock):
    throttle, eager = Throttle(10.0), Throttle(10.0, first=True)
    assert (throttle.is_due(), eager.is_due()) == (False, True)
    clock[0] += 10
    assert (throttle.is_due(), eager.is_due()) == (True, True)
    clock[0] += 9.9
    assert (throttle.is_due(), eager.is_due()) == (False, False)


def follow(lines, runs, clock):
    """A run of three evaluations, a minute apart, that misses its target."""
    experiment, due = runs
    lines.begin(experiment, due, 0)
    for evaluation in history([2.0, 1.5, 1.0]):
        clock[0] += 60
        lines.evaluate(due[0], evaluation)
    lines.end(missed(label="gradient_descent", epochs=2.0))


def test_plain_lines_have_the_start_the_progress_and_the_end(runs, clock):
    out = io.StringIO()
    follow(PlainLines(Console(file=out, width=200)), runs, clock)
    first, *progress, last = out.getvalue().splitlines()
    assert first == "tiny: 1 to run, 0 cached"
    assert len(progress) == 3
    assert all(word in progress[-1] for word in ("gradient_descent seed 1", "epoch 2", "loss 1,"))
    assert "1000 epochs" in last


def test_live_lines_leave_the_start_and_the_end(runs, clock):
    out = io.StringIO()
    console = Console(file=out, width=200)
    columns = TextColumn("{task.description}"), TextColumn("{task.fields[progress]}")
    with Progress(*columns, console=console, auto_refresh=False) as progress:
        follow(LiveLines(progress), runs, clock)
        assert progress.tasks == []
    assert "tiny: 1 to run, 0 cached" in out.getvalue()
    assert "gradient_descent seed 1: " in out.getvalue()


def test_nothing_to_run_is_one_line_and_users_files_are_named(gfopt, runs):
    experiment, _ = runs
    assert describe_work(experiment, [], 3).startswith("tiny: all 3 runs are cached")
    experiment = load_config(gfopt.optimizer())
    work = describe_work(experiment, plan_runs(experiment, RunSettings(device="cpu")), 0)
    assert "mine.py" in work
