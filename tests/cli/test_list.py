"""gfopt list: what there is, and one entry in full."""

import json
from pathlib import Path

import pytest
import yaml

from gfopt.config.experiment import load
from gfopt.config.finding import packaged
from gfopt.datasets.base import datasets
from gfopt.initializers import initializers
from gfopt.losses import losses
from gfopt.optimizers.base import optimizers

KINDS = {
    "optimizers": optimizers,
    "datasets": datasets,
    "losses": losses,
    "inits": initializers,
    "configs": packaged(),
}


def test_without_a_kind_all_are_listed(gfopt):
    done = gfopt("list")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [f"{kind}:" for kind in KINDS]
    assert len(lines) == len(KINDS) + sum(map(len, KINDS.values()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_lists_its_names_with_a_line_each(gfopt, kind):
    head, *lines = gfopt("list", kind).stdout.splitlines()
    assert head == f"{kind}:"
    assert [line.split()[0] for line in lines] == list(KINDS[kind])
    assert all(len(line.split()) > 1 for line in lines)


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in KINDS[kind]])
def test_every_entry_is_told_in_full(gfopt, kind, name):
    done = gfopt("list", kind, name)
    assert done.exit_code == 0
    if kind == "configs":
        assert done.stdout.strip() == packaged()[name].read_text().strip()
    else:
        options = done.stdout.partition("Options:\n")[2]
        assert all(f"  {option}: " in options for option in KINDS[kind][name].model_fields)


@pytest.mark.parametrize("name", optimizers)
def test_every_optimizer_names_its_source_and_cost(gfopt, name):
    text = gfopt("list", "optimizers", name).stdout
    assert "Source: " in text
    assert "Cost per " in text


def test_defaults_that_are_options_themselves_are_told_as_in_a_config(gfopt):
    text = gfopt("list", "optimizers", "sequence").stdout
    stages = "[{name: position_wise, epochs: 3}, {name: gradient_descent}]"
    assert f"  stages: default {stages}; " in text
    given = {"optimizers": [{"name": "sequence", "stages": yaml.safe_load(stages)}]}
    rest = {"dataset": "diabetes", "loss": "mse", "model": {"hidden": [3]}}
    (entry,) = load(json.dumps(given | rest), "c.yaml", Path()).entries
    assert entry.made == optimizers["sequence"]()


def test_a_module_of_one_rule_speaks_for_it_whatever_else_it_defines(gfopt):
    """sequence.py has the options of a stage beside those of the rule."""
    assert gfopt("list", "optimizers", "sequence").stdout.startswith("Optimizers one after the")
    listed = gfopt("list", "optimizers").stdout
    assert "  Optimizers one after the other on the same parameters, such as a" in listed
    assert "Options of" not in listed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["optimizer"], "unknown kind 'optimizer'. Did you mean 'optimizers'?"),
        (["optimizers", "adm"], "unknown optimizer 'adm'. Did you mean 'adam'?"),
        (["losses", "bec"], "unknown loss 'bec'"),
        (["configs", "digit"], "unknown config 'digit'. Did you mean 'digits'?"),
    ],
)
def test_an_unknown_name_gets_the_nearest(gfopt, words, said):
    done = gfopt("list", *words)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {said}")
