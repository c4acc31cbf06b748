"""The Typer app: its commands, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Annotated, Any

import typer

from gfopt.cli import (
    bench,
    check,
    compare,
    export,
    listing,
    new,
    plan,
    report,
    reproduce,
    run,
    tune,
)
from gfopt.errors import ExitCode, GfoptError

EPILOG = (
    "Exit codes: 0 ok, 1 unexpected, 2 usage or config, 3 a run failed, 4 a condition asked for "
    "was not met, 5 data missing, 6 not enough to judge by, 130 interrupted."
)


def answered(command: Callable[..., None]) -> Callable[..., None]:
    """The command, whose errors end it with a message on stderr and an exit code."""

    @functools.wraps(command)
    def wrapper(*args: Any, **values: Any) -> None:
        try:
            command(*args, **values)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except (Exception, KeyboardInterrupt) as error:
            if values.get("debug"):
                traceback.print_exc()
            message, code = _answer(error)
            typer.echo(message, err=True)
            raise typer.Exit(int(code)) from None

    return wrapper


def _answer(error: BaseException) -> tuple[str, ExitCode]:
    """What to say of an error, and the exit code."""
    if isinstance(error, GfoptError):
        return f"error: {error}", error.exit_code
    if isinstance(error, KeyboardInterrupt):
        said = "interrupted: finished runs are kept, the same command goes on"
        return said, ExitCode.INTERRUPTED
    if isinstance(error, OSError) and error.filename:
        return f"error: {error.filename}: {error.strerror}", ExitCode.USAGE
    said = f"unexpected {type(error).__name__}: {error}"
    return f"error: {said} (--debug shows where; please report it)", ExitCode.UNEXPECTED


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=EPILOG,
    help="Race neural-network training rules to a common target: epochs and seconds, with "
    "evidence.",
)
_COMMANDS: dict[str, Callable[..., None]] = {
    "run": run.run,
    "tune": tune.tune,
    "plan": plan.plan,
    "list": listing.list_,
    "reproduce": reproduce.reproduce,
    "bench": bench.bench,
    "new": new.new,
    "check": check.check,
    "report": report.report,
    "compare": compare.compare,
    "export": export.export,
}
for name, command in _COMMANDS.items():
    app.command(name)(answered(command))


def _version(asked: bool) -> None:
    if asked:
        from gfopt import __version__

        typer.echo(f"gfopt {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Options of gfopt itself."""


def main() -> None:
    """The console script."""
    app(prog_name="gfopt")
