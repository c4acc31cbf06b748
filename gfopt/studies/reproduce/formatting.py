"""Numbers of a claim in words: ours, published ones, ranges, counts."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from gfopt.report.column_styles import format_significant


def format_value(value: float) -> str:
    """A number of ours: four digits, whole numbers in full; NaN means that nothing counted it."""
    if math.isnan(value):
        return "not counted"
    if math.isinf(value):
        return str(value)
    whole = value == round(value) and abs(value) < 1e7
    return f"{value:.0f}" if whole else format_significant(value, 4)


def format_published(value: float) -> str:
    """A published number with all its digits."""
    return f"{value:.12g}"


def format_range(values: Sequence[float]) -> str:
    """The smallest and the largest value, or the one that all are; NaN counts as infinity."""
    if all(map(math.isnan, values)):
        return format_value(math.nan)
    known = [math.inf if math.isnan(value) else value for value in values]
    low, high = format_value(min(known)), format_value(max(known))
    return low if min(known) == max(known) else f"{low} to {high}"


def format_share(found: Collection[bool]) -> str:
    """3 of 5."""
    return f"{sum(found)} of {len(found)}"


def format_count(number: int, noun: str) -> str:
    """1 seed, 2 seeds."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
