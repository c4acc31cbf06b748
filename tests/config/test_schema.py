"""The sections of the file: valid forms, and errors for others."""

import pytest

SEEDS = ("epochs: 3}", "epochs: 3}\nseeds: ")


def with_seeds(text):
    return SEEDS[0], SEEDS[1] + text


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("7", (7,)),
        ("1-100", tuple(range(1, 101))),
        ("1,2,5-9", (1, 2, 5, 6, 7, 8, 9)),
        ("1, 2", (1, 2)),
        ("[1, 2]", (1, 2)),
        ("[1-3, 7]", (1, 2, 3, 7)),
        ("0", (0,)),
    ],
)
def test_seeds_take_numbers_ranges_and_lists(config, text, seeds):
    assert config.load(with_seeds(text)).seeds == seeds


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("9-5", "c.yaml:10:8: seeds: a range goes up: write 5-9 (got '9-5')"),
        ("a", "c.yaml:10:8: seeds: write seeds as 1, 1-100 or 1,2,5-9 (got 'a')"),
        ("1.5", "c.yaml:10:8: seeds: write seeds as 1, 1-100 or 1,2,5-9 (got 1.5)"),
        ("1:5", "c.yaml:10:8: seeds: write seeds as 1, 1-100 or 1,2,5-9 (got '1:5')"),
        ("true", "c.yaml:10:8: seeds: write seeds as 1, 1-100 or 1,2,5-9 (got True)"),
        ("1,2,1", "c.yaml:10:8: seeds: seeds must differ (duplicate: 1)"),
        ("-1", "c.yaml:10:8: seeds.0: must be >= 0 (got -1)"),
        ("[1, 2.5]", "c.yaml:10:12: seeds.1: must be a whole number (got 2.5)"),
        ("[true]", "c.yaml:10:9: seeds.0: must be a whole number (got true)"),
        ("[]", "c.yaml:10:8: seeds: must be a list of at least 1 (got [])"),
        ("4294967296", "c.yaml:10:8: seeds.0: must be < 4294967296 (got 4294967296)"),
        (
            "1-9999999999",
            "c.yaml:10:8: seeds: a range has at most 100000 seeds (got '1-9999999999')",
        ),
    ],
)
def test_other_seeds_are_answered(config, text, sentence):
    assert config.wrong(with_seeds(text)) == [sentence]


METRICS = "train_loss, valid_loss, train_accuracy, valid_accuracy"


@pytest.mark.parametrize(
    ("target", "got"),
    [
        ("{}", "none"),
        ("{train_loss: 1, valid_accuracy: 0.5}", "train_loss and valid_accuracy"),
    ],
)
def test_a_target_is_one_metric(config, target, got):
    assert config.wrong(("{valid_accuracy: 0.5}", target)) == [
        f"c.yaml:8:9: target: give one of {METRICS} (got {got})"
    ]


def test_a_target_may_be_left_out(config):
    assert config.load(("target: {valid_accuracy: 0.5}\n", "")).targets == ()


@pytest.mark.parametrize("given", ["95", '"95%"'])
def test_an_accuracy_in_per_cent_is_reported_to_be_a_fraction(config, given):
    (sentence,) = config.wrong(("valid_accuracy: 0.5", f"valid_accuracy: {given}"))
    assert sentence.startswith("c.yaml:8:26: target.valid_accuracy: must be ")
    assert sentence.endswith(f": write a fraction, 0.95 for 95% (got {given})")


def test_skip_every_belongs_to_the_published_reading(config):
    piece = ("{valid_accuracy: 0.5}", "{train_loss: 1, skip_every: 50}")
    assert config.wrong(piece) == [
        (
            "c.yaml:8:37: target.skip_every: needs reading: as_published; set that, "
            "or remove skip_every"
        )
    ]
    published = config.load(piece, ("name: tiny\n", "name: tiny\nreading: as_published\n"))
    assert published.targets[0].skip_every == 50


def test_evaluate_every_counts_updates(config):
    pieces = (
        ("lr: 0.5", "lr: 0.5, batch_size: 100"),
        ("epochs: 3}", "epochs: 3}\nevaluate_every: 5 updates"),
    )
    assert config.load(*pieces).every_updates == 5
    assert config.load().every_updates is None


@pytest.mark.parametrize("given", ["5", "2 epochs", "0 updates", "updates", "[1]"])
def test_other_intervals_are_answered_with_the_two_forms(config, given):
    (sentence,) = config.wrong(("epochs: 3}", f"epochs: 3}}\nevaluate_every: {given}"))
    assert sentence.startswith("c.yaml:10:17: evaluate_every: must be `1 epoch` or `N updates`")


def test_activations_are_one_or_one_per_hidden_layer(config):
    one = config.load(("[8]", "[8, 4]\n  activation: tanh")).model
    each = config.load(("[8]", "[8, 4]\n  activation: [relu, tanh]")).model
    assert one.activations() == ("tanh", "tanh")
    assert each.activations() == ("relu", "tanh")


def test_activations_of_another_number_are_refused(config):
    (sentence,) = config.wrong(("[8]", "[8, 4, 2]\n  activation: [relu, tanh]"))
    assert "one for each of the 3 hidden layers (got 2)" in sentence


@pytest.mark.parametrize("name", ["..", ".", "my exp", "a/b", "''"])
def test_a_name_that_is_no_folder_of_its_own_is_refused(config, name):
    (sentence,) = config.wrong(("name: tiny", f"name: {name}"))
    assert sentence.startswith("c.yaml:1:7: name: is the name of a folder: use only letters")


def test_the_name_is_the_files_by_default(config):
    assert config.load(("name: tiny\n", "")).name == "c"


def test_a_name_alone_stands_for_its_defaults(config):
    short = config.load(
        ("{name: digits, scale: unit}", "digits"), ("{name: gradient_descent, lr: 0.5}", "adam")
    )
    assert short.dataset.scale == "raw"
    assert short.entries[0].name == "adam"


@pytest.mark.parametrize("key", ["dataset", "loss", "optimizers"])
@pytest.mark.parametrize("left", ["", "null"])
def test_what_is_needed_is_asked_for_once(config, key, left):
    values = {
        "dataset": "{name: digits}",
        "loss": "mse",
        "optimizers": "[{name: adam}]",
        key: left,
    }
    text = "".join(f"{k}: {v}\n" for k, v in values.items() if k != key or left)
    sentences = config.wrong(text=text)
    assert len(sentences) == 1
    assert f": {key}: " in sentences[0]
