"""gfopt compare: tell whether HEAD is worse than BASE in epochs, passes or seconds."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gfopt.cli.command import command, with_run_settings
from gfopt.cli.options import Debug, Quiet
from gfopt.errors import ExitCode, UsageError
from gfopt.runner.settings import RunSettings

if TYPE_CHECKING:
    from gfopt.studies.compare.result import CompareResult
    from gfopt.studies.compare.run_compare import CompareSettings, SideInput


@command(40)
@with_run_settings("threads", "data", "out", "offline")
def compare(
    base: Annotated[
        str | None,
        typer.Argument(
            metavar="[BASE]", help="A folder of runs, a baseline written with --save, or a config."
        ),
    ] = None,
    head: Annotated[
        str | None,
        typer.Argument(metavar="[HEAD]", help="The candidate: same kinds of input as BASE."),
    ] = None,
    on: Annotated[
        str,
        typer.Option(metavar="epochs|passes|seconds", help="Cost to the target that is compared."),
    ] = "epochs",
    tolerance: Annotated[
        str, typer.Option(metavar="PERCENT", help="Accepted increase, e.g. 5%.")
    ] = "5%",
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="SEEDS", help="Seeds in place of a config's; of saved runs only these: 1,2,5-9"
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write BASE's runs as a baseline; takes no HEAD."),
    ] = None,
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append the Markdown to this file.")
    ] = None,
    base_python: Annotated[
        Path | None, typer.Option(help="Python whose gfopt runs BASE; default: this one.")
    ] = None,
    head_python: Annotated[
        Path | None, typer.Option(help="Python whose gfopt runs HEAD; default: this one.")
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=2, help="Timed runs of each seed, with --on seconds.")
    ] = 3,
    workflow: Annotated[
        bool, typer.Option("--workflow", help="Print a GitHub Actions workflow and exit.")
    ] = False,
    *,
    run_settings: RunSettings,
    quiet: Quiet = False,
    json: Annotated[bool, typer.Option("--json", help="Print raw values as JSON.")] = False,
    debug: Debug = False,  # noqa: ARG001 - read where errors are answered
) -> None:
    """Compare HEAD with BASE, paired by seed. Configs are run first, on the CPU.

    Seconds are measured here, both sides in turn: give two configs. Exit codes: 0 not worse,
    4 worse, 6 inconclusive (fewer than two seeds, missing runs, different conditions, or too much
    spread).
    """
    from gfopt.cli.display import display
    from gfopt.studies.compare.run_compare import CompareSettings, SideInput, parse_question
    from gfopt.studies.compare.run_compare import compare as judge

    if workflow:
        typer.echo((files("gfopt") / "templates" / "compare.yml").read_text("utf-8"), nl=False)
        return
    question = parse_question(on, tolerance)
    settings = CompareSettings(replace(run_settings, device="cpu"), seeds, repeats)
    if base is None or (head is None) == (save is None):
        raise UsageError("give BASE and HEAD; or BASE and --save FILE; or --workflow")
    if summary:  # fail now if it can't be written, not after an hour
        summary.open("a", encoding="utf-8").close()
    first = SideInput("BASE", base, base_python)
    if head is None:
        assert save
        _save(first, settings, save, quiet=quiet)
        return

    def announce(turn: str) -> None:
        if not quiet:
            typer.echo(f"compare: {turn}", err=True)

    second = SideInput("HEAD", head, head_python)
    with display(quiet=quiet) as listener, redirect_stdout(sys.stderr):
        result = judge(first, second, question, settings, listener, announce)
    _print_result(result, summary, json=json)
    if result.answer.code is not ExitCode.OK:
        raise typer.Exit(int(result.answer.code))


def _save(side: SideInput, settings: CompareSettings, path: Path, *, quiet: bool) -> None:
    """Write BASE's runs into the file; write nothing if one of them failed."""
    from gfopt.cli.display import display
    from gfopt.errors import RunFailedError
    from gfopt.studies.compare.run_compare import gather
    from gfopt.studies.compare.sides import save_baseline

    with display(quiet=quiet) as listener, redirect_stdout(sys.stderr):
        found = gather(side, settings, listener)
    for note in found.notes:
        typer.echo(note, err=True)
    if found.failed:
        raise RunFailedError("\n".join(found.failed))
    save_baseline(path, found.records)
    typer.echo(f"baseline: {path} ({len(found.records)} runs)", err=True)


def _print_result(result: CompareResult, summary: Path | None, *, json: bool) -> None:
    """Print Markdown or JSON on stdout; append the Markdown to the summary file too."""
    from json import dumps

    from gfopt.studies.compare.document import to_markdown

    document = to_markdown(result)
    if summary:
        with summary.open("a", encoding="utf-8") as file:
            file.write(document)
    values = result.to_values()
    typer.echo(dumps(values, indent=1, allow_nan=False) if json else document.rstrip())
