"""gfopt list: what there is, and one entry in full."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gfopt.errors import UnknownNameError
from gfopt.options import Options

if TYPE_CHECKING:
    from collections.abc import Mapping


def list_(
    kind: Annotated[
        str | None, typer.Argument(metavar="[optimizers|datasets|losses|inits|configs]")
    ] = None,
    name: Annotated[
        str | None, typer.Argument(help="One entry: equation, source, options, cost.")
    ] = None,
) -> None:
    """List optimizers, data sets, losses, inits or configs; with NAME, one entry in full."""
    kinds = _kinds()
    if kind is not None and kind not in kinds:
        raise UnknownNameError("kind", kind, kinds)
    for chosen in [kind] if kind else kinds:
        if name and name not in kinds[chosen]:
            raise UnknownNameError(_SINGULAR.get(chosen, chosen[:-1]), name, kinds[chosen])
        typer.echo(_entry(kinds[chosen][name]) if name else f"{chosen}:\n{_summary(kinds[chosen])}")


_SINGULAR = {"losses": "loss"}


def _kinds() -> dict[str, Mapping[str, Any]]:
    from gfopt.config.finding import packaged
    from gfopt.datasets.base import datasets
    from gfopt.initializers import initializers
    from gfopt.losses import losses
    from gfopt.optimizers.base import optimizers

    return {
        "optimizers": optimizers,
        "datasets": datasets,
        "losses": losses,
        "inits": initializers,
        "configs": packaged(),
    }


def _summary(entries: Mapping[str, Any]) -> str:
    width = max(map(len, entries))
    return "\n".join(f"  {name:<{width}}  {_first_line(entry)}" for name, entry in entries.items())


def _first_line(entry: Any) -> str:
    """The first sentence of a class, of its module where the class only names its options."""
    text = _text(entry)
    return text.strip().splitlines()[0].lstrip("# ").partition(". ")[0].rstrip(".")


def _entry(entry: Any) -> str:
    """The whole text, then the options with type, default and meaning."""
    if not hasattr(entry, "model_fields"):
        return _text(entry)
    lines = [_text(entry).strip(), "", "Options:"]
    for name, field in entry.model_fields.items():
        default = "required" if field.is_required() else f"default {_value(field.default)}"
        lines.append(
            f"  {name}: {default}" + (f"; {field.description}" if field.description else "")
        )
    return "\n".join(lines)


def _value(value: Any) -> str:
    """A default; one that holds options of its own as a config would have it."""
    if isinstance(value, Options):
        given = [f"{key}: {_written(part)}" for key, part in value if key in value.model_fields_set]
        return f"{{{', '.join(given)}}}"
    if isinstance(value, tuple) and any(isinstance(part, Options) for part in value):
        return f"[{', '.join(map(_value, value))}]"
    return repr(value)


def _written(value: Any) -> str:
    """A value as YAML has it: a name without quotes."""
    return value if isinstance(value, str) else _value(value)


def _text(entry: Any) -> str:
    """What says most: a config's file, the module of a rule or data set, else the docstring."""
    if not inspect.isclass(entry):
        return str(entry.read_text("utf-8"))
    home = sys.modules[entry.__module__]
    module, own = inspect.getdoc(home) or "", inspect.getdoc(entry) or ""
    kind = entry.__mro__[entry.__mro__.index(Options) - 1]  # such as Optimizer
    classes = [
        found
        for found in vars(home).values()
        if inspect.isclass(found) and issubclass(found, kind) and found.__module__ == home.__name__
    ]
    return module if len(classes) == 1 else f"{own}\n\n{module}"
