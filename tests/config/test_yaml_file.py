"""YAML text: numbers, places, and what isn't YAML."""

import pytest

from gfopt.config.yaml_file import parse


def value(text):
    file, complaints = parse(f"v: {text}\n", "c.yaml")
    assert complaints == []
    return file.values["v"]


def said(text):
    file, complaints = parse(text, "c.yaml")
    return [file.locate(complaint) for complaint in complaints]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1e-3", 1e-3),
        ("1e3", 1e3),
        ("1.5e5", 1.5e5),
        ("7.5E-5", 7.5e-5),
        ("-.5", -0.5),
        ("2.", 2.0),
    ],
)
def test_scientific_notation_is_a_number(text, number):
    assert value(text) == number
    assert type(value(text)) is float


def test_whole_numbers_stay_whole():
    assert value("12") == 12
    assert type(value("-3")) is int


@pytest.mark.parametrize("text", ["1:30", "2024-01-01", "2024-13-45", "1-100", "1,2,5-9", "1_000"])
def test_what_only_looks_like_a_number_is_text(text):
    assert value(text) == text


def test_quoted_numbers_are_text():
    assert value("'1e-3'") == "1e-3"


def test_every_value_has_its_line_and_column():
    file, _ = parse("a: 1\nb:\n  - {c: 2,   d: [3, 4]}\n", "c.yaml")
    assert file.places["a",] == "1:4"
    assert file.places["b", 0] == "3:5"
    assert file.places["b", 0, "d"] == "3:17"
    assert file.places["b", 0, "d", 1] == "3:21"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", "c.yaml:1:4: a: duplicate key, again in line 3"),
        ("a:\n  - {b: 1, b: 2}\n", "c.yaml:2:9: a.0.b: duplicate key, again in line 2"),
        ("a: .nan\n", "c.yaml:1:4: a: must be a finite number (got .nan)"),
        ("a: [1, -.inf]\n", "c.yaml:1:8: a.1: must be a finite number (got -.inf)"),
        ("a: 1e999\n", "c.yaml:1:4: a: must be a finite number (got 1e999)"),
        ("a: !!float inf\n", "c.yaml:1:4: a: must be a finite number (got inf)"),
    ],
)
def test_duplicates_and_what_is_not_finite_are_reported_with_their_place(text, sentence):
    assert said(text) == [sentence]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a: [1\n", "c.yaml:2:1: not YAML: while parsing a flow sequence"),
        ("a: 1\n\tb: 2\n", "c.yaml:2:1: not YAML: a tab can't indent: use spaces"),
        ("a: b: c\n", "c.yaml:1:5: not YAML: mapping values are not allowed here: put a text"),
        ("a: {b: 1\nc: 2\n", "c.yaml:2:2: not YAML: while parsing a flow mapping"),
        ("a: !thing 3\n", "c.yaml:1:4: not YAML: could not determine a constructor"),
        ("a: !!python/name:os.system\n", "c.yaml:1:4: not YAML: could not determine a constructor"),
        ("? [a, b]\n: 1\n", "c.yaml:1:3: not YAML: while constructing a mapping"),
        ("a: &x [*x]\n", "c.yaml:1:4: not YAML: an alias refers to an anchor that contains it"),
        ("a: *nowhere\n", "c.yaml:1:4: not YAML: found undefined alias 'nowhere'"),
        ("a: 1\n---\nb: 2\n", "c.yaml:2:1: not YAML: expected a single document"),
        ("a: \x01\n", "c.yaml:1:1: not YAML: unacceptable character"),
        ("a: !!int x\n", "c.yaml:1:1: not YAML: invalid literal"),
    ],
)
def test_what_is_not_yaml_is_one_sentence_with_its_place(text, start):
    (sentence,) = said(text)
    assert sentence.startswith(start)


@pytest.mark.parametrize("text", ["", "\n\n", "# a comment only\n", "null\n", "---\n"])
def test_an_empty_file_is_reported_how_to_begin(text):
    assert said(text) == ["c.yaml:1:1: the file is empty: `gfopt new NAME` writes an example"]


@pytest.mark.parametrize(
    ("text", "got"),
    [("- a\n- b\n", "a list"), ("3\n", "only 3"), ("just text\n", "only 'just text'")],
)
def test_a_file_that_is_no_mapping_says_what_it_is(config, text, got):
    assert config.wrong(text=text) == [
        f"c.yaml:1:1: must be a mapping of keys to values (got {got})"
    ]
