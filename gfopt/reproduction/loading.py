"""A claims file, read whole: every mistake in it is told at once, with its place. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from gfopt.config.finding import load_config
from gfopt.config.source import Complaint, Path_, parse
from gfopt.config.validation import validate
from gfopt.errors import UsageError, unknown
from gfopt.options import Options
from gfopt.reproduction.claims import Claim, Claims, Measure, Shown, checks, mapped, placed

O = TypeVar("O", bound=Options)

PACKAGED = Path(__file__).with_name("claims.yaml")


def load_claims(path: Path) -> Claims:
    """The claims of a file; UsageError tells everything that is wrong with them, with its place."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: can't be read: {said}") from error
    source, complaints = parse(text, str(path))
    values = source.values if isinstance(source.values, dict) else {}
    if not complaints:
        complaints += _outline(source.values)
    claims, wrong = _each(values, "claims", _claim, path.parent)
    figures, wrong_too = _each(values, "figures", _figure, path.parent)
    told = {complaint.at for complaint in complaints}
    found = [*wrong, *wrong_too, *_twice(claims), *_unfound(claims), *_unfound(figures)]
    complaints += [complaint for complaint in found if complaint.at not in told]
    if complaints:
        raise UsageError("\n".join(dict.fromkeys(map(source.sentence, complaints))))
    return Claims(list(claims.values()), list(figures.values()))


def _outline(values: Any) -> Iterator[Complaint]:
    """What is wrong with the file as a whole."""
    given = values if isinstance(values, dict) else {}
    if not (isinstance(given.get("claims"), list) and given["claims"]):
        yield Complaint((), "must be a list of claims under the key `claims`")
    if not isinstance(given.get("figures", []), list):
        yield Complaint(("figures",), "must be a list of figures")
    for key in given:
        if key not in ("claims", "figures"):
            yield Complaint((key,), unknown("key", str(key), ("claims", "figures")))


Read = Callable[[Any, Path_], tuple[O | None, list[Complaint]]]


def _each(
    values: Any, key: str, read: Read[O], folder: Path
) -> tuple[dict[Path_, O], list[Complaint]]:
    """What is under a key of the file by its place, read one by one, and every complaint."""
    given, found, wrong = values.get(key), dict[Path_, O](), list[Complaint]()
    for i, one in enumerate(given if isinstance(given, list) else []):
        made, complaints = read(one, (key, i))
        wrong += complaints
        if made:
            found[key, i] = _at_home(made, folder)
    return found, wrong


def _claim(values: Any, at: Path_) -> tuple[Claim | None, list[Complaint]]:
    """One claim, by the class of its check."""
    if not isinstance(values, dict) or "check" not in values:
        said = f"give the kind of check as `check: …`. Known: {', '.join(checks)}."
        return None, [Complaint(at, said)]
    name = str(values["check"])
    if name not in checks:
        return None, [Complaint((*at, "check"), unknown("check", name, checks))]
    rest = {key: value for key, value in values.items() if key != "check"}
    return validate(checks[name], rest, at, also=("check",))


def _figure(values: Any, at: Path_) -> tuple[Shown | None, list[Complaint]]:
    return validate(Shown, values, at)


def _twice(claims: dict[Path_, Claim]) -> Iterator[Complaint]:
    seen: set[str] = set()
    for at, claim in claims.items():
        if claim.id in seen:
            yield Complaint((*at, "id"), f"two claims have the id {claim.id!r}")
        seen.add(claim.id)


def _unfound(found: Mapping[Path_, Options]) -> Iterator[Complaint]:
    """Configs that can't be read, labels that they don't have."""
    read = cache(_labels)
    for place, options in found.items():
        for at, measure in placed(options, place):
            labels, said = read(*measure.runs)
            if said:
                yield Complaint((*at, "config"), said)
            elif measure.label not in labels:
                yield Complaint((*at, "label"), unknown("label", measure.label, labels))


def _labels(config: str, settings: tuple[str, ...]) -> tuple[list[str], str]:
    """The labels of a config's rules, or what is wrong with it."""
    try:
        return [entry.label for entry in load_config(config, list(settings)).entries], ""
    except UsageError as error:
        return [], str(error)


def _at_home(options: O, folder: Path) -> O:
    """The same with configs that lie beside the file found there."""

    def found(measure: Measure) -> Measure:
        path = folder / measure.config
        return measure.model_copy(update={"config": str(path)}) if path.is_file() else measure

    return mapped(options, found)
