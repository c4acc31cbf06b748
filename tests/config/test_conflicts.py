"""Values that are valid alone and wrong together."""

import pytest

DATA, LOSS, TARGET, RULE = (
    "{name: digits, scale: unit}",
    "cross_entropy",
    "{valid_accuracy: 0.5}",
    ("{name: gradient_descent, lr: 0.5}"),
)


def test_a_loss_for_two_classes_is_refused_on_ten(config):
    assert config.wrong((LOSS, "bce"), (DATA, "mnist"), (TARGET, "{train_loss: 1}")) == [
        "c.yaml:5:7: loss: bce needs two classes, but mnist has 10: use cross_entropy"
    ]


def test_a_loss_for_classes_is_refused_on_values(config):
    assert config.wrong((DATA, "diabetes"), (TARGET, "{train_loss: 1}")) == [
        "c.yaml:5:7: loss: cross_entropy needs classes, but diabetes has values: use mse"
    ]


def test_an_accuracy_is_refused_on_values(config):
    pieces = (DATA, "diabetes"), (LOSS, "mse"), (TARGET, "{train_accuracy: 0.5}")
    assert config.wrong(*pieces) == [
        "c.yaml:8:26: target.train_accuracy: diabetes has values, not classes: use train_loss"
    ]


def test_a_target_on_held_out_samples_needs_some(config):
    assert config.wrong((DATA, "mnist")) == [
        (
            "c.yaml:8:26: target.valid_accuracy: mnist has no held-out samples: "
            "set dataset.validation to the number of training samples to hold out"
        )
    ]
    assert config.load((DATA, "{name: mnist, validation: 100}")).targets[0].on_validation


@pytest.mark.parametrize("rule", ["gradient_descent", "adam"])
def test_the_published_reading_is_of_full_data_passes(config, rule):
    sentences = config.wrong(
        (RULE, f"{{name: {rule}, batch_size: 10}}"),
        ("name: tiny", "reading: as_published"),
        ("valid_accuracy", "train_accuracy"),
    )
    assert sentences == [
        (
            "c.yaml:7:5: optimizers.0: reading: as_published evaluates full-data passes: "
            "remove batch_size, or set reading: end_of_epoch"
        )
    ]


def test_the_published_reading_is_of_the_training_data(config):
    assert config.wrong(("name: tiny", "reading: as_published")) == [
        (
            "c.yaml:8:26: target.valid_accuracy: reading: as_published evaluates the training data "
            "only: use train_loss or train_accuracy, or set reading: end_of_epoch"
        )
    ]


def test_evaluations_between_updates_need_mini_batches(config):
    assert config.wrong(("name: tiny", "evaluate_every: 5 updates")) == [
        (
            "c.yaml:7:5: optimizers.0: evaluate_every in updates needs mini-batches: "
            "set batch_size, or set evaluate_every: 1 epoch"
        )
    ]


def test_multipliers_are_one_for_each_layer(config):
    assert config.wrong(("lr: 0.5", "multipliers: [1, 2, 3]")) == [
        "c.yaml:7:5: optimizers.0: multipliers: 2 layers need 2 numbers (got 3)"
    ]


def test_sparseadam_is_refused_with_its_reason(config):
    (sentence,) = config.wrong((RULE, "sparseadam"))
    assert "needs sparse gradients, which dense networks don't have: use adam" in sentence


def test_conflicts_of_several_entries_are_reported_together(config):
    sentences = config.wrong((RULE, "sparseadam\n  - {name: gradient_descent, multipliers: [1]}"))
    assert [s.split(": ")[:2] for s in sentences] == [
        ["c.yaml:7:5", "optimizers.0"],
        ["c.yaml:8:5", "optimizers.1"],
    ]


def test_a_target_on_the_test_samples_is_refused(config):
    assert config.wrong((DATA, "{name: mnist, validation: test}")) == [
        (
            "c.yaml:8:26: target.valid_accuracy: would stop training by the test samples, which "
            "are for reporting: hold out training samples with dataset.validation, or remove the "
            "target"
        )
    ]


@pytest.mark.parametrize("name", ["parameter_search", "synaprune", "random_features"])
def test_an_optimizer_that_makes_its_own_affine_output_is_refused_on_cosines(config, name):
    pieces = (
        (LOSS, "am_softmax"),
        (RULE, name),
        ("  hidden: [8]", "  hidden: [8]\n  output_bias: false"),
    )
    assert config.wrong(*pieces) == [
        (
            f"c.yaml:8:5: optimizers.0: {name} can't train cosine outputs: use another loss, or "
            "set normalised to false"
        )
    ]


def test_a_sequence_with_such_a_stage_is_refused_on_cosines_too(config):
    stages = "{name: sequence, stages: [{name: parameter_search, epochs: 1}, {name: adam}]}"
    pieces = (
        (LOSS, "am_softmax"),
        (RULE, stages),
        ("  hidden: [8]", "  hidden: [8]\n  output_bias: false"),
    )
    assert config.wrong(*pieces) == [
        (
            "c.yaml:8:5: optimizers.0: sequence can't train cosine outputs: use another loss, or "
            "set normalised to false"
        )
    ]


def test_a_range_for_an_option_that_no_optimizer_has_is_refused_with_the_nearest(config):
    (sentence,) = config.wrong(("name: tiny", "tune: {rl: [0.1, 1]}"))
    assert sentence.startswith("c.yaml:1:12: tune.rl: unknown option 'rl'. Did you mean 'lr'?")


def test_what_an_optimizer_of_ones_own_may_be_tuned_over_is_not_judged_before_it_is_loaded(config):
    (config.folder / "mine.py").write_text("")
    assert config.load((RULE, "{file: mine.py}"), ("name: tiny", "tune: {rl: [0.1, 1]}")).tune
