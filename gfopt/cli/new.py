"""gfopt new: write an experiment and an optimizer that run as they are."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from gfopt.cli.command import command
from gfopt.errors import UsageError
from gfopt.records.atomic import write_atomically


@command(70)
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The experiment's name.")],
    folder: Annotated[Path, typer.Option(help="Folder to write to.")] = Path(),
) -> None:
    """Write NAME.yaml and NAME_optimizer.py, ready to run.

    The experiment compares an optimizer of your own with built-in ones.
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise UsageError(
            f"NAME: use letters, digits and _ only, and begin with a letter (got {name!r})"
        )
    config, optimizer = folder / f"{name}.yaml", folder / f"{name}_optimizer.py"
    existing = [str(path) for path in (config, optimizer) if path.exists()]
    if existing:
        raise UsageError(f"{', '.join(existing)} already exists: choose another NAME or --folder")
    for template, path in (("new.yaml", config), ("new_optimizer.py", optimizer)):
        text = (files("gfopt") / "templates" / template).read_text("utf-8")
        write_atomically(path, text.replace("NAME", name))
        typer.echo(str(path))
    typer.echo(f"next: gfopt check {optimizer}, gfopt run {config}", err=True)
