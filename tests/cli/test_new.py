"""gfopt new: a config and a rule that run as they are."""

import pytest


def test_what_new_writes_runs_as_it_is(gfopt):
    made = gfopt("new", "demo")
    assert made.stdout == "demo.yaml\ndemo_rule.py\n"
    assert made.stderr == "next: gfopt check demo_rule.py, gfopt run demo.yaml\n"
    done = gfopt("run", "demo.yaml", "--seeds", "1", "--require-target")
    assert done.exit_code == 0
    assert "runs your file demo_rule.py" in done.stderr
    assert "mine" in done.stdout


def test_the_rule_that_new_writes_is_commented(gfopt):
    gfopt("new", "demo")
    assert "#" in (gfopt.folder / "demo.yaml").read_text()
    assert '"""demo: ' in (gfopt.folder / "demo_rule.py").read_text()


def test_a_folder_is_made(gfopt):
    assert gfopt("new", "demo", "--folder", "a/b").exit_code == 0
    assert (gfopt.folder / "a/b/demo_rule.py").is_file()


def test_nothing_is_overwritten(gfopt):
    (gfopt.folder / "demo_rule.py").write_text("precious")
    done = gfopt("new", "demo")
    assert done.exit_code == 2
    assert done.stderr == "error: demo_rule.py: there already; give another NAME\n"
    assert (gfopt.folder / "demo_rule.py").read_text() == "precious"
    assert not (gfopt.folder / "demo.yaml").exists()


@pytest.mark.parametrize("name", ["a b", "../up", "3d", "a.b", ""])
def test_a_name_that_is_no_word_is_refused(gfopt, name):
    done = gfopt("new", name)
    assert done.exit_code == 2
    assert "NAME: letters, digits and _ only" in done.stderr


def test_a_folder_that_can_not_be_made_is_told(gfopt):
    (gfopt.folder / "afile").write_text("in the way")
    done = gfopt("new", "demo", "--folder", "afile/deeper")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: afile/deeper: ")
