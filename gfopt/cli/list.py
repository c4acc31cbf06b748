"""gfopt list: the names of what is registered, and one entry in full."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gfopt.cli.command import command
from gfopt.errors import UnknownNameError
from gfopt.options import Options

if TYPE_CHECKING:
    from collections.abc import Mapping


@command(80, "list")
def list_(
    kind: Annotated[
        str | None, typer.Argument(metavar="[optimizers|datasets|losses|inits|backends|configs]")
    ] = None,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Show this entry: equation, source, options, cost."),
    ] = None,
) -> None:
    """List what is registered; with NAME, show one entry.

    Kinds: optimizers, data sets, losses, initializers (inits), backends and packaged configs.
    """
    kinds = _collect_kinds()
    if kind is not None and kind not in kinds:
        raise UnknownNameError("kind", kind, kinds)
    for chosen in [kind] if kind else kinds:
        if name and name not in kinds[chosen]:
            raise UnknownNameError(_SINGULAR.get(chosen, chosen[:-1]), name, kinds[chosen])
        entries = kinds[chosen]
        typer.echo(_describe(entries[name]) if name else f"{chosen}:\n{_summarize(entries)}")


_SINGULAR = {"losses": "loss"}


def _collect_kinds() -> dict[str, Mapping[str, Any]]:
    from gfopt.backends import backends
    from gfopt.config.packaged_configs import find_packaged_configs
    from gfopt.datasets.base import datasets
    from gfopt.model.initializers import initializers
    from gfopt.model.losses import losses
    from gfopt.optimizers.base import optimizers

    return {
        "optimizers": optimizers,
        "datasets": datasets,
        "losses": losses,
        "inits": initializers,
        "backends": backends,
        "configs": find_packaged_configs(),
    }


def _summarize(entries: Mapping[str, Any]) -> str:
    """A line for each entry: its name and the first sentence of its text."""
    width = max(map(len, entries))
    lines = []
    for name, entry in entries.items():
        title = _read_text(entry).strip().splitlines()[0].lstrip("# ")
        lines.append(f"  {name:<{width}}  {title.partition('. ')[0].rstrip('.')}")
    return "\n".join(lines)


def _describe(entry: Any) -> str:
    """The whole text, then the options with type, default and meaning."""
    if not hasattr(entry, "model_fields"):
        return _read_text(entry)
    lines = [_read_text(entry).strip(), "", "Options:"]
    for name, field in entry.model_fields.items():
        default = "required" if field.is_required() else f"default {_format_value(field.default)}"
        lines.append(
            f"  {name}: {default}" + (f"; {field.description}" if field.description else "")
        )
    return "\n".join(lines)


def _format_value(value: Any) -> str:
    """A default as Python writes it; an object with options as a config writes it."""
    if isinstance(value, Options):
        given = {key: part for key, part in value if key in value.model_fields_set}
        pairs = [f"{k}: {v if isinstance(v, str) else _format_value(v)}" for k, v in given.items()]
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, tuple) and any(isinstance(part, Options) for part in value):
        return f"[{', '.join(map(_format_value, value))}]"
    return repr(value)


def _read_text(entry: Any) -> str:
    """A config's file; else the docstring of the module, after that of the class if it has others.

    A module with one class of its kind, such as an optimizer's file, describes that class.
    """
    if not inspect.isclass(entry):
        return str(entry.read_text("utf-8"))
    home = sys.modules[entry.__module__]
    module, own = inspect.getdoc(home) or "", inspect.getdoc(entry) or ""
    bases = [base for base in entry.__mro__ if base.__module__.startswith("gfopt.")]
    bases = [base for base in bases if base is not Options]
    kind = bases[-1]  # such as Optimizer
    classes = [
        found
        for found in vars(home).values()
        if inspect.isclass(found) and issubclass(found, kind) and found.__module__ == home.__name__
    ]
    return module if len(classes) == 1 else f"{own}\n\n{module}"
