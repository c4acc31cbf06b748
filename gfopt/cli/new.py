"""gfopt new: a commented config and a commented rule that run as they are."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from gfopt.errors import UsageError
from gfopt.records import write_whole


def new(
    name: Annotated[str, typer.Argument(help="The experiment's name.")],
    folder: Annotated[Path, typer.Option(help="Where to write.")] = Path(),
) -> None:
    """Write NAME.yaml and NAME_rule.py: `gfopt run NAME.yaml` races the rule and built-ins."""
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise UsageError(
            f"NAME: letters, digits and _ only, beginning with a letter (got {name!r})"
        )
    targets = {"new.yaml": folder / f"{name}.yaml", "new_rule.py": folder / f"{name}_rule.py"}
    there = [str(path) for path in targets.values() if path.exists()]
    if there:
        raise UsageError(f"{', '.join(there)}: there already; give another NAME")
    for template, path in targets.items():
        text = (files("gfopt") / "templates" / template).read_text("utf-8")
        write_whole(path, text.replace("NAME", name))
        typer.echo(str(path))
    typer.echo(
        f"next: gfopt check {targets['new_rule.py']}, gfopt run {targets['new.yaml']}", err=True
    )
