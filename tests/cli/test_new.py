"""gfopt new: a config and an optimizer that run as they are."""

import pytest


def test_what_new_writes_runs_as_it_is(gfopt):
    done = gfopt("new", "demo")
    assert done.stdout == "demo.yaml\ndemo_optimizer.py\n"
    for command in ("gfopt check demo_optimizer.py", "gfopt run demo.yaml"):
        assert command in done.stderr
    checked = gfopt("check", "demo_optimizer.py")
    assert checked.exit_code == 0
    assert "demo_optimizer.py: 13 passed" in checked.stdout
    run = gfopt("run", "demo.yaml", "--seeds", "1", "--require-target")
    assert run.exit_code == 0
    assert "demo_optimizer.py" in run.stderr
    assert "mine" in run.stdout


def test_both_files_are_commented(gfopt):
    gfopt("new", "demo")
    assert "#" in (gfopt.folder / "demo.yaml").read_text()
    assert (gfopt.folder / "demo_optimizer.py").read_text().startswith('"""demo: ')


def test_a_missing_folder_is_created(gfopt):
    assert gfopt("new", "demo", "--folder", "a/b").exit_code == 0
    assert (gfopt.folder / "a/b/demo_optimizer.py").is_file()


def test_nothing_is_overwritten(gfopt):
    (gfopt.folder / "demo_optimizer.py").write_text("precious")
    done = gfopt("new", "demo")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: demo_optimizer.py already exists")
    assert (gfopt.folder / "demo_optimizer.py").read_text() == "precious"
    assert not (gfopt.folder / "demo.yaml").exists()


@pytest.mark.parametrize("name", ["a b", "../up", "3d", "a.b", ""])
def test_a_name_that_is_no_word_is_refused(gfopt, name):
    done = gfopt("new", name)
    assert done.exit_code == 2
    assert "letters, digits and _ only" in done.stderr
    assert repr(name) in done.stderr


def test_a_folder_that_can_not_be_created_is_an_error(gfopt):
    (gfopt.folder / "afile").write_text("in the way")
    done = gfopt("new", "demo", "--folder", "afile/deeper")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: afile/deeper: ")
