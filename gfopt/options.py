"""Frozen, validated options: the base of everything that a config can name."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class Options(BaseModel):
    """Keyword-only options that can't change once made. Unknown keys and wrong values raise."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NestedError(ValueError):
    """What is wrong with options that a validator made of a part of its own model's values."""

    def __init__(self, model: type[BaseModel], error: ValidationError, also: tuple[str, ...]):
        super().__init__(str(error))
        self.model, self.error, self.also = model, error, also  # also: keys that aren't the part's


Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
