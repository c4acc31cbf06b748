"""gfopt check on gfopt's own rules: each keeps what it promises, and the claims tell them apart."""

import pytest

from gfopt.checking import claims
from gfopt.checking.command import subject_of, verdicts
from gfopt.optimizers import optimizers

REFUSED = "sparseadam"
# without a line search its steps go wherever rounding takes them: to nan on some processors
GENTLE = {"lbfgs": ["line_search_fn=strong_wolfe"]}
VARIANTS = ["variant=centred", "variant=experimental", "variant=batch", "output_error=largest"]


def broken(name, *settings):
    return {v.check: v.sentence for v in verdicts(subject_of(name, settings)) if not v.holds}


@pytest.mark.parametrize("name", [name for name in optimizers if name != REFUSED])
def test_every_registered_rule_passes_every_check(name):
    assert broken(name, *GENTLE.get(name, [])) == {}


@pytest.mark.long
@pytest.mark.parametrize("setting", VARIANTS)
def test_every_variant_of_synaprune_passes_too(setting):
    assert broken("synaprune", setting) == {}


def test_a_rule_that_takes_no_network_says_so_and_nothing_else_is_made():
    found = broken(REFUSED)
    assert "needs sparse gradients" in found.pop("options are valid")
    assert all(said.startswith("not made, it needs: ") for said in found.values())


def test_the_default_options_of_a_rule_can_be_changed():
    found = broken("gradient_descent", "multipliers=[1, 2]")
    assert found["options are valid"] == (
        "check refuses a network of 3 layers: multipliers: 3 layers need 3 numbers (got 2)"
    )


NOT_LOCAL = set(optimizers) - {REFUSED, "synaprune", "random_features", "random_search"}


@pytest.mark.parametrize("name", sorted(NOT_LOCAL))
def test_no_rule_that_looks_at_layers_above_would_pass_as_local(name):
    """random_features moves no hidden layer; random_search's choice can be the same by chance."""
    said = claims.local(subject_of(name, []))
    assert said
    assert said.startswith("the update of W1 is another with other layers above it")
