"""`controls: standard`: the controls of each optimizer are in the experiment."""

from __future__ import annotations

import pytest
import torch

from gfopt.engine.budget import Budget
from gfopt.engine.loop import train
from gfopt.engine.terms import Terms
from gfopt.optimizers import optimizers
from tests.engine.test_loop import task
from tests.tiny import Tiny

RULE = "{name: gradient_descent, lr: 0.5}"
STANDARD = ("budget: {epochs: 3}", "budget: {epochs: 3}\ncontrols: standard")
THREE = ("hidden: [8]", "hidden: [8, 7]")


def entries(config, rules, *pieces):
    return config.load((RULE, rules), STANDARD, *pieces).entries


def shown(entry):
    return entry.name, entry.label, entry.control_of


@pytest.fixture
def position_wise(config):
    return entries(config, "{name: position_wise, lr: 0.1}", THREE)


def test_without_the_key_nothing_is_added(config):
    assert len(config.load((RULE, "{name: position_wise, lr: 0.1}")).entries) == 1


def test_a_descent_of_several_updates_has_its_rates_adam_and_itself_frozen(position_wise):
    of = ("position_wise",)
    assert [shown(entry) for entry in position_wise] == [
        ("position_wise", "position_wise", ()),
        ("gradient_descent", "gradient descent, lr 0.1", of),
        ("gradient_descent", "gradient descent, rates x (1, 2, 3)", of),
        ("gradient_descent", "gradient descent, rate x 2", of),
        ("gradient_descent", "gradient descent, rate x 3", of),
        ("adam", "adam at its default lr", of),
        ("position_wise", "position_wise, hidden layers frozen", of),
    ]


def test_the_rates_are_the_updates_of_each_layer_their_mean_and_their_largest(position_wise):
    same, per_layer, mean, largest = (entry.optimizer for entry in position_wise[1:5])
    assert (same.lr, same.multipliers) == (0.1, None)
    assert (per_layer.lr, per_layer.multipliers) == (0.1, (1, 2, 3))
    assert (mean.lr, mean.multipliers) == (pytest.approx(0.1 * 2), None)
    assert (largest.lr, largest.multipliers) == (pytest.approx(0.1 * 3), None)


def test_the_updates_of_each_layer_are_those_that_one_epoch_makes():
    class Spy:
        moved: dict = {}  # noqa: RUF012

        def forward(self, *args):
            pass

        def backward(self, rows, samples, last):
            for l in range(last, 4):
                self.moved[l] = self.moved.get(l, 0) + 1

    tiny, rule = Tiny(), optimizers["position_wise"](lr=0.1)
    problem = tiny.problem.with_watcher(Spy())
    state = rule.init(problem, tiny.initial_weights([1]), tiny.draw([1]))
    rule.step(problem, state, problem.forward(state))
    assert tuple(Spy.moved[l] for l in (1, 2, 3)) == rule.updates_of_layers(3)


def test_the_frozen_control_is_the_optimizer_itself_with_its_options(position_wise):
    rule, frozen = position_wise[0], position_wise[-1]
    assert frozen.training_options() == rule.training_options() | {"frozen_hidden": True}


def test_without_hidden_layers_nothing_is_frozen(config):
    made = entries(config, "evolution_strategy", ("hidden: [8]", "hidden: []"))
    assert not any(entry.frozen_hidden for entry in made)


def test_an_optimizer_of_one_update_a_layer_has_no_rates_to_be_set_against(config):
    made = entries(config, "{name: sgd, lr: 0.1}")
    assert [entry.label for entry in made] == [
        "sgd",
        "gradient descent, lr 0.1",
        "adam at its default lr",
        "sgd, hidden layers frozen",
    ]


@pytest.mark.parametrize("name", ["evolution_strategy", "parameter_search", "synaprune"])
def test_a_gradient_free_optimizer_has_searches_and_itself_frozen_as_controls(config, name):
    rule, *controls = entries(config, name)
    assert [entry.name for entry in controls] == ["random_features", "random_search", name]
    assert all(entry.control_of == (rule.label,) for entry in controls)
    assert controls[-1].frozen_hidden


SEARCHES = [
    ("evolution_strategy", {"members": 14}),
    ("parameter_search", {}),
    ("parameter_search", {"count": 5, "keep_incumbent": True}),
    ("synaprune", {}),
    ("synaprune", {"variant": "experimental"}),
    ("random_search", {"members": 9}),
]


def passes_of_epochs(rule, epochs, tiny):
    how = Terms((), "end_of_epoch", Budget(epochs=epochs))
    from gfopt.engine.clock import Clock

    (outcome,) = train(task(tiny), rule, how, (1,), Clock())
    return outcome.history[-1].forward_passes / tiny.problem.samples


@pytest.mark.parametrize(("name", "options"), SEARCHES)
def test_the_passes_of_an_epoch_that_an_optimizer_declares_are_those_that_it_makes(name, options):
    tiny, rule = Tiny((4, 3, 2), "sigmoid", "sigmoid_mse"), optimizers[name](**options)
    second = passes_of_epochs(rule, 2, tiny) - passes_of_epochs(rule, 1, tiny)
    assert second == pytest.approx(rule.passes_of_an_epoch(tiny.widths), rel=1e-12)


