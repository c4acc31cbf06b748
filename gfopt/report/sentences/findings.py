"""What a table shows: sizes with intervals, and whether they are significant.

For each optimizer that is no control: how it compares with the baseline of its race, and whether
its controls have the same gain. No sentence claims more than the pairs show.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from gfopt.analysis.pairs import ALPHA
from gfopt.analysis.statistics import MIN_RUNS_FOR_INTERVAL

if TYPE_CHECKING:
    from gfopt.analysis.pairs import Pair
    from gfopt.analysis.timing import NoiseFloor

Pairs = Sequence["Pair"]
MAX_DETAILED = 6  # optimizers that get a sentence each; more are summarised


def write_findings(pairs: Pairs, floors: Mapping[str, NoiseFloor]) -> Iterator[str]:
    """All sentences: optimizers against the baseline, gains against controls, limits of both.

    `floors`: the timing noise of each experiment.
    """
    compared, prefixes = _group_by_optimizer(pairs), _choose_prefixes(pairs)
    if len({own[0].first.label for own in compared}) > MAX_DETAILED:
        yield from _summarise(compared, prefixes)
    else:
        for own in compared:
            prefix = prefixes[_identify_race(own[0])]
            yield prefix + _compare_with_baseline(own)
            for pair in own:
                if found := _compare_with_controls(pair, pairs):
                    names = f"{pair.first.label}'s gain over {pair.second.label}"
                    yield f"{prefix}{names} in {pair.axis.words}: {found}"
    yield from _explain_tests(pairs)
    for experiment in dict.fromkeys(pair.first.experiment for pair in pairs):
        own = [pair for pair in pairs if pair.first.experiment == experiment]
        several = len(own) < len(pairs)
        for sentence in _describe_noise(own, floors.get(experiment), prefixes):
            yield f"{experiment}: {sentence}" if several else sentence


def _identify_race(pair: Pair) -> tuple[str, str | None]:
    return pair.first.experiment, pair.first.target


def _choose_prefixes(pairs: Pairs) -> dict[tuple[str, str | None], str]:
    """What stands before a sentence on each race: as much as tells the races apart."""
    races = dict.fromkeys(map(_identify_race, pairs))
    several = [len(set(part)) > 1 for part in zip(*races, strict=True)]
    return {
        race: "".join(f"{part}: " for part, named in zip(race, several, strict=True) if named)
        for race in races
    }


def _group_by_optimizer(pairs: Pairs) -> list[list[Pair]]:
    """Each optimizer's pairs with the baseline, one an axis; without those of controls."""
    found: dict[tuple[str | None, ...], list[Pair]] = {}
    for pair in pairs:
        if pair.with_baseline and not pair.first.control_of:
            key = pair.first.experiment, pair.first.target, pair.first.reading, pair.first.label
            found.setdefault(key, []).append(pair)
    return list(found.values())


def _summarise(
    compared: list[list[Pair]], prefixes: Mapping[tuple[str, str | None], str]
) -> Iterator[str]:
    """For each race and axis the optimizers that need significantly fewer or more."""
    groups: dict[tuple[tuple[str, str | None], str], list[Pair]] = {}
    for pair in (pair for own in compared for pair in own):
        groups.setdefault((_identify_race(pair), pair.axis.name), []).append(pair)
    for (race, _), pairs in groups.items():
        kinds = {
            "significantly fewer": [pair for pair in pairs if pair.lower],
            "significantly more": [pair for pair in pairs if pair.higher],
        }
        parts = [f"{kind}: {', '.join(map(_name, own))}" for kind, own in kinds.items() if own]
        rest = [pair for pair in pairs if not pair.lower and not pair.higher]
        if rest:
            possible = any(pair.can_be_significant for pair in rest)
            verdict = "not significant" if possible else "inconclusive"
            parts.append(f"{verdict}: {len(rest)} of {len(pairs)} optimizers")
        words, baseline = pairs[0].axis.words, pairs[0].second.label
        head = f"{words[:1].upper()}{words[1:]} against {baseline}"
        yield f"{prefixes[race]}{head}: {'; '.join(parts)}."


def _name(pair: Pair) -> str:
    return f"{pair.first.label} ({_write_size(pair)})"


def _compare_with_baseline(pairs: Pairs) -> str:
    """One optimizer against the baseline, on all axes."""
    first, second = pairs[0].first.label, pairs[0].second.label
    parts = "; ".join(f"{_describe_costs(pair)} ({_judge(pair)})" for pair in pairs)
    return f"{first} against {second}, {_count_seeds(pairs[0].comparison.pairs)}: {parts}."


