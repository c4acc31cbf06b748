"""gfopt export: write the weights of one finished run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from gfopt.cli.command import command
from gfopt.cli.options import Out
from gfopt.errors import UsageError


@command(100)
def export(
    run: Annotated[str, typer.Argument(help="A run's folder, or the first characters of its id.")],
    output: Annotated[Path, typer.Option(help="The file to write: .safetensors or .npz.")] = Path(
        "weights.safetensors"
    ),
    out: Out = Path("results"),
) -> None:
    """Write the final weights of one run.

    The arrays are W1 (n_1, n_0), b1 (n_1, 1), W2 and so on: a row for each output of a layer.
    """
    weights = _find_folder(run, out) / "weights.safetensors"
    if output.suffix == ".safetensors":
        shutil.copyfile(weights, output)
    elif output.suffix == ".npz":
        import numpy as np
        from safetensors.numpy import load_file

        np.savez(output, **load_file(weights))  # type: ignore[arg-type]  # its stub lacks **
    else:
        raise UsageError(f"--output {output}: must end in .safetensors or .npz")
    typer.echo(str(output))


def _find_folder(run: str, out: Path) -> Path:
    """The folder of the run. Raises UsageError unless exactly one run matches."""
    if (Path(run) / "record.json").is_file():
        return Path(run)
    kept = (file.parent for file in sorted(out.glob("*/runs/*/record.json")))
    found = [folder for folder in kept if run and folder.name.startswith(run)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(
            f"no finished run under {out} has an id that begins with {run!r}: give a run's folder, "
            "or --out with the folder of results"
        )
    raise UsageError(
        f"{len(found)} finished runs under {out} have an id that begins with {run!r}: give more "
        "characters, or one of these folders: " + ", ".join(map(str, found))
    )
