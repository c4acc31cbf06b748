"""What is tuned of an entry: the space its rule declares, with the config's ranges in their place.

A range of the config's `tune:` is for every rule that has an option of that name. It is searched on
a logarithmic scale where the rule's own is, or where its ends are tenfold apart. No torch here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gfopt.config.validation import validate
from gfopt.errors import UsageError
from gfopt.optimizers.base import optimizers
from gfopt.space import Range, Space, searchable, strays

if TYPE_CHECKING:
    from gfopt.config.entries import Entry
    from gfopt.config.experiment import Experiment
    from gfopt.optimizers.base import Optimizer

Ranges = Mapping[str, tuple[float, float]]


def spaces(experiment: Experiment) -> dict[str, Space]:
    """What is tuned of each entry, by label; UsageError tells every end that a rule refuses."""
    rules = {entry.label: entry.rule(experiment.depth) for entry in experiment.entries}
    found = {label: space_of(rule, experiment.tune) for label, rule in rules.items()}
    wrong = [
        sentence
        for entry in experiment.entries
        for sentence in refusals(entry, found[entry.label], experiment.depth)
    ]
    wrong += [f"tune.{name}: {said}" for name, said in strays(experiment.tune, rules.values())]
    if wrong:
        raise UsageError("\n".join(dict.fromkeys(wrong)))
    return found


def space_of(rule: Optimizer, ranges: Ranges) -> Space:
    """What is tuned of a rule, in the order in which it says so."""
    own = dict(type(rule).space)
    asked = {name: ends for name, ends in ranges.items() if name in searchable(rule)}
    return own | {name: _range(rule, name, own.get(name), ends) for name, ends in asked.items()}


def refusals(entry: Entry, space: Space, depth: int) -> Iterable[str]:
    """What the rule says against the ends of what it is tuned over, each by itself."""
    for name, among in space.items():
        for end in among.ends():
            try:
                with_options(entry, told(name, among, end)).rule(depth)
            except UsageError as error:
                yield f"tune.{name}: {error}"


def told(name: str, among: object, value: Any) -> dict[str, Any]:
    """The options that a value of one of them stands for."""
    mirror = among.mirror if isinstance(among, Range) else None
    return {name: value} | ({mirror: -value} if mirror else {})


def with_options(entry: Entry, options: Mapping[str, Any]) -> Entry:
    """The entry with some options in place of its own; UsageError where its rule refuses them."""
    given = entry.options | dict(options)
    if entry.made is None:
        return replace(entry, options=given)
    made, complaints = validate(optimizers[entry.name], given)
    if made is None:
        wrong = (f"{entry.label}: {'.'.join(map(str, c.at))}: {c.message}" for c in complaints)
        raise UsageError("\n".join(wrong))
    return replace(entry, options=made.model_dump(mode="json"), made=made)


def _range(rule: Optimizer, name: str, own: object, ends: tuple[float, float]) -> Range:
    """The config's range of an option, searched as the rule's own is."""
    low, high = ends
    value = getattr(rule, name, None)
    whole = own.whole if isinstance(own, Range) else type(value) is int
    log = own.log if isinstance(own, Range) else high >= 10 * low
    mirror = own.mirror if isinstance(own, Range) else None
    if whole:
        low, high = round(low), round(high)
    return Range(low, high, log=log, whole=whole, mirror=mirror)
