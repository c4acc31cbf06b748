"""Read a claims file; all errors in it are reported together, each with its place. No torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from gfopt.config.packaged_configs import load_config
from gfopt.config.validation import validate
from gfopt.config.yaml_file import Complaint, KeyPath, parse
from gfopt.errors import UsageError, describe_unknown
from gfopt.options import Options
from gfopt.studies.reproduce.claims import Claim, Claims, FigureRequest, checks
from gfopt.studies.reproduce.measures import Measure, change_measures, locate_measures

O = TypeVar("O", bound=Options)

PACKAGED = Path(__file__).with_name("claims.yaml")


def load_claims(path: Path) -> Claims:
    """The claims and figures of a file. Raises UsageError with every error in it."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path}: can't be read: {reason}") from error
    file, complaints = parse(text, str(path))
    values = file.values if isinstance(file.values, dict) else {}
    if not complaints:
        complaints += _check_outline(file.values)
    claims, wrong = _convert_each(values, "claims", _convert_claim, path.parent)
    figures, more = _convert_each(values, "figures", _convert_figure, path.parent)
    wrong += [*more, *_check_ids(claims), *_check_measures(claims), *_check_measures(figures)]
    known = {complaint.at for complaint in complaints}
    complaints += [complaint for complaint in wrong if complaint.at not in known]
    if complaints:
        raise UsageError("\n".join(dict.fromkeys(map(file.locate, complaints))))
    return Claims(list(claims.values()), list(figures.values()))


def _check_outline(values: Any) -> Iterator[Complaint]:
    """What is wrong with the file as a whole."""
    given = values if isinstance(values, dict) else {}
    if not (isinstance(given.get("claims"), list) and given["claims"]):
        yield Complaint((), "must be a list of claims under the key `claims`")
    if not isinstance(given.get("figures", []), list):
        yield Complaint(("figures",), "must be a list of figures")
    for key in given:
        if key not in ("claims", "figures"):
            yield Complaint((key,), describe_unknown("key", str(key), ("claims", "figures")))


Convert = Callable[[Any, KeyPath], tuple[O | None, list[Complaint]]]


def _convert_each(
    values: Any, key: str, convert: Convert[O], folder: Path
) -> tuple[dict[KeyPath, O], list[Complaint]]:
    """The entries under a key of the file by their place, and all complaints about them."""
    given, found, wrong = values.get(key), dict[KeyPath, O](), list[Complaint]()
    for i, one in enumerate(given if isinstance(given, list) else []):
        options, complaints = convert(one, (key, i))
        wrong += complaints
        if options:
            found[key, i] = _find_configs(options, folder)
    return found, wrong


def _convert_claim(values: Any, at: KeyPath) -> tuple[Claim | None, list[Complaint]]:
    """One claim, by the class of its check."""
    if not isinstance(values, dict) or "check" not in values:
        message = f"add the kind of check, `check: KIND`. Known: {', '.join(checks)}."
        return None, [Complaint(at, message)]
    name = str(values["check"])
    if name not in checks:
        return None, [Complaint((*at, "check"), describe_unknown("check", name, checks))]
    rest = {key: value for key, value in values.items() if key != "check"}
    return validate(checks[name], rest, at, also=("check",))


def _convert_figure(values: Any, at: KeyPath) -> tuple[FigureRequest | None, list[Complaint]]:
    return validate(FigureRequest, values, at)


def _check_ids(claims: dict[KeyPath, Claim]) -> Iterator[Complaint]:
    seen: set[str] = set()
    for at, claim in claims.items():
        if claim.id in seen:
            yield Complaint((*at, "id"), f"another claim has the id {claim.id!r}: choose a new one")
        seen.add(claim.id)


def _check_measures(found: Mapping[KeyPath, Options]) -> Iterator[Complaint]:
    """Configs that can't be read, and labels that they don't have."""
    read_labels = cache(_read_labels)
    for place, options in found.items():
        for at, measure in locate_measures(options, place):
            labels, problem = read_labels(*measure.runs)
            if problem:
                yield Complaint((*at, "config"), problem)
            elif measure.label not in labels:
                yield Complaint((*at, "label"), describe_unknown("label", measure.label, labels))


def _read_labels(config: str, settings: tuple[str, ...]) -> tuple[list[str], str]:
    """The labels of a config's optimizers, or what is wrong with the config."""
    try:
        return [entry.label for entry in load_config(config, list(settings)).entries], ""
    except UsageError as error:
        return [], str(error)


def _find_configs(options: O, folder: Path) -> O:
    """The same options; a config next to the claims file gets its full path."""

    def find(measure: Measure) -> Measure:
        path = folder / measure.config
        return measure.model_copy(update={"config": str(path)}) if path.is_file() else measure

    return change_measures(options, find)
