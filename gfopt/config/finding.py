"""Finding a config: a path, or the name of one that travels with gfopt."""

from __future__ import annotations

from pathlib import Path

from gfopt.config.experiment import Experiment, load
from gfopt.errors import UsageError, unknown

DEFAULT = "digits"


def packaged() -> dict[str, Path]:
    """The configs that travel with gfopt, by name: in the package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    folders = (package / "configs", package.parent / "configs")
    folder = next((folder for folder in folders if folder.is_dir()), folders[0])
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find(config: str) -> Path:
    """The file that a path or a packaged name means."""
    path = Path(config)
    if path.is_file():
        return path
    if config in packaged():
        return packaged()[config]
    if path.is_dir():
        raise UsageError(f"{config}: is a folder; give a YAML file in it")
    raise UsageError(f"{config}: no such file; {unknown('config', path.stem, packaged())}")


def load_config(config: str, settings: list[str] | None = None) -> Experiment:
    """The experiment of a path or packaged name, with "key=value" changes."""
    path = find(config)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{config}: can't be read as text: {error}") from error
    name = config if Path(config).is_file() else path.name
    return load(text, name, path.parent, settings)
