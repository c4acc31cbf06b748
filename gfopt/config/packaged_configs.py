"""Find a config: a path, or the name of one that is packaged with gfopt."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from gfopt.config.experiment import Experiment
from gfopt.config.loading import load
from gfopt.errors import UsageError

DEFAULT_CONFIG = "digits"


def find_packaged_configs() -> dict[str, Path]:
    """The packaged configs by name: in the package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    folders = (package / "configs", package.parent / "configs")
    folder = next((folder for folder in folders if folder.is_dir()), folders[0])
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_config(config: str) -> Path:
    """The file that a path or a packaged name means. Raises UsageError if there is none."""
    path, packaged = Path(config), find_packaged_configs()
    if path.is_file():
        return path
    if config in packaged:
        return packaged[config]
    if path.is_dir():
        raise UsageError(f"{config}: is a folder: give a YAML file in it")
    beside = [f"{config}.yaml"] if Path(f"{config}.yaml").is_file() else []
    near = beside or get_close_matches(path.stem.lower(), packaged, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UsageError(
        f"{config}: no such file, and no packaged config of that name.{hint} "
        "`gfopt list configs` shows the packaged ones."
    )


def load_config(config: str, changes: list[str] | None = None) -> Experiment:
    """The experiment of a path or packaged name, with "key=value" changes.

    Raises UsageError if there is no such file, or with all errors in it.
    """
    path = find_config(config)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{config}: can't be read as text: {error}") from error
    name = config if Path(config).is_file() else path.name
    return load(text, name, path.parent, changes)
