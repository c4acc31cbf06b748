"""--help and --version: every command, in order, in plain sentences, at 80 columns."""

import re
import runpy
import sys

import pytest

from gfopt.cli.command import commands

PLACES = sorted(commands, key=lambda registered: registered[0])
NAMES = [name for _, name, _ in PLACES]
# words of another language than the field's
STRANGE = (
    r"\b(rules?|readings?|replicas?|told|tells|is said|made anew|where it does|compiled path)\b"
)


@pytest.fixture(autouse=True)
def _columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")


def listed(text):
    """The commands of the overview, in its order."""
    return re.findall(r"^  ([a-z]+) ", text.partition("Commands:")[2], re.MULTILINE)


def test_the_overview_has_every_command_in_order_and_the_exit_codes(gfopt):
    done = gfopt("--help")
    assert done.exit_code == 0
    assert listed(done.stdout) == NAMES
    assert NAMES[:3] == ["run", "plan", "tune"]
    assert "130 interrupted" in " ".join(done.stdout.split())


def test_no_two_commands_share_a_place():
    places = [place for place, _, _ in commands]
    assert len(set(places)) == len(places)


def test_python_m_gfopt_is_the_command_line(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gfopt", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("gfopt", run_name="__main__")
    assert ended.value.code == 0
    assert re.match(r"gfopt \d+\.\d+", capsys.readouterr().out)


@pytest.mark.parametrize(("name", "function"), [(n, f) for _, n, f in PLACES], ids=NAMES)
def test_the_help_of_a_command_is_plain_and_fits_in_80_columns(gfopt, name, function):
    title = function.__doc__.strip().partition("\n")[0]
    assert re.fullmatch(r"[A-Z].{10,90}\.", title)
    done = gfopt(name, "--help")
    assert done.exit_code == 0
    text = done.stdout
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith(f"Usage: root {name} ")
    assert not re.search(STRANGE, text)
    options = re.split(r"^  (?=-)", text.partition("Options:")[2], flags=re.MULTILINE)[1:]
    assert options
    for option in options:  # what it does, beside it or below it
        assert re.search(r"\S {2,}[A-Za-z]|\n {10,}[A-Za-z]", option), option


def test_the_old_name_of_an_option_is_hidden(gfopt):
    text = gfopt("run", "--help").stdout
    assert "--backend" in text
    assert "--path" not in text
