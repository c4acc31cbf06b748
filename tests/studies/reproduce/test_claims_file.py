"""A claims file: all errors are reported together with their places; choosing claims and seeds."""

from __future__ import annotations

import pytest

from gfopt.errors import UsageError
from gfopt.studies.reproduce.claims import select_claims
from gfopt.studies.reproduce.loading import PACKAGED, load_claims
from gfopt.studies.reproduce.measures import find_measures, set_seeds
from tests.studies.reproduce.conftest import SETTINGS, assert_facts, claim, measure
from tests.test_architecture import loaded_after

GOOD = """\
claims:
  - id: epochs
    system: position-wise optimizer
    says: it takes three
    source: figure 1
    check: exact
    published: 3
    of: {config: small.yaml, label: position_wise, value: epochs, seeds: 1-3}
  - id: faster
    system: search
    says: it is faster
    source: figure 2
    check: ordering
    of: {config: small.yaml, label: position_wise, value: loss, seeds: 1-3}
    than: {config: small.yaml, label: gradient_descent, value: loss, seeds: 1-3}
    controls:
      - {config: small.yaml, label: rates, value: loss, seeds: 1-3}
    also:
      - words: It starts at
        of: {config: small.yaml, label: position_wise, value: first_loss}
figures:
  - kind: side_by_side
    file: both.png
    caption: Both
    of:
      - {config: small.yaml, label: position_wise, value: epochs}
"""


def complaints(path):
    """The lines of the error that a file raises, from line:column on."""
    with pytest.raises(UsageError) as error:
        load_claims(path)
    return [line.removeprefix(f"{path}:") for line in str(error.value).splitlines()]


def test_a_good_file_is_read(write):
    found = load_claims(write(GOOD))
    assert [claim.id for claim in found.claims] == ["epochs", "faster"]
    assert [figure.file for figure in found.figures] == ["both.png"]


