"""Turn a function into a gfopt command: its place in the help, its errors, its run settings."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable
from typing import Any

import typer

from gfopt.cli.options import make_run_settings
from gfopt.errors import ExitCode, GfoptError
from gfopt.runner.settings import RunSettings

Function = Callable[..., None]
commands: list[tuple[int, str, Function]] = []  # (place in the help, name, function)


def command(place: int, name: str = "") -> Callable[[Function], Function]:
    """Register a command; an error becomes a message on stderr and an exit code."""

    def register(function: Function) -> Function:
        commands.append((place, name or function.__name__, handle_errors(function)))
        return function

    return register


def with_run_settings(*names: str) -> Callable[[Function], Function]:
    """Give a command these options of `make_run_settings`; it gets them as one `run_settings`.

    The command has a parameter `run_settings: RunSettings`; the options take its place.
    """
    options = inspect.signature(make_run_settings, eval_str=True).parameters

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def wrapper(**values: Any) -> None:
            given = {name: values.pop(name) for name in names}
            function(**values, run_settings=make_run_settings(**given))

        parameters = []
        for parameter in inspect.signature(function, eval_str=True).parameters.values():
            shared = parameter.annotation is RunSettings
            parameters += [options[name] for name in names] if shared else [parameter]
        wrapper.__annotations__ = {p.name: p.annotation for p in parameters}
        wrapper.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return wrapper

    return decorate


def handle_errors(function: Function) -> Function:
    """Wrap a command: an error becomes a message on stderr and an exit code."""

    @functools.wraps(function)
    def wrapper(*args: Any, **values: Any) -> None:
        try:
            function(*args, **values)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except (Exception, KeyboardInterrupt) as error:
            if values.get("debug"):
                traceback.print_exc()
            message, code = _describe(error)
            typer.echo(message, err=True)
            raise typer.Exit(int(code)) from None

    return wrapper


def _describe(error: BaseException) -> tuple[str, ExitCode]:
    """The message for an error, and the exit code."""
    if isinstance(error, GfoptError):
        return f"error: {error}", error.exit_code
    if isinstance(error, KeyboardInterrupt):
        message = "interrupted: finished runs are kept; repeat the command to continue"
        return message, ExitCode.INTERRUPTED
    if isinstance(error, OSError) and error.filename:
        return f"error: {error.filename}: {error.strerror}", ExitCode.USAGE
    message = f"error: unexpected {type(error).__name__}: {error}"
    return f"{message} (--debug prints the traceback; please report this)", ExitCode.UNEXPECTED
