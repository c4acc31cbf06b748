"""gfopt check: lines for people, JSON for programs, exit codes."""

import json

import pytest

PASSED = "ok    "


def test_a_registered_optimizer_passes_line_by_line(gfopt):
    done = gfopt("check", "position_wise")
    assert done.exit_code == 0
    *lines, summary = done.stdout.splitlines()
    assert all(line.startswith(PASSED) for line in lines)
    assert f"{PASSED}deterministic" in lines
    assert summary == f"position_wise: {len(lines)} passed"


def test_a_broken_promise_is_a_sentence_and_exit_code_4(gfopt):
    gfopt.optimizer("state['b1'] += 1\nreturn dict(state)")
    done = gfopt("check", "mine.py")
    assert done.exit_code == 4
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("FAIL  ")]
    assert "state not modified in place: step changed b1 in place" in line
    assert done.stdout.splitlines()[-1] == "mine.py: 1 failed, 12 passed"


def test_an_error_has_its_line_and_debug_shows_the_traceback(gfopt):
    gfopt.optimizer("raise ValueError('no [idea]')")
    done = gfopt("check", "mine.py", "--debug")
    assert done.exit_code == 4
    assert "complete state: step raised ValueError: no [idea] (mine.py:11)" in done.stdout
    assert "--    deterministic: skipped (requires: complete state)" in done.stdout
    assert "mine.py: 1 failed, 2 passed, 10 skipped" in done.stdout
    assert 'File "mine.py", line 11, in step' in done.stderr


def test_json_has_every_result_and_stdout_nothing_else(gfopt):
    gfopt.optimizer("print('hello')\nreturn dict(state)")
    done = gfopt("check", "mine.py", "--json")
    assert done.exit_code == 4
    results = json.loads(done.stdout)
    assert all(result.keys() == {"check", "holds", "sentence"} for result in results)
    assert [r["check"] for r in results if r["holds"] is False] == ["parameters change"]
    assert "hello" in done.stderr


def test_hyperparameters_are_set_as_in_a_config(gfopt):
    gfopt.optimizer()
    done = gfopt("check", "mine.py", "--set", "lr=1e30")
    assert done.exit_code == 4
    assert "FAIL  finite numbers" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "facts"),
    [
        (["position_wis"], ["unknown optimizer 'position_wis'", "'position_wise'?"]),
        (["nowhere.py"], ["nowhere.py: no such file"]),
        (["empty.py"], ["empty.py: ", "gfopt.Optimizer", "init and step"]),
        (["position_wise", "--set", "lr=-1"], ["position_wise: lr: must be > 0 (got -1)"]),
        (["position_wise", "--set", "rl=1"], ["position_wise: rl: unknown key 'rl'"]),
        (["position_wise", "--set", "lr"], ["--set lr: write KEY=VALUE"]),
        (["needy.py"], ["needy.py: lr: ", "missing", "--set KEY=VALUE"]),
    ],
)
def test_an_unknown_optimizer_or_hyperparameter_is_a_usage_error(gfopt, words, facts):
    gfopt.optimizer(name="needy.py")
    needy = gfopt.folder / "needy.py"
    needy.write_text(needy.read_text().replace("lr: float = 0.1", "lr: float"))
    (gfopt.folder / "empty.py").write_text("x = 1\n")
    done = gfopt("check", *words)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert all(fact in done.stderr for fact in facts)
    assert done.stdout == ""