MISTAKES = [  # what is right, what is wrong with a ^ at its place, the key, facts of the sentence
    ("check: exact", "check: ^exakt", "claims.0.check",
     "'exakt'", "'exact'?", "exact, ordering, property, ratio, spread"),
    ("  - id: epochs", "  - ^ide: epochs", "claims.0.id", "missing"),
    ("    check: exact\n", "", "2:5: claims.0", "`check:", "exact, ordering, property, ratio"),
    ("value: epochs, seeds: 1-3", "value: ^epoch, seeds: 1-3", "claims.0.of.value",
     "'epoch'", "'epochs'?", "Known: "),
    ("value: epochs, seeds: 1-3", "value: ^3, seeds: 1-3", "claims.0.of.value", "text", "got 3"),
    ("says: it takes", "sais: ^it takes", "claims.0.sais", "'sais'", "'says'?", "Known: "),
    ("seeds: 1-3}\n  - id", "seeds: ^3-1}\n  - id", "claims.0.of.seeds", "3-1"),
    ("seeds: 1-3}\n  - id", "seeds: ^[]}\n  - id", "claims.0.of.seeds", "at least 1"),
    ("seeds: 1-3}\n  - id", "seeds: ^[1, 1]}\n  - id", "claims.0.of.seeds", "differ"),
    ("seeds: 1-3}\n  - id", "seeds: [^-1]}\n  - id", "claims.0.of.seeds.0", ">= 0", "-1"),
    ("{config: small.yaml, label: position_wise, value: epochs, seeds: 1-3}",
     "^{config: small.yaml, label: position_wise, value: seconds, seeds: 1-3}",
     "claims.0.of", "seeds", "one seed"),
    ("id: faster", "id: ^epochs", "claims.1.id", "another claim", "'epochs'"),
    ("id: faster", "id: ^much faster", "claims.1.id", "much faster"),
    ("label: position_wise, value: loss", "label: ^positionwise, value: loss", "claims.1.of.label",
     "'positionwise'", "'position_wise'?", "gradient_descent, position_wise, rates"),
    ("label: rates", "label: ^rate", "claims.1.controls.0.label", "'rate'", "'rates'?"),
    ("{config: small.yaml, label: rates", "{config: ^smal.yaml, label: rates",
     "claims.1.controls.0.config", "smal.yaml", "no such file"),
    ("{config: small.yaml, label: rates", "{config: ^digit, label: rates",
     "claims.1.controls.0.config", "digit", "'digits'?"),
    ("value: first_loss}", "value: ^first_lost}", "claims.1.also.0.of.value",
     "'first_lost'", "'first_loss'?"),
    ("label: position_wise, value: first_loss", "label: ^mine, value: first_loss",
     "claims.1.also.0.of.label", "'mine'"),
    ("{config: small.yaml, label: gradient_descent, value: loss, seeds: 1-3}", "^low",
     "claims.1.than", "number", "low"),
    ("label: gradient_descent, value: loss, seeds: 1-3}", "lable: ^x, value: loss}",
     "claims.1.than.lable", "'lable'", "'label'?", "Known: "),
    ("value: loss, seeds: 1-3}\n    controls", "value: loss, seeds: 7}\n    controls",
     "9:5: claims.1", "than", "no seed in common with `of`"),
    ("kind: side_by_side", "kind: ^side-by-side", "figures.0.kind",
     "'side-by-side'", "'side_by_side'?", "final_losses, fit, histories, layers, side_by_side"),
    ("value: epochs}\n",
     "value: epochs}\n      - {config: digits, label: position_wise, value: loss}\n",
     "22:5: figures.0", "same label"),
    ("file: both.png", "file: ^../both.png", "figures.0.file", "../both.png"),
    ("label: position_wise, value: epochs}\n", "label: ^nobody, value: epochs}\n",
     "figures.0.of.0.label", "'nobody'"),
    ("claims:", "claim:", "1:1", "list of claims", "`claims`"),
    ("figures:\n  - kind", "figure:\n  ^- kind", "figure", "'figure'", "'figures'?"),
    ("published: 3", "published: ^.nan", "claims.0.published", "finite"),
    ("published: 3", "published: ^\"3\"", "claims.0.published", "number"),
    ("id: faster", "id: faster\n    id: slower", "claims.1.id", "again in line 10"),
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake[0]} -> {mistake[1]}")
def test_an_error_has_its_place_and_says_what_is_wrong(write, mistake):
    right, wrong, place, *facts = mistake
    assert GOOD.count(right) == 1, right
    text = GOOD.replace(right, wrong)
    if "^" in wrong:
        before = text[: text.index("^")].splitlines()
        place = f"{len(before)}:{len(before[-1]) + 1}: {place}"
    found = complaints(write(text.replace("^", "")))
    (line,) = [line for line in found if f"{place}: " in line]
    assert_facts(line, *facts)
    assert len(found) <= 2


def test_all_errors_are_reported_together(write):
    text = GOOD.replace("check: exact", "check: exakt").replace("label: rates", "label: rate")
    text = text.replace("value: first_loss", "value: last_loss").replace("both.png", "both.jpg")
    found = complaints(write(text.replace("id: faster", "id: a b")))
    assert len(found) == 4  # nothing is said of the labels of a claim that is wrong itself
    text = GOOD.replace("label: rates", "label: rate").replace("label: gradient_", "label: gradin_")
    assert len(complaints(write(text))) == 2


def test_an_error_is_reported_once(write):
    assert len(complaints(write(GOOD.replace("published: 3", "published: .nan")))) == 1


def test_the_same_error_in_a_shared_measure_has_the_place_of_each_use(write):
    text = """\
    claims:
      - &one
        id: one
        system: x
        says: it
        source: here
        check: spread
        published: 1
        of: &of {config: small.yaml, label: rate, value: loss}
      - {<<: *one, id: two}
      - {<<: *one, id: three, of: {<<: *of, label: rates}}
    """
    found = complaints(write(text))
    assert [line.split(" unknown")[0] for line in found] == [
        "9:41: claims.0.of.label:",
        "10:5: claims.1.of.label:",
    ]


@pytest.mark.parametrize("text", ["claims: []", "claims:", "- id: x", "claims: {a: 1}", "3"])
def test_a_file_without_claims_is_refused(write, text):
    (found,) = complaints(write(text))
    assert "must be a list of claims under the key `claims`" in found


def test_broken_yaml_has_its_place(write):
    (found,) = complaints(write(GOOD.replace("published: 3", "published: [3")))
    assert found.startswith("8:")
    assert "not YAML" in found
    assert "the file is empty" in complaints(write(""))[0]