def _count_seeds(count: int) -> str:
    return "1 seed" if count == 1 else f"{count} seeds"


def _describe_costs(pair: Pair) -> str:
    """Size, axis, interval; if misses leave the ratio open, the seeds that are decided."""
    words, comparison = pair.axis.words, pair.comparison
    if not _is_known(pair):
        return (
            f"fewer {words} in {_count_seeds(comparison.wins)}, more in {comparison.losses}, "
            f"undecided in {comparison.ties}"
        )
    median = "" if comparison.ratio_mean.value else ", median with censored runs"
    return f"{_write_size(pair)} {words}{_write_interval(pair)}{median}"


def _is_known(pair: Pair) -> bool:
    """Whether the ratio is a number: 0 and infinity stand for misses."""
    return pair.ratio is not None and 0 < pair.ratio < math.inf


def _write_size(pair: Pair) -> str:
    """How many times fewer or more the first one needs; counts of seeds if that isn't known."""
    if pair.ratio is None or not _is_known(pair):
        return f"fewer in {_count_seeds(pair.comparison.wins)}, more in {pair.comparison.losses}"
    size = _write_times(max(pair.ratio, 1 / pair.ratio))
    if size == _write_times(1):
        return f"{size} the"
    return f"{size} {'fewer' if pair.ratio < 1 else 'more'}"


def _write_times(factor: float) -> str:
    return f"{factor:.2f}×"  # noqa: RUF001


def _write_interval(pair: Pair) -> str:
    """The interval of the size, in its direction; empty for one seed."""
    ratio, lo, hi = pair.estimate
    if pair.comparison.pairs == 1 or ratio is None or lo is None or hi is None:
        return ""
    if ratio < 1:
        lo, hi = (1 / end if end else math.inf for end in (hi, lo))
    kind = "95 % CI" if pair.comparison.pairs >= MIN_RUNS_FOR_INTERVAL else "range"
    return f" [{kind} {lo:.2f}, {hi:.2f}]"


def _judge(pair: Pair) -> str:
    """The result of the test."""
    if not pair.can_be_significant:
        return "inconclusive"
    p = f"p = {pair.p:.2g}" if pair.p >= 1e-4 else "p < 0.0001"
    if not pair.lower and not pair.higher:
        verdict = "not significant"
    elif pair.ratio is None or (pair.ratio < 1) == pair.lower:
        verdict = "significant"
    else:  # most seeds go the other way than the mean
        verdict = f"significantly {'fewer' if pair.lower else 'more'} in most seeds"
    return f"{verdict}, {p}, {pair.comparison.test} test"


def _compare_with_controls(gain: Pair, pairs: Pairs) -> str | None:
    """Whether the controls have a gain too, on one axis; None without gain or control.

    The baseline may be a control: it isn't named again.
    """
    controls = [pair for pair in pairs if pair.with_control and _is_same(pair, gain)]
    if _measure_lead(gain) <= 0 or not controls:
        return None
    others = [pair for pair in controls if not pair.with_baseline]
    matched = [pair for pair in others if _is_matched(pair)]
    unclear = [pair for pair in others if pair not in matched and _is_unclear(pair)]
    parts = [_describe_matches(matched)] if matched else []
    parts += [_describe_unclear(pair) for pair in unclear]
    name, words = gain.first.label, gain.axis.words
    if not parts and all(pair.lower for pair in controls):
        parts = [f"{name} needs significantly fewer {words} than every control."]
    elif not parts:
        possible = all(pair.can_be_significant for pair in controls)
        verdict = "not significant" if possible else "inconclusive"
        parts = [f"{name} needs fewer {words} than every control ({verdict})."]
    return " ".join(parts)


def _is_same(pair: Pair, gain: Pair) -> bool:
    """Whether two pairs are of the same optimizer, race and axis."""
    one, other = ((_identify_race(p), p.first.label, p.axis) for p in (pair, gain))
    return one == other


def _measure_lead(pair: Pair) -> float:
    """Above 0 if the first needs fewer: on average or, if misses leave that open, more often."""
    if pair.ratio is None:
        return pair.comparison.wins - pair.comparison.losses
    return 1 - pair.ratio


def _is_matched(pair: Pair) -> bool:
    """Whether the control needs no more; if misses leave it open, by test or in half the seeds."""
    if pair.ratio is None:
        return pair.higher or 2 * pair.comparison.losses >= pair.comparison.pairs
    return pair.ratio >= 1


