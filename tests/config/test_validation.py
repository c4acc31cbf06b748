"""One message per error: file:line:column, key, and what to write instead."""

import pytest


@pytest.mark.parametrize(
    ("piece", "place", "key", "near"),
    [
        (("budget:", "budgte:"), "9:9", "budgte", "budget"),
        (
            ("name: digits, scale: unit", "name: digits, scal: unit"),
            "2:31",
            "dataset.scal",
            "scale",
        ),
        (("hidden:", "hiden:"), "4:10", "model.hiden", "hidden"),
        (
            ("[8]", "[8]\n  init: {scheme: normal, strem: torch}"),
            "5:33",
            "model.init.strem",
            "stream",
        ),
        (("cross_entropy", "{name: softmax_bce, sigal: true}"), "5:34", "loss.sigal", "signal"),
        (("lr: 0.5", "lrr: 0.5"), "7:35", "optimizers.0.lrr", "lr"),
        (("valid_accuracy:", "valid_acuracy:"), "8:25", "target.valid_acuracy", "valid_accuracy"),
        (("epochs:", "epoch:"), "9:17", "budget.epoch", "epochs"),
    ],
)
def test_an_unknown_key_gets_the_nearest_at_every_level(config, piece, place, key, near):
    (sentence,) = config.wrong(piece)
    last = key.rpartition(".")[2]
    assert sentence.startswith(
        f"c.yaml:{place}: {key}: unknown key {last!r}. Did you mean {near!r}?"
    )
    assert near in sentence.partition("Known: ")[2]


@pytest.mark.parametrize(
    ("piece", "start"),
    [
        (("name: digits", "name: digit"), "c.yaml:2:17: dataset.name: unknown dataset 'digit'"),
        (("{name: digits, scale: unit}", "mnits"), "c.yaml:2:10: dataset: unknown dataset 'mnits'"),
        (("cross_entropy", "crossentropy"), "c.yaml:5:7: loss: unknown loss 'crossentropy'"),
        (
            ("gradient_descent", "gradient_decent"),
            "c.yaml:7:12: optimizers.0.name: unknown optimizer 'gradient_decent'",
        ),
        (("[8]", "[8]\n  init: fan_in"), "c.yaml:5:9: model.init: unknown init 'fan_in'"),
        (
            ("[8]", "[8]\n  activation: rleu"),
            "c.yaml:5:15: model.activation: unknown activation 'rleu'",
        ),
    ],
)
def test_an_unknown_name_gets_the_nearest(config, piece, start):
    (sentence,) = config.wrong(piece)
    assert sentence.startswith(start)
    assert "Did you mean " in sentence


def test_names_are_found_whatever_their_case(config):
    assert "Did you mean 'adam'?" in config.wrong(("gradient_descent", "ADAM"))[0]


@pytest.mark.parametrize(
    ("piece", "sentence"),
    [
        (
            ("lr: 0.5", "lr: '1'"),
            '7:34: optimizers.0.lr: must be a number, written as 1 without quotes (got "1")',
        ),
        (("lr: 0.5", "lr: true"), "7:34: optimizers.0.lr: must be a number (got true)"),
        (("lr: 0.5", "lr: [0.5]"), "7:34: optimizers.0.lr: must be a number (got [0.5])"),
        (("lr: 0.5", "lr:"), "7:33: optimizers.0.lr: must be a number (got null)"),
        (("lr: 0.5", "lr: -0.1"), "7:34: optimizers.0.lr: must be > 0 (got -0.1)"),
        (("lr: 0.5", "lr: 0"), "7:34: optimizers.0.lr: must be > 0 (got 0)"),
        (("lr: 0.5", "lr: .nan"), "7:34: optimizers.0.lr: must be a finite number (got .nan)"),
        (("lr: 0.5", "momentum: 1"), "7:40: optimizers.0.momentum: must be < 1 (got 1)"),
        (
            ("lr: 0.5", "label: ''"),
            '7:37: optimizers.0.label: must be text, and not empty (got "")',
        ),
        (("lr: 0.5", "batch_size: 0"), "7:42: optimizers.0.batch_size: must be >= 1 (got 0)"),
        (("[8]", "8"), "4:11: model.hidden: must be a list, as in [8] (got 8)"),
        (("[8]", "[8, 0]"), "4:15: model.hidden.1: must be >= 1 (got 0)"),
        (("[8]", "[8.5]"), "4:12: model.hidden.0: must be a whole number (got 8.5)"),
        (
            ("[8]", "[8]\n  output_bias: 0"),
            "5:16: model.output_bias: must be true or false (got 0)",
        ),
        (("[8]", "[8]\n  activation: 3"), "5:15: model.activation.0: must be text (got 3)"),
        (
            ("epochs: 3", "epochs: 1e3"),
            "9:18: budget.epochs: must be a whole number, written as 1000 (got 1000.0)",
        ),
        (("{epochs: 3}", "3"), "9:9: budget: must be a mapping of keys to values (got 3)"),
        (
            ("scale: unit", "scale: untit"),
            "2:32: dataset.scale: must be 'raw', 'unit' or 'standard' (got \"untit\")",
        ),
        (
            ("name: tiny", "precision: float16"),
            "1:12: precision: must be 'float32' or 'float64' (got \"float16\")",
        ),
        (("name: tiny", "name: 3"), "1:7: name: must be text (got 3)"),
        (
            ("{name: gradient_descent, lr: 0.5}", "3"),
            "7:5: optimizers.0: must be a mapping of keys to values (got 3)",
        ),
        (
            ("\n  - {name: gradient_descent, lr: 0.5}", " {name: adam}"),
            '6:13: optimizers: must be a list (got {"name": "adam"})',
        ),
        (
            ("\n  - {name: gradient_descent, lr: 0.5}", " []"),
            "6:13: optimizers: must be a list of at least 1 (got [])",
        ),
    ],
)
def test_a_wrong_value_is_reported_with_what_is_right(config, piece, sentence):
    assert config.wrong(piece) == [f"c.yaml:{sentence}"]


@pytest.mark.parametrize("init", ["3", "{stream: numpy}", "null"])
def test_an_init_without_a_scheme_is_reported_how_to_give_one(config, init):
    (sentence,) = config.wrong(("[8]", f"[8]\n  init: {init}"))
    assert sentence.startswith(
        "c.yaml:5:9: model.init: give the init as `init: NAME` or `init: {scheme: NAME, "
    )


def test_all_errors_are_reported_together_each_with_its_place(config):
    sentences = config.wrong(
        ("name: digits", "name: digist"),
        ("[8]", "[-8]"),
        ("cross_entropy", "cross_entropi"),
        ("lr: 0.5", "lr: -1, momentum: 2"),
        ("valid_accuracy: 0.5", "valid_accuracy: .nan"),
        ("epochs: 3}", "epochs: 3, epochs: 4}\nsedes: 1"),
    )
    places = [sentence.split(": ")[0] for sentence in sentences]
    assert sorted(places) == [
        "c.yaml:10:8",
        "c.yaml:2:17",
        "c.yaml:4:12",
        "c.yaml:5:7",
        "c.yaml:7:34",
        "c.yaml:7:48",
        "c.yaml:8:26",
        "c.yaml:9:18",
    ]
