"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gfopt.errors import UsageError
from gfopt.runner.settings import (
    RunSettings,
    Timing,
    find_data_folder,
    parse_backend,
    parse_memory,
)

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
    str | None,
    typer.Option(metavar="SEEDS", help="Seeds that replace the config's: 1,2,5-9"),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print no progress.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Debug = Annotated[bool, typer.Option("--debug", help="Print the traceback of an error.")]
Out = Annotated[Path, typer.Option(help="Folder of results.")]


def make_run_settings(
    *,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda|cuda:N", help="Device to run on.")
    ] = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads; default: torch's own.")
    ] = None,
    memory: Annotated[
        str,
        typer.Option(metavar="SIZE", help="Memory for a population's activations: 512MiB."),
    ] = "1GiB",
    backend: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Backend of all optimizers (`gfopt list backends`); auto: the fast one that "
            "supports every optimizer, else plain.",
        ),
    ] = "auto",
    path: Annotated[str | None, typer.Option(hidden=True, help="Old name of --backend.")] = None,
    timing: Annotated[
        Timing,
        typer.Option(
            help="on: run seed by seed, with seconds; off: vectorize seeds; auto: on for up to 5 "
            "seeds."
        ),
    ] = "auto",
    data: Annotated[
        Path | None,
        typer.Option(help="Data folder; default: GFOPT_DATA, then the user cache."),
    ] = None,
    out: Out = Path("results"),
    offline: Annotated[bool, typer.Option("--offline", help="Never download.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Repeat finished runs.")] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first failed run.")
    ] = False,
) -> RunSettings:
    """The run settings. Its parameters are the options: see command.with_run_settings.

    Raises UsageError if the backend or the size of memory is wrong.
    """
    return RunSettings(
        out=out,
        data=find_data_folder(data),
        device=device,
        threads=threads,
        memory=parse_memory(memory),
        offline=offline,
        force=force,
        fail_fast=fail_fast,
        backend=parse_backend(path or backend),
        timing=timing,
    )


def load_all(
    configs: list[str] | None, changes: list[str] | None, seeds: str | None
) -> list[Experiment]:
    """The experiments of these configs. Raises UsageError with all errors in all of them."""
    from gfopt.config.packaged_configs import DEFAULT_CONFIG, load_config

    all_changes = [*(changes or []), *([f"seeds={seeds}"] if seeds is not None else [])]
    experiments, errors = [], []
    for config in configs or [DEFAULT_CONFIG]:
        try:
            experiments.append(load_config(config, all_changes))
        except UsageError as error:
            errors.append(str(error).replace(f"--set seeds={seeds}", f"--seeds {seeds}"))
    if errors:
        raise UsageError("\n".join(errors))
    return experiments