def _is_unclear(pair: Pair) -> bool:
    """Whether the interval of the ratio contains 1; without a ratio, whether no test decides."""
    _, lo, hi = pair.estimate
    if not _is_known(pair):
        return not pair.lower
    return lo is None or hi is None or lo <= 1 <= hi


def _describe_matches(pairs: Pairs) -> str:
    """The controls that need no more, the best one first: the gain isn't the optimizer's own."""
    name, words = pairs[0].first.label, pairs[0].axis.words
    known = [pair for pair in pairs if _is_known(pair)]
    known.sort(key=lambda pair: pair.ratio or 0.0, reverse=True)
    best, *rest = [*known, *(pair for pair in pairs if pair not in known)]
    if best.ratio is None or not _is_known(best):
        lead = f"{best.second.label} needs fewer {words} than {name} in {_count_matched(best)}"
    elif (size := _write_times(best.ratio)) == _write_times(1):
        lead = f"{best.second.label} needs no more {words} than {name}"
    else:
        lead = f"{best.second.label} needs {size} fewer {words} than {name}"
    also = f" (also {'; '.join(map(_name_match, rest))})" if rest else ""
    return f"{lead}{also}, so the gain is not specific to {name}."


def _name_match(pair: Pair) -> str:
    if pair.ratio is None or not _is_known(pair):
        return f"{pair.second.label}: {_count_matched(pair)}"
    return f"{pair.second.label}: {_write_times(pair.ratio)}"


def _count_matched(pair: Pair) -> str:
    return f"{pair.comparison.losses} of {_count_seeds(pair.comparison.pairs)}"


def _describe_unclear(pair: Pair) -> str:
    first, control = pair.first.label, pair.second.label
    if not _is_known(pair):
        return f"Against {control}, {first} needs {_describe_costs(pair)} ({_judge(pair)})."
    size, interval = _write_size(pair), _write_interval(pair)
    than = "of" if size.endswith("the") else "than"
    kind = "interval" if pair.comparison.pairs >= MIN_RUNS_FOR_INTERVAL else "range"
    why = f"; the {kind} contains 1" if interval else " with its only seed"
    return f"{first} needs {size} {pair.axis.words} {than} {control}{interval}{why}."


def _explain_tests(pairs: Pairs) -> Iterator[str]:
    """How significance is tested, and where so few seeds can't show it."""
    if not pairs:
        return
    families = Counter(pair.family for pair in pairs)
    most = max(pair.comparison.pairs for pair in pairs)
    yield (
        "Paired by seed: same initial weights and batch order. Sizes: geometric means of ratios. "
        f"p: two-sided, Holm's correction over {_count_comparisons(max(families.values()))} of "
        f"each cost; significant up to {ALPHA:g}. The smallest possible p with "
        f"{_count_seeds(most)} is {min(pair.smallest_p for pair in pairs):.2g}."
    )
    few = {
        (pair.comparison.pairs, families[pair.family], pair.smallest_p): None
        for pair in pairs
        if not pair.can_be_significant
    }
    for seeds, comparisons, smallest in few:
        needed = 1 + math.ceil(math.log2(comparisons / ALPHA))
        yield (
            f"Inconclusive: with {_count_seeds(seeds)} and {_count_comparisons(comparisons)} no p "
            f"below {smallest:.2g} is possible. Use at least {needed} seeds."
        )


def _count_comparisons(count: int) -> str:
    return "1 comparison" if count == 1 else f"{count} comparisons"


def _describe_noise(
    pairs: Pairs, floor: NoiseFloor | None, prefixes: Mapping[tuple[str, str | None], str]
) -> Iterator[str]:
    """The timing noise, and the differences in seconds that are not larger."""
    timed = [pair for pair in pairs if pair.axis.name == "seconds" and pair.with_baseline]
    if not timed:
        return
    if not floor:
        yield "Timing noise unknown: no optimizer was repeated undisturbed."
        return
    yield (
        f"Timing noise, {floor.label} against its own repeats, {_count_seeds(floor.pairs)}: up to "
        f"{_write_times(floor.mean)} on average, up to {_write_times(floor.single)} in single runs."
    )
    within: dict[tuple[str | None, str], list[Pair]] = {}
    for pair in timed:
        if pair.ratio is not None and 1 / floor.mean <= pair.ratio <= floor.mean:
            within.setdefault((pair.first.target, pair.second.label), []).append(pair)
    for (target, baseline), found in within.items():
        prefix = f"{target}: " if len(prefixes) > 1 else ""
        yield (
            f"{prefix}Not larger than timing noise ({_write_times(floor.mean)}): the differences "
            f"in training seconds from {baseline} of {', '.join(map(_name, found))}."
        )
