"""gfopt compare: is HEAD worse than BASE, by epochs, sample-passes or seconds."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gfopt.cli.options import Data, Debug, Offline, Out, Quiet, Threads
from gfopt.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from gfopt.comparing.command import Conditions, Given
    from gfopt.comparing.outcome import Outcome
    from gfopt.comparing.verdicts import Question


def compare(
    base: Annotated[
        str | None,
        typer.Argument(
            metavar="[BASE]", help="A folder with runs, a baseline that --save wrote, or a config."
        ),
    ] = None,
    head: Annotated[
        str | None, typer.Argument(metavar="[HEAD]", help="What may be worse: the same.")
    ] = None,
    on: Annotated[
        str, typer.Option(metavar="epochs|passes|seconds", help="By what it takes to the target.")
    ] = "epochs",
    tolerance: Annotated[
        str, typer.Option(metavar="PERCENT", help="How much more isn't worse yet.")
    ] = "5%",
    seeds: Annotated[
        str | None,
        typer.Option(metavar="SEEDS", help="In place of a config's; of saved runs these: 1,2,5-9"),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write BASE's runs as a baseline; no HEAD.")
    ] = None,
    summary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append the Markdown to this file.")
    ] = None,
    base_python: Annotated[
        Path | None, typer.Option(help="The Python whose gfopt runs BASE; default: this one.")
    ] = None,
    head_python: Annotated[Path | None, typer.Option(help="The same for HEAD.")] = None,
    repeats: Annotated[int, typer.Option(min=2, help="Of each seed, for seconds.")] = 3,
    threads: Threads = None,
    data: Data = None,
    out: Out = Path("results"),
    offline: Offline = False,
    workflow: Annotated[
        bool, typer.Option("--workflow", help="Print a GitHub Actions workflow instead.")
    ] = False,
    quiet: Quiet = False,
    json: Annotated[bool, typer.Option("--json", help="Raw values as JSON on stdout.")] = False,
    debug: Debug = False,  # noqa: ARG001 - read where errors are answered
) -> None:
    """Compare HEAD with BASE, paired by seed; what is a config is run, on the CPU.

    Seconds are measured here, on both sides in turn: both must be configs. Exit codes: 0 not worse,
    4 worse, 6 inconclusive: fewer than two seeds, missing runs, unlike configs, too much spread.
    """
    from gfopt.comparing.command import Conditions, Given, question
    from gfopt.race import Setting, data_folder

    if workflow:
        typer.echo((files("gfopt") / "templates" / "compare.yml").read_text("utf-8"), nl=False)
        return
    asked = question(on, tolerance)
    setting = Setting(out, data_folder(data), "cpu", threads, offline=offline)
    conditions = Conditions(setting, seeds, repeats)
    if base is None or (head is None) == (save is None):
        raise UsageError("give BASE and HEAD; or BASE and --save FILE; or --workflow")
    if summary:  # no comparison of an hour is to end at a closed door
        summary.open("a", encoding="utf-8").close()
    first = Given("BASE", base, base_python)
    if head is None:
        _save(first, conditions, save, quiet=quiet)
        return
    outcome = _judged(first, Given("HEAD", head, head_python), asked, conditions, quiet=quiet)
    _show(outcome, summary, json=json)
    if outcome.answer.code is not ExitCode.OK:
        raise typer.Exit(int(outcome.answer.code))


def _save(given: Given, conditions: Conditions, path: Path | None, *, quiet: bool) -> None:
    """Write BASE's runs into the file; nothing is written where one of them failed."""
    from gfopt.cli.display import display
    from gfopt.comparing.command import gather
    from gfopt.comparing.sides import save_baseline
    from gfopt.errors import RunFailedError

    assert path
    with display(quiet=quiet) as listener, redirect_stdout(sys.stderr):
        side = gather(given, conditions, listener)
    for note in side.notes:
        typer.echo(note, err=True)
    if side.failed:
        raise RunFailedError("\n".join(side.failed))
    save_baseline(path, side.records)
    typer.echo(f"baseline: {path}, {len(side.records)} runs", err=True)


def _judged(
    base: Given, head: Given, asked: Question, conditions: Conditions, *, quiet: bool
) -> Outcome:
    """The outcome; progress goes to stderr."""
    from gfopt.cli.display import display
    from gfopt.comparing.command import compare as judge

    def tell(said: str) -> None:
        if not quiet:
            typer.echo(f"compare: {said}", err=True)

    with display(quiet=quiet) as listener, redirect_stdout(sys.stderr):
        return judge(base, head, asked, conditions, listener, tell)


def _show(outcome: Outcome, summary: Path | None, *, json: bool) -> None:
    """Markdown or JSON on stdout; the Markdown at the end of the summary's file too."""
    from json import dumps

    from gfopt.comparing.document import to_markdown

    document = to_markdown(outcome)
    if summary:
        with summary.open("a", encoding="utf-8") as file:
            file.write(document)
    text = dumps(outcome.values(), indent=1, allow_nan=False) if json else document.rstrip()
    typer.echo(text)
