"""What a table shows, in sentences that carry its numbers and no adjective that they don't.

For each rule that isn't a control: how it compares with the first one of its race, and whether its
gain is more than its controls have; each only as far as the pairs go.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from gfopt.pairs import SIGNIFICANT, family
from gfopt.statistics import ENOUGH

if TYPE_CHECKING:
    from gfopt.pairs import Pair
    from gfopt.timing import Floor

Pairs = Sequence["Pair"]
MANY = 6  # rules from which on they are told together


def findings(pairs: Pairs, floors: Mapping[str, Floor]) -> Iterator[str]:
    """All sentences: rules against the first one, gains against controls, and what limits both.

    `floors` are the noise floors of the seconds, by experiment.
    """
    rules, aims = _rules(pairs), _aims(pairs)
    if len({raced[0].first.label for raced in rules}) > MANY:
        yield from _summaries(rules, aims)
        rules = []
    for raced in rules:
        aim = aims[_race(raced[0])]
        yield aim + _compared(raced)
        gains = [gain for pair in raced if (gain := _beside_controls(pair, pairs))]
        if gains:
            names = f"{raced[0].first.label}'s gain over {raced[0].second.label}"
            yield f"{aim}{names}: {'; '.join(gains)}."
    yield from _limits(pairs)
    for experiment in dict.fromkeys(pair.first.experiment for pair in pairs):
        own = [pair for pair in pairs if pair.first.experiment == experiment]
        several = len(own) < len(pairs)
        for said in _noise(own, floors.get(experiment), aims):
            yield f"{experiment}: {said}" if several else said


def _race(pair: Pair) -> tuple[str, str | None]:
    return pair.first.experiment, pair.first.target


def _aims(pairs: Pairs) -> dict[tuple[str, str | None], str]:
    """What to say before a sentence on each race: as much as tells them apart."""
    races = dict.fromkeys(map(_race, pairs))
    several = [len(set(part)) > 1 for part in zip(*races, strict=True)]
    return {
        race: "".join(f"{part}: " for part, told in zip(race, several, strict=True) if told)
        for race in races
    }


def _rules(pairs: Pairs) -> list[list[Pair]]:
    """Each raced rule's pairs with the first one, one an axis."""
    found: dict[tuple[str | None, ...], list[Pair]] = {}
    for pair in pairs:
        if pair.with_first and not pair.first.control_of:
            key = pair.first.experiment, pair.first.target, pair.first.reading, pair.first.label
            found.setdefault(key, []).append(pair)
    return list(found.values())


def _summaries(
    rules: list[list[Pair]], aims: Mapping[tuple[str, str | None], str]
) -> Iterator[str]:
    """For each target and axis which rules took fewer than the first one, and which more."""
    groups: dict[tuple[tuple[str, str | None], str], list[Pair]] = {}
    for pair in (pair for raced in rules for pair in raced):
        groups.setdefault((_race(pair), pair.axis.name), []).append(pair)
    for (race, _), pairs in groups.items():
        aim = aims[race]
        kinds = {
            "fewer": [pair for pair in pairs if pair.lower],
            "more": [pair for pair in pairs if pair.higher],
        }
        told = [f"{kind} {', '.join(map(_named, found))}" for kind, found in kinds.items() if found]
        rest = len(pairs) - sum(map(len, kinds.values()))
        told += [f"no order shown for {rest} of {len(pairs)} rules{_too_few(pairs[0])}"] * (
            rest > 0
        )
        yield f"{aim}{pairs[0].axis.words} against {pairs[0].second.label}: {'; '.join(told)}."


def _named(pair: Pair) -> str:
    return f"{pair.first.label} ({_times(pair)})"


def _compared(pairs: Pairs) -> str:
    """One rule against the first one, on all axes."""
    first, second, found = pairs[0].first, pairs[0].second, pairs[0].found
    count = _count(found.pairs)
    parts = "; ".join(_told(pair) + _basis(pair) for pair in pairs)
    return f"{first.label} against {second.label}, {count}: {parts}{_too_few(pairs[0])}."


def _count(pairs: int) -> str:
    return "1 pair" if pairs == 1 else f"{pairs} pairs"


def _told(pair: Pair) -> str:
    """The ratio of the costs; where misses leave it open, which of them is known to be lower."""
    words, found = pair.axis.words, pair.found
    if _is_known(pair):
        return f"{_times(pair)} the {words}"
    pairs = _count(found.wins)
    return f"fewer {words} in {pairs}, more in {found.losses}, undecided in {found.ties}"


def _is_known(pair: Pair) -> bool:
    """Whether the ratio is a number: 0 and infinity stand for misses."""
    return pair.ratio is not None and 0 < pair.ratio < math.inf


def _times(pair: Pair) -> str:
    if not _is_known(pair):
        return f"fewer in {_count(pair.found.wins)}, more in {pair.found.losses}"
    return f"{pair.ratio:.2f} times"


