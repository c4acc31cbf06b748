"""From values to options: pydantic's verdicts as sentences for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gfopt.config.source import Complaint, Path_
from gfopt.errors import unknown
from gfopt.options import NestedError

M = TypeVar("M", bound=BaseModel)


def validate(
    model: type[M], values: Any, at: Path_ = (), also: tuple[str, ...] = ()
) -> tuple[M | None, list[Complaint]]:
    """The options that the values make, or every complaint about them; strict: "1" is no number.

    `also` are keys that are valid beside the model's own, for the sentence about an unknown one.
    """
    try:
        return model.model_validate_json(json.dumps(values, default=str), strict=True), []
    except ValidationError as error:
        return None, list(_complaints(model, error, at, also))


def _complaints(
    model: type[BaseModel], error: ValidationError, at: Path_, also: tuple[str, ...]
) -> Iterator[Complaint]:
    """Each of pydantic's verdicts as a complaint, those on a part made by itself included."""
    for found in error.errors():
        place, cause = (*at, *_place(found)), found.get("ctx", {}).get("error")
        if isinstance(cause, NestedError):
            yield from _complaints(cause.model, cause.error, place, cause.also)
        else:
            yield Complaint(place, _sentence(model, found, also))


def _place(error: ErrorDetails) -> Path_:
    return tuple(part for part in error["loc"] if not (isinstance(part, str) and "[" in part))


def _sentence(model: type[BaseModel], error: ErrorDetails, also: tuple[str, ...]) -> str:
    kind, context, got = error["type"], error.get("ctx", {}), error["input"]
    if kind == "extra_forbidden":
        known = [*_keys(model, error["loc"][:-1]), *also]
        return unknown("key", str(error["loc"][-1]), known)
    if kind == "missing":
        return "this key is missing"
    if kind == "literal_error":
        return f"must be {context['expected']} (got {_show(got)})"
    if kind in ("value_error", "assertion_error"):
        return str(context["error"])
    if kind in _RULES:
        return f"must be {_RULES[kind].format(**context)}{_hint(error)} (got {_show(got)})"
    return f"{error['msg'][:1].lower()}{error['msg'][1:]} (got {_show(got)})"


_RULES = {
    "greater_than": "> {gt:.12g}",
    "greater_than_equal": ">= {ge:.12g}",
    "less_than": "< {lt:.12g}",
    "less_than_equal": "<= {le:.12g}",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "string_too_short": "text, and not empty",
    "bool_type": "true or false",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "tuple_type": "a list",
    "list_type": "a list",
    "finite_number": "a finite number",
    "too_short": "a list of at least {min_length}",
}


def _hint(error: ErrorDetails) -> str:
    """What people mean who write 95 for an accuracy, or 1e3 for a count."""
    got = error["input"]
    if str(error["loc"][-1:]).endswith("_accuracy',)"):
        return ": a fraction, 95 % is 0.95"
    if error["type"] == "int_type" and isinstance(got, float) and got.is_integer():
        return f", written as {got:.0f}"
    return ""


def _show(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def _keys(model: type[BaseModel], path: Iterable[str | int]) -> list[str]:
    """The valid keys of the section at a path below the model."""
    section: Any = model
    for part in path:
        field = section.model_fields.get(part) if hasattr(section, "model_fields") else None
        found = (
            [t for t in _arguments(field.annotation) if hasattr(t, "model_fields")] if field else []
        )
        section = found[0] if found else section
    return list(section.model_fields)


def _arguments(annotation: Any) -> list[Any]:
    """The annotation and what it is a union of."""
    return [annotation, *getattr(annotation, "__args__", ())]
