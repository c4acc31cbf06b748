"""--set KEY=VALUE: what it changes, and its errors."""

import pytest


def changed(config, *settings):
    return config.load(settings=settings)


def test_a_value_inside_a_list_is_set(config):
    assert changed(config, "optimizers.0.lr=1e-4").entries[0].options["lr"] == 1e-4


def test_the_last_of_two_settings_counts(config):
    assert changed(config, "budget.epochs=5", "budget.epochs=6").budget.epochs == 6


def test_whole_sections_are_replaced(config):
    assert str(changed(config, "target={train_loss: 1}").targets[0]) == "train_loss < 1"
    assert changed(config, "target=").targets == ()
    assert changed(config, "optimizers.0=adam").entries[0].name == "adam"


def test_sections_that_the_file_lacks_are_made(config):
    assert changed(config, "model.init.scheme=normal").conditions()["model"]["init"]["std"] > 0
    assert changed(config, "seeds=1-3").seeds == (1, 2, 3)
    assert changed(config, "model.hidden.0= 4 ").model.hidden == (4,)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("lr", "write KEY=VALUE, for example optimizers.0.lr=1e-4"),
        ("=3", "write KEY=VALUE, for example optimizers.0.lr=1e-4"),
        ("budget..epochs=3", "write KEY=VALUE, for example optimizers.0.lr=1e-4"),
        ("optimizers.1.lr=1", "optimizers is a list of 1: write optimizers.0 (got 1)"),
        ("optimizers.-1.lr=1", "optimizers is a list of 1: write optimizers.0 (got '-1')"),
        ("optimizers.lr=1", "optimizers is a list of 1: write optimizers.0 (got 'lr')"),
        ("name.x=3", "name is a value and has no keys"),
        ("budget.epochs=[1", "not YAML: while parsing a flow sequence"),
        ("budget.epochs=!x 1", "not YAML: could not determine a constructor"),
        ("optimizers.0.lr=.nan", "must be a finite number (got .nan)"),
        ("optimizers.0.lr={a: 1, a: 2}", "duplicate key"),
    ],
)
def test_a_setting_that_can_not_be_made_is_answered_by_its_own_text(config, setting, said):
    (sentence,) = config.wrong(settings=[setting])
    assert sentence.startswith(f"--set {setting}: {said}")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("optimizers.0.lr=-1", "optimizers.0.lr: must be > 0 (got -1)"),
        ("optimizers.0.lr=", "optimizers.0.lr: must be a number (got null)"),
        ("optimizers.0.lrr=1", "optimizers.0.lrr: unknown key 'lrr'. Did you mean 'lr'?"),
        ("sedes=3", "sedes: unknown key 'sedes'. Did you mean 'seeds'?"),
        ("budgte.epochs=3", "budgte: unknown key 'budgte'. Did you mean 'budget'?"),
    ],
)
def test_a_wrong_setting_is_reported_as_the_options_not_the_files(config, setting, said):
    (sentence,) = config.wrong(settings=[setting])
    assert sentence.startswith(f"--set {setting}: {said}")


def test_a_setting_mends_a_value_that_was_not_finite(config):
    assert config.load(("lr: 0.5", "lr: .nan"), settings=["optimizers.0.lr=2"])


def test_errors_of_file_and_options_are_reported_together(config):
    sentences = config.wrong(("lr: 0.5", "lr: -1"), settings=["budget.epochs=0"])
    assert [s.split(": ")[0] for s in sentences] == ["--set budget.epochs=0", "c.yaml:7:34"]
