"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gfopt.errors import UsageError
from gfopt.paths import Asked, Timing

if TYPE_CHECKING:
    from gfopt.config.experiment import Experiment

Configs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[CONFIG]...", help="YAML files or names of packaged configs."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change the config: optimizers.0.lr=1e-4"),
]
Seeds = Annotated[
    str | None, typer.Option(metavar="SEEDS", help="In place of the config's: 1,2,5-9")
]
Device = Annotated[str, typer.Option(metavar="auto|cpu|cuda|cuda:N", help="Where to run.")]
CodePath = Annotated[
    Asked,
    typer.Option("--path", help="Code path of all rules; auto: compiled where every rule has it."),
]
Timed = Annotated[
    Timing,
    typer.Option(
        "--timing", help="on: seed by seed, for seconds; off: seeds in a batch; auto: on up to 5."
    ),
]
Memory = Annotated[
    str, typer.Option(metavar="SIZE", help="What a population's activations may take: 512MiB.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads; default: torch's.")]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder of the data sets; default: GFOPT_DATA, else the cache folder."),
]
Offline = Annotated[bool, typer.Option("--offline", help="Never download.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
Out = Annotated[Path, typer.Option(help="Where results go.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def load_all(
    configs: list[str] | None, settings: list[str] | None, seeds: str | None
) -> list[Experiment]:
    """The experiments of these configs; what is wrong with any of them is told at once."""
    from gfopt.config.finding import DEFAULT, load_config

    changes = [*(settings or []), *([f"seeds={seeds}"] if seeds is not None else [])]
    experiments, wrong = [], []
    for config in configs or [DEFAULT]:
        try:
            experiments.append(load_config(config, changes))
        except UsageError as error:
            wrong.append(str(error).replace(f"--set seeds={seeds}", f"--seeds {seeds}"))
    if wrong:
        raise UsageError("\n".join(wrong))
    return experiments
