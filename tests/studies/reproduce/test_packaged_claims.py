"""The claims that travel with gfopt: what they name exists, published numbers stand only there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gfopt
from gfopt.config.packaged_configs import load_config
from gfopt.studies.reproduce.loading import PACKAGED, load_claims
from gfopt.studies.reproduce.measures import find_measures

PACKAGE = Path(gfopt.__file__).parent
COMMON = {0.0, 1.0, 50.0}  # anyone may write these; 50 happens to be a published second count
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\w|\.\d)")


@pytest.fixture(scope="module")
def packaged():
    return load_claims(PACKAGED)


def published(claims):
    """Each claim's numbers, by its name."""
    given = {claim.id: getattr(claim, "published", ()) for claim in claims}
    return {name: n if isinstance(n, tuple) else (n,) for name, n in given.items()}


def test_the_packaged_claims_load(packaged):
    assert len(packaged.claims) >= 32
    assert {claim.system for claim in packaged.claims} == {
        "position-wise optimizer", "evolution strategy", "parameter search", "SynaPrune"
    }  # fmt: skip


def test_every_config_and_label_that_is_named_exists(packaged):
    for options in [*packaged.claims, *packaged.figures]:
        for measure in find_measures(options):
            entries = load_config(measure.config, list(measure.settings)).entries
            assert measure.label in [entry.label for entry in entries], options


def test_the_six_epoch_counts_are_claims_to_be_met_exactly(packaged):
    exact = {claim.id: claim for claim in packaged.claims if claim.exact}
    assert {(c.of.config, c.of.label): c.published for c in exact.values()} == {
        ("cat_poswise", "gradient_descent"): 2243,
        ("cat_poswise", "position_wise"): 881,
        ("cifar10_poswise", "gradient_descent"): 121,
        ("cifar10_poswise", "position_wise"): 97,
        ("mnist_poswise", "gradient_descent"): 195,
        ("mnist_poswise", "position_wise"): 139,
    }
    assert {(c.of.value, c.tolerance, c.of.seeds[0]) for c in exact.values()} == {("epochs", 0, 1)}


def test_the_three_pairs_of_seconds_are_compared_as_ratios_of_cpu_time(packaged):
    timed = {c.of.config: c for c in packaged.claims if c.of.value == "cpu_seconds"}
    assert {config: claim.published for config, claim in timed.items()} == {
        "cat_end_of_epoch": (23, 50),
        "cifar10_end_of_epoch": (359, 462),
        "mnist_end_of_epoch": (227, 282),
    }
    for claim in timed.values():
        assert (claim.of.label, claim.than.label) == ("position_wise", "gradient_descent")
        assert [also.of.value for also in claim.also] == ["seconds", "passes"]
        assert [control.label for control in claim.controls] == ["per-layer rates"]


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("es-nmse", (1.287446e-4,)),
        ("es-seconds", (585.05,)),
        ("search-start", (19075.11,)),
        ("search-end", (2629.17334,)),
        ("adam-start", (6952.15,)),
        ("adam-end", (3203.11,)),
        ("hybrid-start", (43629.0,)),
        ("hybrid-search", (2845.14990,)),
        ("hybrid-end", (2855.36,)),
        ("cat-fewer-epochs", (881, 2243)),
        ("cifar10-fewer-epochs", (97, 121)),
        ("mnist-fewer-epochs", (139, 195)),
    ],
)
def test_the_published_numbers_are_there(packaged, name, numbers):
    assert published(packaged.claims)[name] == numbers


def test_a_claim_says_the_number_that_it_is_judged_by(packaged):
    for claim in packaged.claims:
        number = getattr(claim, "published", 0)
        if not isinstance(number, tuple) and number not in COMMON:
            assert number in map(float, NUMBER.findall(claim.says)), claim.id


def test_every_figure_can_be_drawn_from_the_runs_of_the_claims(packaged):
    run = {
        (measure.runs, measure.label, seed)
        for claim in packaged.claims
        for measure in find_measures(claim)
        for seed in measure.seeds
    }
    for figure in packaged.figures:
        for m in find_measures(figure):
            assert run >= {(m.runs, m.label, seed) for seed in m.seeds}, figure.file
    assert len({figure.file for figure in packaged.figures}) == len(packaged.figures)


def test_no_published_number_stands_in_the_code(packaged):
    """What is compared with a publication must come from runs: nothing is faked."""
    numbers = {n for given in published(packaged.claims).values() for n in given} - COMMON
    assert len(numbers) >= 20
    offenders = [
        f"{path.relative_to(PACKAGE)}: {found}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.parent.name != "datasets"  # sizes and fingerprints
        for found in NUMBER.findall(path.read_text("utf-8"))
        if float(found) in numbers
    ]
    assert offenders == []


@pytest.mark.parametrize("text", ["x = 881", "x=2629.17334)", "1.287446e-4,", "(2243.0", "-97"])
def test_the_search_for_numbers_finds_them(text):
    (found,) = NUMBER.findall(text)
    assert float(found) in {881, 2629.17334, 1.287446e-4, 2243, 97}
