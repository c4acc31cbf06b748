"""Entries of `optimizers:`: labels, and files of the user's."""

import pytest

RULE = "def make_model(): ...\ndef train_step(model, batch, state): ...\n"
ENTRY = "  - {name: gradient_descent, lr: 0.5}\n"


def entries(*lines):
    return ENTRY, "".join(f"  - {line}\n" for line in lines)


def labels(config, *lines):
    return [entry.label for entry in config.load(entries(*lines)).entries]


def test_an_entry_is_called_by_its_name_or_its_label(config):
    found = labels(config, "{name: adam, lr: 0.1}", "{name: adam, lr: 0.1, label: slow one}")
    assert found == ["adam", "slow one"]


def test_entries_of_one_name_are_reported_apart_by_what_differs(config):
    found = labels(
        config,
        "{name: gradient_descent, lr: 1e-3}",
        "{name: gradient_descent, lr: 0.5, multipliers: [1, 2]}",
        "{name: gradient_descent, lr: 0.5, batch_size: 32}",
    )
    assert found == [
        "gradient_descent lr=0.001",
        "gradient_descent lr=0.5 multipliers=(1,2)",
        "gradient_descent batch_size=32 lr=0.5",
    ]


def test_entries_that_are_alike_are_numbered(config):
    assert labels(config, "adam", "adam", "adam") == ["adam", "adam #2", "adam #3"]


def test_an_automatic_label_keeps_clear_of_a_given_one(config):
    assert labels(config, "{name: lbfgs, label: adam}", "adam") == ["adam", "adam #2"]


def test_one_label_can_not_be_given_twice(config):
    assert config.wrong(entries("{name: adam, label: a}", "{name: sgd, label: a}")) == [
        "c.yaml:8:24: optimizers.1.label: duplicate label 'a', also of optimizers.0: choose another"
    ]


def test_a_file_is_found_beside_the_config(config, tmp_path):
    (tmp_path / "mine.py").write_text(RULE)
    (entry,) = config.load(entries("{file: mine.py, depth: 3}")).entries
    assert (entry.name, entry.label, entry.file) == ("mine", "mine", tmp_path / "mine.py")
    assert entry.options == {"depth": 3}


def test_a_file_is_not_run_when_the_config_is_read(config, tmp_path):
    (tmp_path / "mine.py").write_text("raise SystemExit('ran')\n")
    assert config.load(entries("{file: mine.py}")).entries[0].label == "mine"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("nope.py", None, "can't read {folder}/nope.py: No such file or directory"),
        ("bad.py", "x = 1\ndef f(:\n", "{folder}/bad.py:2: not Python: invalid syntax"),
        (
            "bad.py",
            "def f():\nx = 1\n",
            "{folder}/bad.py:2: not Python: expected an indented block",
        ),
        ("rule.txt", "x = 1\n", "must be a Python file, ending in .py (got 'rule.txt')"),
        (".", None, "must be a Python file, ending in .py (got '.')"),
    ],
)
def test_a_file_that_is_no_python_is_reported_with_its_line(config, tmp_path, name, text, said):
    if text:
        (tmp_path / name).write_text(text)
    (sentence,) = config.wrong(entries(f"{{file: {name}}}"))
    assert sentence.startswith("c.yaml:7:12: optimizers.0.file: " + said.format(folder=tmp_path))


@pytest.mark.parametrize("entry", ["{lr: 0.5}", "{name: adam, file: mine.py}"])
def test_an_entry_has_either_a_name_or_a_file(config, entry):
    assert config.wrong(entries(entry)) == [
        (
            "c.yaml:7:5: optimizers.0: give either the name of an optimizer, `{name: adam}`, or "
            "your file, `{file: mine.py}`"
        )
    ]


def test_a_null_entry_is_reported_by_its_place(config):
    (sentence,) = config.wrong(entries("adam", "null"))
    assert sentence == "c.yaml:8:5: optimizers.1: must be a mapping of keys to values (got null)"
