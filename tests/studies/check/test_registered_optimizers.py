"""gfopt check on registered optimizers: each passes, and the declarations tell them apart."""

import pytest

from gfopt.optimizers import optimizers
from gfopt.studies.check.declared import check_local
from gfopt.studies.check.run_check import load_optimizer_under_test, run_checks

REFUSED = "sparseadam"
# without a line search its steps go wherever rounding takes them: to nan on some processors
GENTLE = {"lbfgs": ["line_search_fn=strong_wolfe"]}
VARIANTS = ["variant=centred", "variant=experimental", "variant=batch", "output_error=largest"]


def not_passed(name, *settings):
    """The sentences of the checks that failed or were skipped."""
    results = run_checks(load_optimizer_under_test(name, settings))
    return {result.check: result.sentence for result in results if not result.passed}


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in optimizers if name != REFUSED])
def test_every_registered_optimizer_passes_every_check(name):
    assert not_passed(name, *GENTLE.get(name, [])) == {}


@pytest.mark.nightly
@pytest.mark.parametrize("setting", VARIANTS)
def test_every_variant_of_synaprune_passes_too(setting):
    assert not_passed("synaprune", setting) == {}


def test_an_optimizer_that_refuses_the_network_fails_and_the_other_checks_are_skipped():
    results = not_passed(REFUSED)
    assert "needs sparse gradients" in results.pop("valid hyperparameters")
    assert results
    assert all(sentence.startswith("skipped (requires: ") for sentence in results.values())


def test_hyperparameters_can_be_changed_from_outside():
    sentence = not_passed("gradient_descent", "multipliers=[1, 2]")["valid hyperparameters"]
    assert "a network of 3 layers" in sentence
    assert "multipliers: 3 layers need 3 numbers (got 2)" in sentence


NOT_LOCAL = set(optimizers) - {REFUSED, "synaprune", "random_features", "random_search"}


@pytest.mark.parametrize("name", sorted(NOT_LOCAL))
def test_no_optimizer_that_looks_at_layers_above_would_pass_as_local(name):
    """random_features changes no hidden layer; random_search's choice can agree by chance."""
    fault = check_local(load_optimizer_under_test(name, []))
    assert fault
    assert "the update of W1 changes with the layers above it" in fault
