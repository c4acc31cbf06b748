"""The Typer app: its commands, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Annotated, Any

import typer

from gfopt.cli import export, listing, new, plan, report, run
from gfopt.errors import ExitCode, GfoptError

EPILOG = (
    "Exit codes: 0 ok, 1 unexpected, 2 usage or config, 3 a run failed, 4 a condition asked for was "
    "not met, 5 data missing, 130 interrupted."
)


def answered(command: Callable[..., None]) -> Callable[..., None]:
    """The command, whose errors end it with a message on stderr and an exit code."""

    @functools.wraps(command)
    def wrapper(*args: Any, **values: Any) -> None:
        try:
            command(*args, **values)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except GfoptError as error:
            message, code = f"error: {error}", error.exit_code
        except KeyboardInterrupt:
            code = ExitCode.INTERRUPTED
            message = "interrupted: finished runs are kept, the same command goes on"
        except OSError as error:
            message, code = f"error: {error.filename or ''}: {error.strerror or error}", ExitCode.USAGE
        except Exception as error:
            said = f"unexpected {type(error).__name__}: {error}"
            code = ExitCode.UNEXPECTED
            message = f"error: {said} (--debug shows where; please report it)"
        else:
            return
        if values.get("debug"):
            traceback.print_exc()
        typer.echo(message, err=True)
        raise typer.Exit(int(code))

    return wrapper


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=EPILOG,
    help="Race neural-network training rules to a common target: epochs and seconds, with evidence.",
)
for name, command in {
    "run": run.run,
    "plan": plan.plan,
    "list": listing.list_,
    "new": new.new,
    "report": report.report,
    "export": export.export,
}.items():
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
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Options of gfopt itself."""


def main() -> None:
    """The console script."""
    app(prog_name="gfopt")
