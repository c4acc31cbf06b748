"""One target or several: errors have line, column and key."""

import pytest

TARGET = "{valid_accuracy: 0.5}"


def several(*targets):
    return TARGET, "[" + ", ".join(targets) + "]"


def test_a_target_stands_alone_or_in_a_list(config):
    one, listed = config.load(), config.load(several(TARGET))
    assert one.targets == listed.targets
    assert len(config.load(several(TARGET, "{train_loss: 1}")).targets) == 2
    assert config.load((f"target: {TARGET}\n", "")).targets == ()


def test_targets_keep_their_order_and_their_own_hold(config):
    loaded = config.load(several("{train_loss: 1, hold: 3}", TARGET)).targets
    assert [str(target) for target in loaded] == [
        "train_loss < 1, 3 evaluations in a row",
        "valid_accuracy >= 0.5",
    ]


def test_a_wrong_value_of_a_single_target_is_reported_without_a_number(config):
    assert config.wrong((TARGET, "{valid_accuracy: 95}")) == [
        "c.yaml:8:26: target.valid_accuracy: must be <= 1: write a fraction, 0.95 for 95% (got 95)"
    ]
    assert config.wrong((TARGET, "{train_loss: low}")) == [
        'c.yaml:8:22: target.train_loss: must be a number (got "low")'
    ]


def test_a_wrong_value_of_a_target_in_a_list_is_reported_with_its_number(config):
    assert config.wrong(several("{train_loss: 1}", "{train_loss: low}")) == [
        'c.yaml:8:40: target.1.train_loss: must be a number (got "low")'
    ]


def test_several_wrong_targets_are_reported_together(config):
    found = config.wrong(several("{train_loss: low}", "{valid_accuracy: 2}"))
    assert [line.split(": ")[1] for line in found] == [
        "target.0.train_loss",
        "target.1.valid_accuracy",
    ]


@pytest.mark.parametrize("text", ["{train_loss: 1, valid_loss: 1}", "{hold: 2}"])
def test_a_target_has_one_metric(config, text):
    assert config.wrong((TARGET, text))[0].startswith("c.yaml:8:9: target: give one of ")
    found = config.wrong(several(TARGET, text))[0]
    assert found.startswith("c.yaml:8:33: target.1: give one of ")


@pytest.mark.parametrize(("hold", "said"), [("0", "must be >= 1"), ("1.5", "must be a whole")])
def test_hold_is_a_count_of_evaluations(config, hold, said):
    (found,) = config.wrong((TARGET, f"{{train_loss: 1, hold: {hold}}}"))
    assert found.startswith(f"c.yaml:8:31: target.hold: {said}")


def test_an_unknown_key_of_a_target_is_reported_with_the_nearest(config):
    (found,) = config.wrong((TARGET, "{trainloss: 1}"))
    assert found.startswith("c.yaml:8:21: target.trainloss: unknown key 'trainloss'. Did you mean")


def test_a_target_that_stands_twice_is_reported_with_its_place(config):
    assert config.wrong(several(TARGET, "{train_loss: 1}", "{train_loss: 1.0}")) == [
        "c.yaml:8:50: target.2: duplicate target: train_loss < 1"
    ]


def test_one_metric_at_two_values_or_held_otherwise_is_no_target_twice(config):
    pieces = several("{train_loss: 1}", "{train_loss: 2}", "{train_loss: 1, hold: 2}")
    assert len(config.load(pieces).targets) == 3


def test_conflicts_of_a_target_in_a_list_name_its_number(config):
    assert config.wrong(
        ("{name: digits, scale: unit}", "mnist"), several("{train_loss: 1}", TARGET)
    ) == [
        (
            "c.yaml:8:44: target.1.valid_accuracy: mnist has no held-out samples: set "
            "dataset.validation to the number of training samples to hold out"
        )
    ]


def test_a_budget_of_passes_is_a_positive_number(config):
    assert config.load(("epochs: 3", "passes: 0.5")).budget.passes == 0.5
    (found,) = config.wrong(("epochs: 3", "passes: 0"))
    assert found.startswith("c.yaml:9:18: budget.passes: must be > 0")
