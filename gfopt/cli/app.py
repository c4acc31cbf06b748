"""The Typer app: the commands of the files in this folder."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Annotated

import typer

import gfopt
from gfopt.cli.command import commands

EPILOG = (
    "Exit codes: 0 ok, 1 unexpected error, 2 wrong usage or config, 3 a run failed, 4 a requested "
    "condition was not met, 5 data missing, 6 inconclusive, 130 interrupted."
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=EPILOG,
    help="Race neural-network optimizers to a common target: epochs and seconds, with evidence.",
)
for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
    if module.name != "app":
        importlib.import_module(f"gfopt.cli.{module.name}")
for _, name, function in sorted(commands, key=lambda registered: registered[0]):
    app.command(name)(function)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"gfopt {gfopt.__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Handle the options of gfopt itself."""


def main() -> None:
    """The console script."""
    app(prog_name="gfopt")
