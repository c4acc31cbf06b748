"""The search space of an entry: the one its optimizer declares, with the config's ranges in it.

A range under `tune:` in the config is for every optimizer that has an option of that name. Its
scale is that of the optimizer's own range; without one it is logarithmic if high >= 10 low. No
torch here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gfopt.config.tune_ranges import find_unknown_ranges, list_tunable_options
from gfopt.config.validation import validate
from gfopt.errors import UsageError
from gfopt.optimizers.base import optimizers
from gfopt.search_space import Choice, Range, Space

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment
    from gfopt.optimizers.base import Optimizer

Ranges = Mapping[str, tuple[float, float]]


def find_spaces(experiment: Experiment) -> dict[str, Space]:
    """The search space of each entry, by label.

    Raises UsageError with every end of a range that an optimizer refuses, and with every range that
    no optimizer has an option for.
    """
    depth, ranges = experiment.depth, experiment.tune
    made = {entry.label: entry.make_optimizer(depth) for entry in experiment.entries}
    spaces = {label: find_space(optimizer, ranges) for label, optimizer in made.items()}
    wrong = [
        message
        for entry in experiment.entries
        for message in find_refusals(entry, spaces[entry.label], depth)
    ]
    unknown = find_unknown_ranges(ranges, made.values())
    wrong += [f"tune.{name}: {message}" for name, message in unknown]
    if wrong:
        raise UsageError("\n".join(dict.fromkeys(wrong)))
    return spaces


def find_space(optimizer: Optimizer, ranges: Ranges) -> Space:
    """The search space of an optimizer, in the order in which it declares its options."""
    own, tunable = dict(type(optimizer).space), list_tunable_options(optimizer)
    asked = {name: ends for name, ends in ranges.items() if name in tunable}
    return own | {
        name: _make_range(optimizer, name, own.get(name), ends) for name, ends in asked.items()
    }


def find_refusals(entry: Entry, space: Space, depth: int) -> Iterable[str]:
    """Errors that the optimizer raises at the ends of its search range, each option by itself."""
    for name, values in space.items():
        for end in values.ends():
            try:
                replace_options(entry, expand_option(name, values, end)).make_optimizer(depth)
            except UsageError as error:
                yield f"tune.{name}: {error}"


def expand_option(name: str, values: Range | Choice, value: Any) -> dict[str, Any]:
    """The options that a value stands for: its own, and the mirrored one with the other sign."""
    mirror = values.mirror if isinstance(values, Range) else None
    return {name: value} | ({mirror: -value} if mirror else {})


def replace_options(entry: Entry, options: Mapping[str, Any]) -> Entry:
    """The entry with these options in place of its own.

    Raises UsageError if its optimizer refuses them.
    """
    given = entry.options | dict(options)
    if entry.optimizer is None:
        return replace(entry, options=given)
    optimizer, complaints = validate(optimizers[entry.name], given)
    if optimizer is None:
        wrong = (f"{entry.label}: {'.'.join(map(str, c.at))}: {c.message}" for c in complaints)
        raise UsageError("\n".join(wrong))
    return replace(entry, options=optimizer.model_dump(mode="json"), optimizer=optimizer)


def _make_range(
    optimizer: Optimizer, name: str, own: Range | Choice | None, ends: tuple[float, float]
) -> Range:
    """The config's range of an option, on the scale of the optimizer's own."""
    low, high = ends
    if isinstance(own, Range):
        whole, log, mirror = own.whole, own.log, own.mirror
    else:
        whole, log, mirror = type(getattr(optimizer, name, None)) is int, high >= 10 * low, None
    if whole:
        low, high = round(low), round(high)
    return Range(low, high, log=log, whole=whole, mirror=mirror)