def test_a_claim_must_be_a_mapping(write):
    assert "2:5: claims.0: add the kind of check" in complaints(write("claims:\n  - epochs\n"))[0]


def test_a_file_that_is_missing_or_not_text_is_an_error(tmp_path):
    with pytest.raises(UsageError, match=r"none\.yaml: can't be read"):
        load_claims(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(UsageError, match=r"bytes\.yaml: can't be read"):
        load_claims(tmp_path / "bytes.yaml")


def test_an_error_in_a_config_has_its_place_in_the_config(write):
    config = SETTINGS.replace("hidden: [4, 3]", "hidden: [0]")
    found = complaints(write(GOOD, config=config))
    assert "claims.0.of.config:" in found[0]
    assert "model.hidden.0: must be >= 1" in found[0]


def test_settings_are_part_of_a_config(write):
    text = GOOD.replace("label: rates", 'label: mine, settings: ["optimizers.2.label=mine"]')
    (control,) = load_claims(write(text)).claims[1].controls
    assert control.settings == ("optimizers.2.label=mine",)
    wrong = GOOD.replace("label: rates", 'label: rates, settings: ["optimisers.2.lr=1"]')
    assert "claims.1.controls.0.config:" in complaints(write(wrong))[0]


def test_configs_are_found_beside_the_file_first_then_by_name(write, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    path = write(GOOD.replace("{config: small.yaml, label: rates", "{config: digits, label: adam"))
    found = load_claims(path).claims
    assert found[0].of.config == str(tmp_path / "small.yaml")
    assert found[1].controls[0].config == "digits"


def test_claims_are_selected_by_the_beginning_of_their_id_or_system(write):
    claims = load_claims(write(GOOD)).claims
    assert select_claims(claims, []) == claims
    for name, ids in {
        "epochs": ["epochs"], "ep": ["epochs"], "search": ["faster"],
        "position-wise": ["epochs"], "": ["epochs", "faster"],
    }.items():  # fmt: skip
        assert [claim.id for claim in select_claims(claims, [name])] == ids
    assert [claim.id for claim in select_claims(claims, ["sea", "epo"])] == ["epochs", "faster"]


def test_an_unknown_name_gets_the_nearest_one(write):
    claims = load_claims(write(GOOD)).claims
    with pytest.raises(UsageError, match=r"--only fastr: .*Did you mean 'faster'\? Known: epochs"):
        select_claims(claims, ["epochs", "fastr"])


def test_seeds_are_changed_where_there_are_several():
    also = [{"words": "", "of": measure("a")}]
    b, c = measure("b", seeds=[3, 7, 9]), measure("c", seeds=3)
    made = claim("ordering", measure("a", seeds="3-8"), than=b, controls=[c], also=also)
    more, fewer = set_seeds(made, 4), set_seeds(made, 2, at_most=True)
    assert (more.of.seeds, more.than.seeds) == ((3, 4, 5, 6), (3, 7, 9, 10))
    assert (fewer.of.seeds, fewer.than.seeds) == ((3, 4), (3, 7))
    assert [m.controls[0].seeds for m in (more, fewer)] == [(3,), (3,)]
    assert [len(m.also[0].of.seeds) for m in (more, fewer)] == [4, 2]


def test_at_most_so_many_seeds_adds_none():
    made = claim("spread", measure("a", seeds="1-2"), published=1)
    assert set_seeds(made, 3, at_most=True).of.seeds == (1, 2)
    assert set_seeds(made, 3).of.seeds == (1, 2, 3)


def test_all_measures_of_a_claim_are_found():
    made = claim("ordering", than="b", elsewhere="c", controls=[measure("d")],
                 also=[{"words": "", "of": measure("e"), "than": measure("f")}])  # fmt: skip
    assert {m.label for m in find_measures(made)} == set("abcdef")


def test_reading_claims_and_their_kinds_of_figures_loads_neither_torch_nor_matplotlib():
    code = f"""
from pathlib import Path
from gfopt.studies.reproduce.loading import load_claims
load_claims(Path({str(PACKAGED)!r}))
"""
    assert not loaded_after(code) & {"torch", "matplotlib", "numba", "scipy"}
