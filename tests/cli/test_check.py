"""gfopt check: lines for people, verdicts for machines, exit codes."""

import json

import pytest

MARKS = ("ok    ", "FAIL  ", "--    ")


def test_a_rule_by_name_passes_line_by_line(gfopt):
    done = gfopt("check", "position_wise")
    assert done.exit_code == 0
    *lines, summary = done.stdout.splitlines()
    assert all(line.startswith("ok    ") for line in lines)
    assert "ok    same seed, same bits" in lines
    assert summary == f"position_wise: all {len(lines)} checks hold"


def test_what_new_writes_passes(gfopt):
    gfopt("new", "demo")
    done = gfopt("check", "demo_rule.py")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-1].startswith("demo_rule.py: all ")


def test_a_broken_promise_is_a_sentence_and_exit_code_4(gfopt):
    gfopt.rule("state['b1'] += 1\nreturn dict(state)")
    done = gfopt("check", "mine.py")
    assert done.exit_code == 4
    wanted = "FAIL  the given state is left alone: step changed b1 in place: make new tensors"
    assert wanted in done.stdout.splitlines()
    assert "mine.py: 1 of 13 checks failed" in done.stdout


def test_what_a_rule_raises_is_told_with_its_line_and_debug_shows_where(gfopt):
    gfopt.rule("raise ValueError('no [idea]')")
    done = gfopt("check", "mine.py")
    assert done.exit_code == 4
    assert "state: step raised ValueError: no [idea] (mine.py:11)" in done.stdout
    assert "--    same seed, same bits: not made, it needs: init and step" in done.stdout
    assert done.stderr == ""
    assert 'File "mine.py", line 11, in step' in gfopt("check", "mine.py", "--debug").stderr


def test_machines_get_every_verdict(gfopt):
    gfopt.rule("print('hello')\nreturn dict(state)")
    done = gfopt("check", "mine.py", "--json")
    assert done.exit_code == 4
    verdicts = json.loads(done.stdout)
    assert all(v.keys() == {"check", "holds", "sentence"} for v in verdicts)
    assert [v["check"] for v in verdicts if v["holds"] is False] == ["parameters move"]
    assert "hello" in done.stderr


def test_options_are_set_as_in_a_config(gfopt):
    gfopt.rule()
    done = gfopt("check", "mine.py", "--set", "lr=1e30")
    assert done.exit_code == 4
    assert "FAIL  numbers stay finite" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["position_wis"], "unknown optimizer 'position_wis'. Did you mean 'position_wise'?"),
        (["nowhere.py"], "nowhere.py: no such file"),
        (["empty.py"], "empty.py: holds no rule"),
        (["position_wise", "--set", "lr=-1"], "position_wise: lr: must be > 0 (got -1)"),
        (["position_wise", "--set", "rl=1"], "position_wise: rl: unknown key 'rl'"),
        (["position_wise", "--set", "lr"], "--set lr: write KEY=VALUE"),
        (["needy.py"], "needy.py: lr: this key is missing\ngive options by --set KEY=VALUE"),
    ],
)
def test_what_is_no_rule_or_no_option_is_a_usage_error(gfopt, words, said):
    gfopt.rule(name="needy.py")
    needy = gfopt.folder / "needy.py"
    needy.write_text(needy.read_text().replace("lr: float = 0.1", "lr: float"))
    (gfopt.folder / "empty.py").write_text("x = 1\n")
    done = gfopt("check", *words)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {said}")
    assert done.stdout == ""
