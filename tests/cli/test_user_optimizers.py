"""A user's optimizer that goes wrong: its runs fail with a sentence, the others go on."""

import pytest

BROKEN = "raise ValueError('no [idea]')"


def test_an_error_of_an_optimizer_has_its_line_and_the_others_go_on(gfopt):
    done = gfopt("run", gfopt.optimizer(BROKEN))
    assert done.exit_code == 3
    assert "error: mine, seed 1: ValueError: no [idea] (mine.py:11)" in done.stderr
    assert "gradient_descent seed 1: ended after 2 epochs" in done.stderr
    assert "gradient_descent" in (gfopt.folder / "results/tiny/table.csv").read_text()
    assert "gradient_descent" in done.stdout


def test_a_failed_run_is_reported_even_if_quiet_and_in_json(gfopt):
    done = gfopt("run", gfopt.optimizer(BROKEN), "--quiet", "--json")
    assert done.exit_code == 3
    assert done.stderr == "error: mine, seed 1: ValueError: no [idea] (mine.py:11)\n"
    assert '"mine, seed 1: ValueError: no [idea] (mine.py:11)"' in done.stdout


def test_a_failed_run_is_not_cached(gfopt):
    gfopt("run", gfopt.optimizer(BROKEN))
    gfopt.optimizer()
    again = gfopt("run", "tiny.yaml")
    assert again.exit_code == 0
    assert "1 to run, 1 cached" in again.stderr


def test_fail_fast_stops_at_the_first_failure(gfopt):
    done = gfopt("run", gfopt.optimizer(BROKEN), "--fail-fast")
    assert done.exit_code == 3
    assert "gradient_descent seed 1" not in done.stderr


def test_debug_shows_where(gfopt):
    done = gfopt("run", gfopt.optimizer(BROKEN), "--debug")
    assert "Traceback (most recent call last)" in done.stderr
    assert 'File "mine.py", line 11, in step' in done.stderr


def test_an_optimizer_that_returns_nan_has_diverged(gfopt):
    records = gfopt.records(
        gfopt.optimizer("return {k: v * float('nan') for k, v in state.items()}")
    )
    assert records["mine"]["status"] == "diverged"
    assert records["mine"]["epochs"] == 1
    assert gfopt("run", "tiny.yaml").exit_code == 0


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        ("pass", ["step must return the state", "a dict of tensors (got NoneType)"]),
        ("return [1]", ["step must return the state", "a dict of tensors (got list)"]),
        (
            "return dict.fromkeys(state, 1.0)",
            ["step must return the state", "a dict of tensors (got float)"],
        ),
        ("return {'W1': state['W1']}", ["step must return the whole state", "'b1' is missing"]),
        (
            "return {k: v[0] for k, v in state.items()}",
            ["step: 'W1'", "shape (1, 4, 64) (got (4, 64))"],
        ),
        ("state['b1'] += 1\nreturn state", ["step changed the state it was given (b1)"]),
        ("import sys\nsys.exit()", ["SystemExit"]),
        ("return state['nope']", ["KeyError: 'nope' (mine.py:11)"]),
    ],
)
def test_the_error_of_a_step_that_returns_no_state_says_what_is_wrong(gfopt, body, facts):
    done = gfopt("run", gfopt.optimizer(body))
    assert done.exit_code == 3
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert error.startswith("error: mine, seed 1: ")
    assert all(fact in error for fact in facts)


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("import torch\nx = 1 / 0\n", ["mine.py:2: ZeroDivisionError: division by zero"]),
        ("import nothing_of_this_name\n", ["mine.py:1: ModuleNotFoundError: No module named"]),
        ("x = 1\n", ["mine.py: ", "gfopt.Optimizer", "init and step"]),
        ("import sys\nsys.exit(0)\n", ["mine.py:2: SystemExit: 0"]),
        (
            "from gfopt import Optimizer\nclass A(Optimizer):\n    def init(self, *a): ...\n",
            ["mine.py: A has no step"],
        ),
        (
            "from gfopt import Optimizer\nclass A(Optimizer):\n    lr = 1\n",
            ["mine.py:2: PydanticUserError: A non-annotated attribute was detected: `lr = 1`"],
        ),
    ],
)
def test_a_file_without_an_optimizer_is_an_error_before_anything_runs(gfopt, text, facts):
    config = gfopt.optimizer()
    (gfopt.folder / "mine.py").write_text(text)
    done = gfopt("run", config)
    assert done.exit_code == 2
    assert all(fact in done.stderr for fact in ["error: mine.py", *facts])
    assert not list(gfopt.folder.rglob("record.json"))


def test_two_optimizers_in_a_file_are_one_too_many(gfopt):
    config = gfopt.optimizer()
    text = (gfopt.folder / "mine.py").read_text()
    (gfopt.folder / "mine.py").write_text(text + text.replace("Mine", "Yours"))
    done = gfopt("run", config)
    assert done.exit_code == 2
    assert all(fact in done.stderr for fact in ("error: mine.py", "2 ", "(Mine, Yours)"))


def test_options_of_a_users_optimizer_are_checked_strictly_and_all_together(gfopt):
    gfopt.optimizer()
    done = gfopt(
        "run", "tiny.yaml", "--set", "optimizers.0.lr='1'", "--set", "optimizers.0.momentm=1"
    )
    assert done.exit_code == 2
    assert "mine.py: lr: must be a number" in done.stderr
    assert "mine.py: momentm: unknown key 'momentm'" in done.stderr


def test_runs_that_ended_before_an_interruption_are_in_the_table(gfopt):
    gfopt.optimizer("raise KeyboardInterrupt")
    text = (gfopt.folder / "tiny.yaml").read_text()
    entry = "  - {file: mine.py, label: mine}\n"
    gfopt.config((entry, ""), ("budget", entry + "budget"), text=text)
    done = gfopt("run", "tiny.yaml")
    assert done.exit_code == 130
    assert done.stderr.splitlines()[-1].startswith("interrupted: finished runs are kept")
    assert len(list(gfopt.folder.rglob("record.json"))) == 1
    assert "gradient_descent" in (gfopt.folder / "results/tiny/table.csv").read_text()
    gfopt.config()
    assert "nothing to run" in gfopt("run", "tiny.yaml").stderr
