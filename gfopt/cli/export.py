"""gfopt export: the weights of one finished run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from gfopt.errors import UsageError


def export(
    run: Annotated[str, typer.Argument(help="A run's folder, or the first characters of its id.")],
    output: Annotated[Path, typer.Option(help="A .safetensors or .npz file.")] = Path(
        "weights.safetensors"
    ),
    out: Annotated[Path, typer.Option(help="Where results are.")] = Path("results"),
) -> None:
    """Write the weights at the stop of RUN: W1 (n_1, n_0), b1 (n_1, 1), and so on."""
    weights = _folder(run, out) / "weights.safetensors"
    if output.suffix == ".safetensors":
        shutil.copyfile(weights, output)
    elif output.suffix == ".npz":
        import numpy as np
        from safetensors.numpy import load_file

        np.savez(output, **load_file(weights))  # type: ignore[arg-type]  # its stub lacks **
    else:
        raise UsageError(f"--output {output}: must end in .safetensors or .npz")
    typer.echo(str(output))


def _folder(run: str, out: Path) -> Path:
    """The one run folder that is meant."""
    if (Path(run) / "record.json").is_file():
        return Path(run)
    kept = (file.parent for file in sorted(out.glob("*/runs/*/record.json")))
    found = [folder for folder in kept if run and folder.name.startswith(run)]
    if len(found) != 1:
        what = "no finished run" if not found else f"{len(found)} finished runs"
        raise UsageError(f"{what} under {out} with an id that begins with {run!r}")
    return found[0]
