"""Plain values -> options; what pydantic finds wrong becomes complaints in plain English."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gfopt.config.yaml_file import Complaint, KeyPath
from gfopt.errors import describe_unknown
from gfopt.options import NestedError

M = TypeVar("M", bound=BaseModel)


def validate(
    model: type[M], values: Any, at: KeyPath = (), also: tuple[str, ...] = ()
) -> tuple[M | None, list[Complaint]]:
    """The options that the values make, or every complaint about them; strict: "1" is no number.

    Args:
        model: The class of the options.
        values: Plain values, usually a mapping.
        at: Where in the file the values are.
        also: Keys that are valid beside the model's own, for the message about an unknown one.
    """
    try:
        return model.model_validate_json(json.dumps(values, default=str), strict=True), []
    except ValidationError as error:
        return None, list(_convert(model, error, at, also))


def _convert(
    model: type[BaseModel], error: ValidationError, at: KeyPath, also: tuple[str, ...]
) -> Iterator[Complaint]:
    """Each of pydantic's errors as a complaint, those about nested options included."""
    for found in error.errors():
        keys = (key for key in found["loc"] if not (isinstance(key, str) and "[" in key))
        place, cause = (*at, *keys), found.get("ctx", {}).get("error")
        if isinstance(cause, NestedError):
            yield from _convert(cause.model, cause.error, place, cause.also)
        else:
            yield Complaint(place, _describe(model, found, also))


def _describe(model: type[BaseModel], error: ErrorDetails, also: tuple[str, ...]) -> str:
    kind, context, got = error["type"], error.get("ctx", {}), error["input"]
    shown = json.dumps(got, default=str, ensure_ascii=False)
    if kind == "extra_forbidden":
        key = str(error["loc"][-1])
        if key.isdecimal():
            return f"unknown key {key!r}: write a decimal number with a point, not a comma"
        return describe_unknown("key", key, [*_list_keys(model, error["loc"][:-1]), *also])
    if kind == "missing":
        return "this key is missing"
    if kind == "literal_error":
        return f"must be {context['expected']} (got {shown})"
    if kind in ("value_error", "assertion_error"):
        return str(context["error"])
    if kind in _REQUIREMENTS:
        return f"must be {_REQUIREMENTS[kind].format(**context)}{_hint(error)} (got {shown})"
    return f"{error['msg'][:1].lower()}{error['msg'][1:]} (got {shown})"


_REQUIREMENTS = {
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
    """What to write instead, for frequent slips: 95 for an accuracy, 1e3 for a count, '0.1'."""
    got = error["input"]
    if str(error["loc"][-1:]).endswith("_accuracy',)"):
        return ": write a fraction, 0.95 for 95%"
    if error["type"] == "int_type" and isinstance(got, float) and got.is_integer():
        return f", written as {got:.0f}"
    if error["type"] in ("tuple_type", "list_type") and isinstance(got, str | int | float):
        return f", as in [{got}]"
    if isinstance(got, str) and error["type"] in ("float_type", "int_type"):
        number = got.strip().replace(",", ".").replace("_", "")
        if re.fullmatch(_NUMBERS[error["type"]], number):
            return f", written as {number}{' without quotes' if number == got else ''}"
    return ""


_NUMBERS = {"float_type": r"-?\d*\.?\d+([eE][-+]?\d+)?", "int_type": r"-?\d+"}  # as text


def _list_keys(model: type[BaseModel], path: Iterable[str | int]) -> list[str]:
    """The valid keys of the section at a path below the model."""
    section: Any = model
    for part in path:
        field = section.model_fields.get(part) if hasattr(section, "model_fields") else None
        if not field:
            continue
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]  # of a union: each
        section = next((kind for kind in kinds if hasattr(kind, "model_fields")), section)
    return list(section.model_fields)