@pytest.mark.parametrize(("name", "options"), SEARCHES[:-1])
def test_random_search_makes_as_many_passes_an_epoch_as_the_optimizer(config, name, options):
    words = "".join(f", {key}: {str(value).lower()}" for key, value in options.items())
    rule, _, search, *_ = entries(config, f"{{name: {name}{words}}}")
    widths = (64, 8, 10)
    tiny = Tiny(widths, samples=12)
    made = passes_of_epochs(search.optimizer, 2, tiny) - passes_of_epochs(search.optimizer, 1, tiny)
    assert made == search.optimizer.members
    assert made == max(1, round(rule.optimizer.passes_of_an_epoch(widths)))


@pytest.mark.parametrize("name", ["gradient_descent", "adam", "random_features", "random_search"])
def test_baselines_have_no_controls(config, name):
    assert len(entries(config, name)) == 1


def test_what_has_no_hidden_layers_to_train_is_not_frozen(config):
    made = entries(config, "{name: synaprune, frozen_hidden: true}")
    assert [entry.name for entry in made] == ["synaprune", "random_features", "random_search"]
    frozen = entries(config, "{name: position_wise, frozen_hidden: true}")
    assert [entry.name for entry in frozen] == ["position_wise"]


def test_an_entry_that_the_file_has_becomes_the_control(config):
    rules = (
        "{name: position_wise, lr: 0.5}\n"
        "  - {name: gradient_descent, label: mine, lr: 0.5, multipliers: [1, 2]}"
    )
    made = entries(config, rules)
    assert [entry.label for entry in made] == [
        "position_wise",
        "mine",
        "gradient descent, rate x 1.5",
        "gradient descent, rate x 2",
        "adam at its default lr",
        "position_wise, hidden layers frozen",
    ]
    assert made[1].control_of == ("position_wise",)


def test_an_adam_of_ones_own_is_the_adam_of_the_race(config):
    made = entries(config, "{name: position_wise, lr: 0.5}\n  - {name: adam, lr: 0.01}")
    (adam,) = (entry for entry in made if entry.name == "adam")
    assert (adam.options["lr"], adam.control_of) == (0.01, ("position_wise",))


def test_two_optimizers_share_the_controls_that_are_the_same(config):
    rules = "{name: position_wise, lr: 0.5}\n  - {name: sgd, lr: 0.1}"
    made = entries(config, rules)
    (adam,) = (entry for entry in made if entry.name == "adam")
    assert adam.control_of == ("position_wise", "sgd")
    assert [entry.frozen_hidden for entry in made].count(True) == 2


def test_controls_of_controls_are_not_added(position_wise):
    labels = {entry.label for entry in position_wise}
    assert {of for entry in position_wise for of in entry.control_of} == {"position_wise"}
    assert len(labels) == len(position_wise)


def test_mini_batches_are_carried_over_to_optimizers_that_take_them(config):
    made = entries(config, "{name: position_wise, lr: 0.1, batch_size: 20}")
    assert {entry.batch_size for entry in made} == {20}
    searched = entries(config, "{name: evolution_strategy, batch_size: 20}")
    sizes = {(entry.name, entry.batch_size) for entry in searched}
    assert sizes == {("evolution_strategy", 20), ("random_features", None), ("random_search", 20)}


def test_a_schedule_is_carried_over_to_optimizers_with_a_rate(config):
    schedule = "schedule: {name: StepLR, step_size: 2}"
    made = entries(config, f"{{name: position_wise, lr: 0.1, {schedule}}}")
    assert all(entry.schedule == made[0].schedule is not None for entry in made)
    searched = entries(config, f"{{name: evolution_strategy, {schedule}}}")
    assert {e.name for e in searched if not e.schedule} == {"random_features", "random_search"}


def test_a_sequence_of_descents_is_set_against_adam_and_not_against_chance(config):
    stages = "stages: [{name: position_wise, epochs: 1}, {name: gradient_descent}]"
    made = entries(config, f"{{name: sequence, {stages}}}")
    assert [entry.name for entry in made] == ["sequence", "adam", "sequence"]


def test_a_sequence_of_searches_is_set_against_chance(config):
    stages = "stages: [{name: parameter_search, epochs: 1}, {name: evolution_strategy}]"
    made = entries(config, f"{{name: sequence, {stages}}}")
    assert [entry.name for entry in made][1] == "random_features"


@pytest.mark.parametrize("value", ["strict", "true", "1"])
def test_a_wrong_value_is_reported_with_its_key(config, value):
    (found,) = config.wrong((STANDARD[0], f"{STANDARD[0]}\ncontrols: {value}"))
    assert found.startswith("c.yaml:10:11: controls: must be 'standard' (got ")


@pytest.mark.parametrize(
    "others",
    ["{name: sgd, label: adam, lr: 0.1}", "{name: position_wise, label: fast, lr: 2.0}"],
)
def test_no_two_entries_have_one_label_as_runs_are_kept_by_it(config, others):
    made = entries(config, f"{{name: position_wise, lr: 0.5}}\n  - {others}")
    labels = [entry.label for entry in made]
    assert len(set(labels)) == len(labels)


def test_of_two_controls_of_one_kind_each_says_whose_it_is(config):
    rules = "{name: position_wise, label: a, lr: 0.5}\n  - {name: position_wise, label: b, lr: 2.0}"
    made = {entry.label: entry for entry in entries(config, rules)}
    one, two = (made[f"gradient descent, rate x 2{number}"] for number in ("", " #2"))
    assert (one.control_of, one.optimizer.lr) == (("a",), 1.0)
    assert (two.control_of, two.optimizer.lr) == (("b",), 4.0)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)