def _basis(pair: Pair) -> str:
    """The interval of the ratio and what the test says, in brackets."""
    found, estimate, known = pair.found, pair.estimate, _is_known(pair)
    parts = ["median, misses in"] if known and found.ratio_mean.value is None else []
    if known and found.pairs > 1 and estimate.lo is not None and estimate.hi is not None:
        kind = "95 %" if found.pairs >= ENOUGH else "range"
        parts.append(f"{kind} {estimate.lo:.2f} to {estimate.hi:.2f}")
    if pair.least <= SIGNIFICANT:
        parts.append(_tested(pair))
    return f" ({', '.join(parts)})" if parts else ""


def _tested(pair: Pair) -> str:
    """The order, where the test shows one."""
    order = "fewer" if pair.lower else "more" if pair.higher else "no difference shown"
    p = f"p = {pair.p:.2g}" if pair.p >= 1e-4 else "p < 0.0001"
    return f"{order}, {pair.found.test} test, {p}"


def _too_few(pair: Pair) -> str:
    if pair.least <= SIGNIFICANT:
        return ""
    return f"; no order is claimed, p = {pair.least:.2g} is the least that so few can reach"


def _beside_controls(gain: Pair, pairs: Pairs) -> str | None:
    """Whether a gain on one axis is beyond each control of the rule; None without gain or control.

    A control that takes no more matches it; one whose interval holds 1 isn't told apart. The rule
    that the gain is over may be a control too: it is named as such already.
    """
    if _lead(gain) <= 0:
        return None
    controls = [pair for pair in pairs if pair.of_control and _same(pair, gain)]
    if not controls:
        return None
    head = f"in {gain.axis.words} "
    others = [pair for pair in controls if not pair.with_first]
    matched = [pair for pair in others if _matches(pair)]
    untold = [pair for pair in others if pair not in matched and _holds_one(pair)]
    kinds = {"matched by": matched, "not told apart from": untold}
    if parts := [f"{words} {_listed(found)}" for words, found in kinds.items() if found]:
        return head + ", ".join(parts)
    if not all(pair.lower for pair in controls):
        return f"{head}ahead of every control on these seeds, which are too few to show it"
    return f"{head}beyond every control"


def _same(pair: Pair, gain: Pair) -> bool:
    """Whether two pairs are of the same rule, race and axis."""
    one, other = ((_race(p), p.first.label, p.axis) for p in (pair, gain))
    return one == other


def _lead(pair: Pair) -> float:
    """Above 0 where the first costs less: on average or, if misses leave that open, more often."""
    return pair.found.wins - pair.found.losses if pair.ratio is None else 1 - pair.ratio


def _matches(pair: Pair) -> bool:
    """Whether the control takes no more; if misses leave it open, by test or in half the pairs."""
    if pair.ratio is None:
        return pair.higher or 2 * pair.found.losses >= pair.found.pairs
    return pair.ratio >= 1


def _holds_one(pair: Pair) -> bool:
    _, lo, hi = pair.estimate
    if not _is_known(pair):
        return not pair.lower
    return lo is None or hi is None or lo <= 1 <= hi


def _listed(pairs: Pairs) -> str:
    """The controls, and how many times their cost the rule takes."""
    return ", ".join(f"{pair.second.label} ({_beside(pair)})" for pair in pairs)


def _beside(pair: Pair) -> str:
    return f"{_times(pair)} its {pair.axis.name}" if _is_known(pair) else _times(pair)


def _limits(pairs: Pairs) -> Iterator[str]:
    """How the order is tested."""
    if pairs:
        count = _count(max(pair.found.pairs for pair in pairs))
        yield (
            "Pairs share a seed, so start and order; ratios are geometric means; p is two-sided, "
            "after Holm's correction over the "
            f"{max(Counter(map(family, pairs)).values())} comparisons of a cost; "
            f"{count} can reach p = "
            f"{min(pair.least for pair in pairs):.2g}."
        )


def _noise(
    pairs: Pairs, floor: Floor | None, aims: Mapping[tuple[str, str | None], str]
) -> Iterator[str]:
    """Which differences in seconds are no larger than those of a rule from itself."""
    timed = [pair for pair in pairs if pair.axis.name == "seconds" and pair.with_first]
    if not timed:
        return
    if not floor:
        yield "Noise floor of the seconds: not known, no rule ran twice undisturbed."
        return
    yield (
        f"Noise floor of the seconds: {floor.label} against itself is up to {floor.mean:.2f} times "
        f"apart on average over {_count(floor.pairs)}, single runs up to {floor.single:.2f} times."
    )
    within: dict[tuple[str | None, str], list[Pair]] = {}
    for pair in timed:
        if pair.ratio is not None and 1 / floor.mean <= pair.ratio <= floor.mean:
            within.setdefault((pair.first.target, pair.second.label), []).append(pair)
    for (target, second), found in within.items():
        aim = f"{target}: " if len(aims) > 1 else ""
        yield (
            f"{aim}Within the noise floor are the differences in seconds from {second} of "
            f"{', '.join(map(_named, found))}."
        )
