"""The command line: parse, call, print, exit code. Only this package prints or exits."""

from gfopt.cli.app import app, main

__all__ = ["app", "main"]
