"""gfopt report: a table or a picture of finished runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gfopt.cli.command import command

if TYPE_CHECKING:
    from gfopt.records.record import Record


@command(90)
def report(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...", help="Folders with runs anywhere below them, such as results/digits."
        ),
    ],
    kind: Annotated[
        str,
        typer.Option("--format", help="Table: md, csv, json or latex. Picture: png, svg or pdf."),
    ] = "md",
    output: Annotated[
        Path | None,
        typer.Option(
            help="Output file. Default: tables are printed, pictures go to curves.FORMAT."
        ),
    ] = None,
) -> None:
    """Show the table or the curves of finished runs.

    It takes all runs below PATH and runs nothing.
    """
    from gfopt.errors import UnknownNameError, UsageError
    from gfopt.records.atomic import write_atomically
    from gfopt.report.curves import PICTURES
    from gfopt.report.formats import formats

    if kind not in (*formats, *PICTURES):
        raise UnknownNameError("format", kind, [*formats, *PICTURES])
    runs = _find_runs(paths)
    if not runs:
        places = ", ".join(map(str, paths))
        raise UsageError(
            f"no runs below {places}: give a folder that contains runs, such as results/digits"
        )
    if kind in PICTURES:
        _draw([run for run in runs if run[1].repeat == 1], kind, output or Path(f"curves.{kind}"))
        return
    text = _write_text([record for _, record in runs], kind)
    if output:
        write_atomically(output, text)
        typer.echo(f"table: {output}", err=True)
    else:
        typer.echo(text, nl=False)


def _write_text(records: list[Record], kind: str) -> str:
    """The table; in Markdown each of several experiments has its section."""
    from gfopt.report.formats import formats
    from gfopt.report.summary import summarise

    by_experiment: dict[str, list[Record]] = {}
    for record in records:
        by_experiment.setdefault(record.experiment, []).append(record)
    if kind != "md" or len(by_experiment) == 1:
        return formats[kind](summarise(records))
    return "\n".join(
        f"# {name}\n\n{formats[kind](summarise(r))}" for name, r in by_experiment.items()
    )


def _find_runs(paths: list[Path]) -> list[tuple[Path, Record]]:
    """Every finished run below the paths with its folder, once, in the order of the configs."""
    from gfopt.errors import UsageError
    from gfopt.records.store import find_folders, read_record

    if absent := [str(path) for path in paths if not path.exists()]:
        raise UsageError(f"{', '.join(absent)}: no such folder")
    runs: dict[str, tuple[Path, Record]] = {}  # by id: a copy of a run is the same run
    for folder in (folder for path in paths for folder in find_folders(path)):
        record = read_record(folder)
        if record:
            runs.setdefault(record.id, (folder, record))
        else:
            typer.echo(
                f"skipped, not a record of this version of gfopt: {folder / 'record.json'}",
                err=True,
            )
    order = ("experiment", "dataset", "place", "label", "seed")
    return sorted(runs.values(), key=lambda run: [getattr(run[1], name) for name in order])


def _draw(runs: list[tuple[Path, Record]], kind: str, output: Path) -> None:
    from gfopt.records.store import read_history
    from gfopt.report.curves import draw

    histories = [read_history(folder) for folder, _ in runs]
    draw([record for _, record in runs], histories, output, kind)
    typer.echo(f"picture: {output}", err=True)
