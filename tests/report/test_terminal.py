import io

import pytest
from rich.console import Console

from gfopt.report.summary import summarise
from gfopt.report.terminal import show
from tests.record_factory import missed, record

LABELS = ("gradient_descent", "gradient_descent (multipliers 1, 2)", "adam [lr=0.01]")


@pytest.fixture
def table():
    runs = [record(label=label, seed=s, epochs=s * 1000.0) for label in LABELS for s in (1, 2)]
    return summarise([*runs, missed(label="adam [lr=0.01]", seed=3)])


def shown(table, **options):
    console = Console(file=io.StringIO(), color_system=None, **options)
    show(table, console)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_terminal_is_never_overrun_and_loses_no_number(table, width):
    text = shown(table, force_terminal=True, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    if width >= 80:
        assert "1500 (1000–2000)" in text  # noqa: RUF001


def test_a_file_gets_every_label_and_note_on_one_line(table):
    text = shown(table)
    assert all(label in text for label in LABELS)
    assert all(note in text.splitlines() for note in table.notes)


def test_without_a_console_it_goes_to_stdout(table, capsys):
    show(table)
    assert "gradient_descent" in capsys.readouterr().out
