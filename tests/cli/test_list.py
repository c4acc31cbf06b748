"""gfopt list: the names of what is registered, and one entry in full."""

import inspect
import json
import re
import sys
from pathlib import Path

import pytest
import yaml

from gfopt.backends import backends
from gfopt.config.loading import load
from gfopt.config.packaged_configs import find_packaged_configs
from gfopt.datasets.base import datasets
from gfopt.model.initializers import initializers
from gfopt.model.losses import losses
from gfopt.optimizers.base import optimizers

KINDS = {
    "optimizers": optimizers,
    "datasets": datasets,
    "losses": losses,
    "inits": initializers,
    "backends": backends,
    "configs": find_packaged_configs(),
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
def test_every_entry_is_shown_in_full(gfopt, kind, name):
    done = gfopt("list", kind, name)
    assert done.exit_code == 0
    if kind == "configs":
        assert done.stdout.strip() == find_packaged_configs()[name].read_text().strip()
    else:
        options = done.stdout.partition("Options:\n")[2]
        fields = getattr(KINDS[kind][name], "model_fields", ())  # a backend has no options
        assert all(f"  {option}: " in options for option in fields)


@pytest.mark.parametrize("name", optimizers)
def test_every_optimizer_names_its_source_and_cost(gfopt, name):
    text = gfopt("list", "optimizers", name).stdout
    assert "Source: " in text
    assert re.search(r"Cost per\s", text)


def test_defaults_that_have_options_themselves_are_written_as_in_a_config(gfopt):
    text = gfopt("list", "optimizers", "sequence").stdout
    stages = "[{name: position_wise, epochs: 3}, {name: gradient_descent}]"
    assert f"  stages: default {stages}; " in text
    given = {"optimizers": [{"name": "sequence", "stages": yaml.safe_load(stages)}]}
    rest = {"dataset": "diabetes", "loss": "mse", "model": {"hidden": [3]}}
    (entry,) = load(json.dumps(given | rest), "c.yaml", Path()).entries
    assert entry.optimizer == optimizers["sequence"]()


def test_a_file_describes_its_optimizer_whatever_else_it_defines(gfopt):
    """sequence.py has the options of a stage beside those of the optimizer."""
    module = inspect.getdoc(sys.modules[optimizers["sequence"].__module__])
    assert gfopt("list", "optimizers", "sequence").stdout.startswith(module.strip())
    (line,) = [
        line
        for line in gfopt("list", "optimizers").stdout.splitlines()
        if line.split()[0] == "sequence"
    ]
    assert line.split(maxsplit=1)[1] == module.splitlines()[0].rstrip(".")


@pytest.mark.parametrize(
    ("words", "facts"),
    [
        (["optimizer"], ["unknown kind 'optimizer'", "'optimizers'?"]),
        (["optimizers", "adm"], ["unknown optimizer 'adm'", "'adam'?"]),
        (["losses", "bec"], ["unknown loss 'bec'", "'bce'?"]),
        (["configs", "digit"], ["unknown config 'digit'", "'digits'?"]),
    ],
)
def test_an_unknown_name_gets_the_nearest(gfopt, words, facts):
    done = gfopt("list", *words)
    assert done.exit_code == 2
    assert all(fact in done.stderr for fact in ["error: ", *facts])
