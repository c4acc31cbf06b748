"""Frozen, validated options: the base of everything that a config can name."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class Options(BaseModel):
    """Frozen keyword-only options. Unknown keys and wrong values raise ValidationError."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NestedError(ValueError):
    """The errors in options that a validator built from a part of its model's values."""

    def __init__(self, model: type[BaseModel], error: ValidationError, also: tuple[str, ...]):
        super().__init__(str(error))
        self.model, self.error = model, error  # the class of these options, and their errors
        self.also = also  # valid keys of the part that aren't the model's own


Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
