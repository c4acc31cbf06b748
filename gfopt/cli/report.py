"""gfopt report: the table of the runs that are found, or a picture of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gfopt.records import Record


def report(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...", help="Folders of runs, or any folder above them: results/digits"
        ),
    ],
    kind: Annotated[
        str,
        typer.Option(
            "--format", help="A table as md, csv, json or latex, a picture as png, svg or pdf."
        ),
    ] = "md",
    output: Annotated[
        Path | None,
        typer.Option(
            help="The file to write. Without it tables are printed, pictures are curves.FORMAT."
        ),
    ] = None,
) -> None:
    """Show the table of all runs found below PATH, or their curves. Nothing is run."""
    from gfopt.errors import UnknownNameError, UsageError
    from gfopt.formats import formats
    from gfopt.plots import PICTURES
    from gfopt.records import write_whole

    if kind not in (*formats, *PICTURES):
        raise UnknownNameError("format", kind, [*formats, *PICTURES])
    runs = _runs(paths)
    if not runs:
        places = ", ".join(map(str, paths))
        raise UsageError(
            f"no runs below {places}: give a folder with runs in it, like results/digits"
        )
    if kind in PICTURES:
        _draw([run for run in runs if run[1].repeat == 1], kind, output or Path(f"curves.{kind}"))
        return
    text = _text([record for _, record in runs], kind)
    if output:
        write_whole(output, text)
        typer.echo(f"table: {output}", err=True)
    else:
        typer.echo(text, nl=False)


def _text(records: list[Record], kind: str) -> str:
    """The table; as a page for readers, a section of its own for each of several experiments."""
    from gfopt.formats import formats
    from gfopt.tables import summarise

    raced: dict[str, list[Record]] = {}
    for record in records:
        raced.setdefault(record.experiment, []).append(record)
    if kind != "md" or len(raced) == 1:
        return formats[kind](summarise(records))
    return "\n".join(f"# {name}\n\n{formats[kind](summarise(r))}" for name, r in raced.items())


def _runs(paths: list[Path]) -> list[tuple[Path, Record]]:
    """Every finished run below the paths, once, with its folder; as in the config, by seed."""
    from gfopt.errors import UsageError
    from gfopt.records import find_folders, read_record

    if absent := [str(path) for path in paths if not path.exists()]:
        raise UsageError(f"{', '.join(absent)}: no such folder")
    runs: dict[str, tuple[Path, Record]] = {}  # by id: a copy of a run is the same run
    for folder in (folder for path in paths for folder in find_folders(path)):
        record = read_record(folder)
        if record:
            runs.setdefault(record.id, (folder, record))
        else:
            typer.echo(f"left out, no record of this gfopt: {folder / 'record.json'}", err=True)
    order = ("experiment", "dataset", "place", "label", "seed")
    return sorted(runs.values(), key=lambda run: [getattr(run[1], name) for name in order])


def _draw(runs: list[tuple[Path, Record]], kind: str, output: Path) -> None:
    from gfopt.plots import draw
    from gfopt.records import read_history

    histories = [read_history(folder) for folder, _ in runs]
    draw([record for _, record in runs], histories, output, kind)
    typer.echo(f"picture: {output}", err=True)
