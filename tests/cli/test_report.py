from pathlib import Path

import pytest

from gfopt.cli.report import report
from gfopt.errors import UnknownNameError, UsageError
from gfopt.records.store import write_history, write_record
from gfopt.report.formats import formats
from gfopt.report.summary import summarise
from tests.record_factory import history, record


def store(folder, run):
    folder.mkdir(parents=True)
    write_record(folder, run)
    write_history(folder, history([2.0, 0.4]))


@pytest.fixture
def results(tmp_path):
    for name, run in (("9", record(label="a")), ("1", record(label="b", seed=2))):
        store(tmp_path / "results" / "digits" / "runs" / name, run)
    return tmp_path / "results"


@pytest.mark.parametrize("kind", sorted(formats))
def test_a_table_is_printed_by_label_whatever_the_folders_are_called(results, kind, capsys):
    report([results], kind)
    expected = formats[kind](summarise([record(label="a"), record(label="b", seed=2)]))
    assert capsys.readouterr().out == expected


def test_a_run_found_twice_counts_once(results, capsys):
    report([results, results / "digits", results / "digits" / "runs" / "9"], "csv")
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_folders_in_the_making_are_no_runs(results, capsys):
    store(results / "digits" / "runs" / ".making-x", record(label="c"))
    report([results], "csv")
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_table_is_written_into_a_file(results, tmp_path, capsys):
    report([results], "md", tmp_path / "new" / "table.md")
    assert (tmp_path / "new" / "table.md").read_text("utf-8").startswith("**digits · ")
    assert capsys.readouterr() == ("", f"table: {tmp_path / 'new' / 'table.md'}\n")


def test_a_page_has_a_section_for_each_experiment_as_its_own_report_has_it(results, capsys):
    other = record(experiment="other")
    store(results / "other" / "runs" / "5", other)
    report([results])
    digits = summarise([record(label="a"), record(label="b", seed=2)])
    sections = (("digits", digits), ("other", summarise([other])))
    expected = "\n".join(f"# {name}\n\n{formats['md'](table)}" for name, table in sections)
    assert capsys.readouterr().out == expected


@pytest.mark.usefixtures("rendered")
def test_a_picture_lies_in_the_current_folder_unless_told(results, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    report([results], "svg")
    assert Path("curves.svg").read_text("utf-8").startswith("<?xml")
    assert capsys.readouterr() == ("", "picture: curves.svg\n")


def test_where_there_are_no_runs_it_says_where_it_looked(tmp_path):
    places = [tmp_path / "nothing", tmp_path / "here"]
    for place in places:
        place.mkdir()
    with pytest.raises(UsageError, match=r"no runs below .*nothing, .*here"):
        report(places)


def test_an_unknown_format_is_told_all_formats(tmp_path):
    with pytest.raises(
        UnknownNameError, match=r"Did you mean 'png'.*csv, json, latex, md, pdf, png, svg"
    ):
        report([tmp_path], "pngg")
